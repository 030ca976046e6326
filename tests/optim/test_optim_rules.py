"""Pure update rules of K stacked runs against K separate optimizers of torch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.errors import RecipeError
from trainwell.optim.rules.families import RULES, family_of, hyper_of, rule_of, select_hyper, select_state
from trainwell.optim.rules.muon import orthogonalize
from trainwell.recipe import optimizers as specs

STEPS = 200
SHAPES = [(4, 3), (5,), (2, 3, 2, 2)]

rate = st.floats(1e-4, 0.1)
decay = st.just(0.0) | st.floats(1e-4, 0.2)
beta = st.floats(0.3, 0.999)
eps = st.floats(1e-10, 1e-4)
betas = st.tuples(beta, beta)
adam_like = {"lr": rate, "weight_decay": decay, "betas": betas, "eps": eps}


def cases():
    """For each rule and switch: a strategy of its recipe parts, and the torch optimizer that is the oracle."""
    o = torch.optim
    momentum = st.just(0.0) | st.floats(0.1, 0.95)
    common = lambda s: {"lr": s.lr, "weight_decay": s.weight_decay}  # noqa: E731
    adam = lambda s: {**common(s), "betas": s.betas, "eps": s.eps}  # noqa: E731
    yield (
        "sgd",
        st.builds(specs.SGD, lr=rate, weight_decay=decay, momentum=momentum, dampening=st.floats(0, 0.9)),
        (lambda p, s: o.SGD(p, **common(s), momentum=s.momentum, dampening=s.dampening)),
    )
    yield (
        "nesterov",
        st.builds(specs.SGD, lr=rate, momentum=st.floats(0.1, 0.95), nesterov=st.just(True)),
        (lambda p, s: o.SGD(p, **common(s), momentum=s.momentum, nesterov=True)),
    )
    for amsgrad in (False, True):
        yield (
            f"adam-{amsgrad}",
            st.builds(specs.Adam, amsgrad=st.just(amsgrad), **adam_like),
            (lambda p, s: o.Adam(p, **adam(s), amsgrad=s.amsgrad)),
        )
        yield (
            f"adamw-{amsgrad}",
            st.builds(specs.AdamW, amsgrad=st.just(amsgrad), **adam_like),
            (lambda p, s: o.AdamW(p, **adam(s), amsgrad=s.amsgrad)),
        )
    for decoupled in (False, True):
        flag = st.just(decoupled)
        psi = st.floats(1e-3, 0.01)
        yield (
            f"nadam-{decoupled}",
            st.builds(specs.NAdam, decoupled=flag, momentum_decay=psi, **adam_like),
            (
                lambda p, s: o.NAdam(
                    p, **adam(s), momentum_decay=s.momentum_decay, decoupled_weight_decay=s.decoupled, foreach=False
                )
            ),
        )
        yield (
            f"radam-{decoupled}",
            st.builds(specs.RAdam, decoupled=flag, **adam_like),
            (lambda p, s: o.RAdam(p, **adam(s), decoupled_weight_decay=s.decoupled, foreach=False)),
        )
        yield f"rmsprop-{decoupled}", st.builds(
            specs.RMSprop, lr=rate, weight_decay=decay, alpha=beta, eps=st.floats(1e-6, 1e-4), momentum=momentum,
            centered=flag,
        ), lambda p, s: o.RMSprop(
            p, **common(s), alpha=s.alpha, eps=s.eps, momentum=s.momentum, centered=s.centered
        )  # fmt: skip
    yield (
        "adagrad",
        st.builds(
            specs.Adagrad, lr=rate, weight_decay=decay, lr_decay=st.floats(0, 0.1), initial_accumulator=st.floats(0, 1)
        ),
        lambda p, s: o.Adagrad(
            p, **common(s), lr_decay=s.lr_decay, initial_accumulator_value=s.initial_accumulator, eps=s.eps
        ),
    )
    yield (
        "adadelta",
        st.builds(specs.Adadelta, lr=rate, weight_decay=decay, rho=beta),
        (lambda p, s: o.Adadelta(p, **common(s), rho=s.rho, eps=s.eps)),
    )
    yield (
        "adafactor",
        st.builds(
            specs.Adafactor,
            lr=rate,
            weight_decay=decay,
            beta2_decay=st.floats(-1, -0.5),
            clip_threshold=st.floats(1, 3),
        ),
        lambda p, s: o.Adafactor(p, **common(s), beta2_decay=s.beta2_decay, d=s.clip_threshold),
    )
    yield "lion", st.builds(specs.Lion, lr=rate, weight_decay=decay, betas=betas), LionByHand


class LionByHand:
    """Lion as the paper writes it, one tensor after another."""

    def __init__(self, params, spec):
        self.params, self.spec = params, spec
        self.momenta = [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def step(self):
        b1, b2 = self.spec.betas
        for p, m in zip(self.params, self.momenta, strict=True):
            direction = (b1 * m + (1 - b1) * p.grad).sign()
            p -= self.spec.lr * (direction + self.spec.weight_decay * p)
            m.copy_(b2 * m + (1 - b2) * p.grad)


CASES = {name: (strategy, oracle) for name, strategy, oracle in cases()}


def stack(runs, dtype=torch.float64, shapes=SHAPES):
    generator = torch.Generator().manual_seed(0)
    params = [torch.randn(runs, *shape, generator=generator, dtype=dtype) for shape in shapes]
    noise = [torch.randn(20, runs, *shape, generator=generator, dtype=dtype) for shape in shapes]
    return params, noise


def gradients(params, noise, step, run=slice(None)):
    """Of a noisy quadratic, so that what happens to the parameters feeds back."""
    return [0.3 * p + n[step % 20, run] for p, n in zip(params, noise, strict=True)]


def train_stacked(chosen, params, noise, steps=STEPS):
    rule, hyper = rule_of(chosen[0], stacked=True), hyper_of(chosen)
    params = [p.clone() for p in params]
    state = rule.init(params, hyper)
    for step in range(steps):
        rule.update_(gradients(params, noise, step), state, params, hyper, step)
    return params


def train_alone(spec, oracle, params, noise, run, steps=STEPS):
    params = [p[run].clone().requires_grad_() for p in params]
    optimizer = oracle(params, spec)
    for step in range(steps):
        with torch.no_grad():
            for p, g in zip(params, gradients(params, noise, step, run), strict=True):
                p.grad = g
        optimizer.step()
    return [p.detach() for p in params]


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=4, deadline=None)
@given(st.data())
def test_a_stack_of_runs_equals_each_alone(name, data):
    strategy, oracle = CASES[name]
    chosen = data.draw(st.lists(strategy, min_size=1, max_size=3))
    params, noise = stack(len(chosen))
    together = train_stacked(chosen, params, noise)
    # float64, except that torch keeps NAdam's product of momenta in float32
    tolerance = 1e-4 if name.startswith("nadam") else 1e-7
    for run, spec in enumerate(chosen):
        alone = train_alone(spec, oracle, params, noise, run)
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a[run], b, rtol=tolerance, atol=tolerance)


def test_every_rule_has_a_case():
    assert {case.split("-")[0] for case in CASES} - {"nesterov"} == set(RULES) - {"muon"}


@pytest.mark.parametrize("name", ["sgd", "adamw", "rmsprop", "lion"])
def test_float32_stays_close_to_torch(name):
    spec = specs.KINDS[name]()
    params, noise = stack(2, torch.float32)
    together = train_stacked([spec, spec], params, noise)
    oracle = CASES.get(name, CASES.get(f"{name}-False"))[1]
    for a, b in zip(together, train_alone(spec, oracle, params, noise, 1), strict=True):
        torch.testing.assert_close(a[1], b, rtol=1e-3, atol=1e-4)  # 200 steps of rounding at 1e-7


@pytest.mark.parametrize("name", ["adamw-False", "adagrad", "rmsprop-True", "adadelta", "adafactor", "nadam-False"])
def test_tiny_gradients_meet_eps_as_in_torch(name):
    spec = specs.KINDS[name.split("-")[0]](**({"centered": True} if "rms" in name else {}))
    params, noise = stack(1, torch.float32)
    params, noise = [p * 1e-9 for p in params], [n * 1e-9 for n in noise]
    together = train_stacked([spec], params, noise, steps=20)
    for a, b in zip(together, train_alone(spec, CASES[name][1], params, noise, 0, steps=20), strict=True):
        torch.testing.assert_close(a[0], b, rtol=1e-3, atol=1e-14)  # NAdam in torch: float32 products


SPECS = {name: specs.KINDS[name]() for name in RULES}


@pytest.mark.parametrize("name", RULES)
def test_the_pure_form_gives_the_same_bits_and_leaves_its_arguments(name):
    rule, hyper = rule_of(SPECS[name], stacked=True), hyper_of([SPECS[name]] * 2)
    params, noise = stack(2, shapes=[(4, 3)])
    before = [p.clone() for p in params]
    state = rule.init(params, hyper)
    grads = gradients(params, noise, 0)
    new, new_state = rule.update(grads, state, params, hyper, 0)
    assert all(torch.equal(a, b) for a, b in zip(before, params, strict=True))
    rule.update_(grads, state, params, hyper, 0)
    assert all(torch.equal(a, b) for a, b in zip(new, params, strict=True))
    assert all(torch.equal(a, b) for n in state for a, b in zip(new_state[n], state[n], strict=True))


@pytest.mark.parametrize("name", RULES)
def test_one_run_without_a_stack_equals_a_stack_of_one(name):
    spec = SPECS[name]
    params, noise = stack(1, shapes=[(4, 3)])
    together = train_stacked([spec], params, noise, steps=20)
    rule, hyper = rule_of(spec), hyper_of([spec])
    alone = [p[0].clone() for p in params]
    state = rule.init(alone, hyper)
    for step in range(20):
        rule.update_(gradients(alone, noise, step, 0), state, alone, hyper, step)
    torch.testing.assert_close(together[0][0], alone[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", RULES)
def test_numbers_and_tensors_of_hyper_parameters_and_steps_mean_the_same(name):
    chosen = [SPECS[name]] * 2
    params, noise = stack(2, shapes=[(4, 3)])
    rule = rule_of(chosen[0], stacked=True)
    results = []
    for hyper, count in (
        (hyper_of(chosen), lambda s: s),
        (hyper_of(chosen, equal_as_number=False), lambda s: torch.tensor([s, s])),
        (hyper_of(chosen), lambda s: torch.tensor(s)),
    ):
        moved = [p.clone() for p in params]
        state = rule.init(moved, hyper)
        for step in range(10):
            rule.update_(gradients(moved, noise, step), state, moved, hyper, count(step))
        results.append(moved[0])
    torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(results[0], results[2], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", RULES)
def test_a_run_that_is_not_finite_leaves_the_others_alone_and_can_leave_the_stack(name):
    chosen = [SPECS[name]] * 3
    rule, hyper = rule_of(chosen[0], stacked=True), hyper_of(chosen, equal_as_number=False)
    params, noise = stack(3, shapes=[(4, 3), (2, 2)])
    clean = train_stacked(chosen, params, noise, steps=8)
    moved = [p.clone() for p in params]
    state = rule.init(moved, hyper)
    keep = torch.tensor([0, 2])
    for step in range(8):
        if step == 4:  # run 1 leaves
            moved, state, hyper = [p[keep] for p in moved], select_state(state, keep), select_hyper(hyper, keep)
            noise = [n[:, keep] for n in noise]
        grads = gradients(moved, noise, step)
        if step < 4:
            grads[0][1] = float("nan")
        rule.update_(grads, state, moved, hyper, step)
    for a, b in zip(moved, clean, strict=True):
        torch.testing.assert_close(a, b[keep], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(6, 3), (3, 6), (1, 4)])
@settings(max_examples=3, deadline=None)
@given(st.floats(0.1, 0.98), st.booleans(), rate, decay)
def test_muon_equals_torch(shape, momentum, nesterov, lr, weight_decay):
    spec = specs.Muon(lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov)
    params, noise = stack(2, torch.float32, [shape])
    together = train_stacked([spec, spec], params, noise, steps=50)
    alone = train_alone(
        spec,
        lambda p, s: torch.optim.Muon(
            p, lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, ns_steps=s.ns_steps
        ),
        params, noise, 1, steps=50,
    )  # fmt: skip
    # torch's iteration rounds to bfloat16, each of 50 steps of length lr by up to 2^-6; ours does not on a CPU
    torch.testing.assert_close(together[0][1], alone[0], rtol=0, atol=50 * lr * 2**-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_orthogonalize_keeps_singular_vectors_and_moves_singular_values_near_one(rows, columns, seed):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    inner = u.T @ orthogonalize(matrix, dtype=torch.float64) @ vh.T
    values = inner.diagonal()
    torch.testing.assert_close(inner, values.diag(), rtol=0, atol=1e-9)
    large = s > 0.05 * s.square().sum().sqrt()  # smaller ones need more steps
    assert ((values[large] > 0.5) & (values[large] < 1.3)).all()


def test_runs_of_other_families_are_refused():
    with pytest.raises(RecipeError, match="must be of one family"):
        hyper_of([specs.Adam(), specs.Adam(amsgrad=True)])
    with pytest.raises(RecipeError, match="to train runs as one stack, got lbfgs"):
        family_of(specs.LBFGS())
    assert family_of(specs.Adam(lr=1)) == family_of(specs.Adam(lr=2, betas=(0.5, 0.9)))
