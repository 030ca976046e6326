"""Every optimizer that a recipe can name: builds, learns, resumes to the bit, decays what it should."""

import copy
import sys

import pytest
import torch
from optim_models import Language, mlp, seeded, task
from torch import nn
from torch.nn.functional import cross_entropy

from trainwell.errors import MissingExtraError, RecipeError
from trainwell.optim.build import build_optimizer, chosen_implementation, set_lr, to_evaluation, to_training
from trainwell.optim.lion import Lion
from trainwell.optim.muon import Muon
from trainwell.optim.stepping import quick_step
from trainwell.recipe import optimizers as specs
from trainwell.recipe.optimizers import KINDS, Custom
from trainwell.recipe.parts import Parameters

try:
    import schedulefree  # noqa: F401

    has_schedulefree = True
except ImportError:
    has_schedulefree = False

# Rates at which 60 steps on the small task must show.
RATES = {"sgd": 1.0, "radam": 0.1, "adagrad": 0.1, "adadelta": 5.0, "adafactor": 0.1, "lion": 0.02, "lbfgs": 1.0}
VARIANTS = [
    *(KINDS[name](lr=RATES.get(name, 0.03)) for name in KINDS if name not in ("muon", "schedulefree")),
    specs.Muon(lr=0.05, adamw_lr=0.03),
    specs.SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    specs.AdamW(lr=0.03, amsgrad=True),
    specs.RMSprop(lr=0.01, momentum=0.9, centered=True),
    specs.NAdam(lr=0.03, decoupled=True, weight_decay=0.01),
    Custom(name="torch.optim:Adamax", lr=0.03),
    *([specs.ScheduleFree(lr=0.03), specs.ScheduleFree(base="sgd", lr=1.0)] if has_schedulefree else []),
]
IDS = [f"{i}-{spec.name}" for i, spec in enumerate(VARIANTS)]
each = pytest.mark.parametrize("spec", VARIANTS, ids=IDS)


def loss_of(model):
    inputs, classes = task()
    return cross_entropy(model(inputs), classes)


def train(model, optimizer, steps, first=0):
    for step in range(first, first + steps):
        set_lr(optimizer, 1 - step / 100)

        def closure():
            optimizer.zero_grad()
            loss = loss_of(model)
            loss.backward()
            return loss

        optimizer.step(closure)


def built(spec, model=None, **fields):
    model = seeded(mlp) if model is None else model
    return model, build_optimizer(spec, Parameters(**fields), model)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@each
def test_it_learns(spec):
    model, optimizer = built(spec)
    before = loss_of(model).item()
    train(model, optimizer, 60)
    to_evaluation(optimizer)
    assert loss_of(model).item() < 0.7 * before


@each
def test_its_state_continues_to_the_bit(spec):
    model, optimizer = built(spec)
    train(model, optimizer, 5)
    half, state = copy.deepcopy(model), copy.deepcopy(optimizer.state_dict())
    train(model, optimizer, 5, first=5)
    resumed = build_optimizer(spec, Parameters(), half)
    resumed.load_state_dict(state)
    train(half, resumed, 5, first=5)
    assert same(model, half)


@each
def test_its_groups_have_names_a_base_rate_and_every_parameter_once(spec):
    model, optimizer = built(spec)
    assert sorted(n for g in optimizer.param_groups for n in g["param_names"]) == sorted(dict(model.named_parameters()))
    for group in optimizer.param_groups:
        adamw_of_muon = isinstance(spec, specs.Muon) and group["rule"] == "adamw"
        assert group["base_lr"] == group["lr"] == (spec.adamw_lr if adamw_of_muon else spec.lr)


DECAYING = [spec for spec in VARIANTS if not isinstance(spec, specs.LBFGS)]


@pytest.mark.parametrize("spec", DECAYING, ids=[s.name for s in DECAYING])
@pytest.mark.parametrize("decay_all", [False, True])
def test_weight_decay_reaches_the_right_parameters(spec, decay_all):
    spec = type(spec)(**{**spec.model_dump(), "weight_decay": 0.25})
    model, optimizer = built(spec, decay_all=decay_all)
    decays = {n: g["weight_decay"] for g in optimizer.param_groups for n in g["param_names"]}
    default = spec.adamw_weight_decay if isinstance(spec, specs.Muon) else 0.25
    for name, parameter in model.named_parameters():
        expected = 0.25 if parameter.ndim == 2 else default * decay_all
        if name == "5.weight":
            expected = default  # the head, which Muon leaves to AdamW
        assert decays[name] == expected, name


@each
def test_a_copy_of_the_optimizer_is_independent(spec):
    if isinstance(spec, specs.LBFGS):
        pytest.skip("torch's cannot be copied")
    model, optimizer = built(spec)
    train(model, optimizer, 2)
    twin_model, twin = copy.deepcopy((model, optimizer))
    train(twin_model, twin, 2, first=2)
    train(model, optimizer, 2, first=2)
    assert same(model, twin_model)


CAPTURABLE = [s for s in VARIANTS if s.name not in ("lbfgs", "schedulefree", "torch.optim:Adamax")]


@pytest.mark.parametrize("spec", CAPTURABLE, ids=[s.name for s in CAPTURABLE])
def test_rates_as_tensors_give_the_same_training(spec):
    model, optimizer = built(spec)
    twin = copy.deepcopy(model)
    other = build_optimizer(spec, Parameters(), twin, capturable_lr=True)
    rate = other.param_groups[0]["lr"]
    train(model, optimizer, 5)
    train(twin, other, 5)
    assert other.param_groups[0]["lr"] is rate
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        # a float32 rate and 20 bits of sign-like first steps; Muon's iteration enlarges what rounds elsewhere
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-2 if spec.name == "muon" else 1e-4)


@pytest.mark.parametrize("spec", VARIANTS[:10], ids=IDS[:10])
def test_every_implementation_gives_the_same_training(spec):
    results = []
    for implementation in ("loop", "foreach", "fused"):
        model = seeded(mlp)
        train(model, build_optimizer(spec, Parameters(), model, implementation=implementation), 5)
        results.append(list(model.parameters()))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_the_quickest_implementation_is_chosen():
    params = list(mlp().parameters())
    assert chosen_implementation(specs.AdamW(), params) == "fused"
    assert chosen_implementation(specs.AdamW(), [torch.zeros(2, dtype=torch.complex64)]) == "foreach"
    assert chosen_implementation(specs.NAdam(), params) == "foreach"
    assert chosen_implementation(specs.Adafactor(), params) == "loop"
    _, optimizer = built(specs.SGD())
    assert all(g["fused"] and not g["foreach"] for g in optimizer.param_groups)


@each
def test_the_quick_step_is_the_step_to_the_bit(spec):
    if isinstance(spec, specs.LBFGS):
        pytest.skip("needs a closure")
    (model, optimizer), (twin, other) = built(spec, layer_lr_decay=0.9), built(spec, layer_lr_decay=0.9)
    step = quick_step(other)
    for i in range(6):
        for m, o, advance in ((model, optimizer, optimizer.step), (twin, other, step)):
            set_lr(o, 1 - i / 10)
            o.zero_grad()
            loss_of(m).backward()
            if i == 3:
                next(m.parameters()).grad = None
            advance()
        if i == 4:
            other.load_state_dict(copy.deepcopy(other.state_dict()))
    assert same(model, twin)


def test_the_quick_step_lets_hooks_see_the_step():
    model, optimizer = built(specs.AdamW())
    step, seen = quick_step(optimizer), []
    loss_of(model).backward()
    step()
    step()
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    step()
    assert seen == [1]


def test_muon_equals_torchs_muon_and_adamw_side_by_side():
    spec = specs.Muon(lr=0.02, momentum=0.9, ns_steps=4)
    model, optimizer = built(spec)
    twin = copy.deepcopy(model)
    named = dict(twin.named_parameters())
    hidden = [named.pop("0.weight"), named.pop("3.weight")]
    oracle = [
        torch.optim.Muon(hidden, lr=0.02, momentum=0.9, weight_decay=0.1, ns_steps=4),
        torch.optim.AdamW([named.pop("5.weight")], lr=3e-3, weight_decay=0.01, fused=True),
        torch.optim.AdamW(list(named.values()), lr=3e-3, weight_decay=0, fused=True),
    ]
    for _ in range(10):
        for m, steps in ((model, [optimizer]), (twin, oracle)):
            m.zero_grad()
            loss_of(m).backward()
            for o in steps:
                o.step()
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        # torch's iteration rounds to bfloat16: each of 10 steps of length 0.02 by up to 2^-6; ours does not on a CPU
        torch.testing.assert_close(p, q, rtol=0, atol=10 * 0.02 * 2**-6)


def test_muon_takes_a_convolution_as_a_matrix():
    conv, flat = torch.randn(6, 2, 3, 3), torch.zeros(6, 18)
    flat.copy_(conv.flatten(1))
    gradient = torch.randn(6, 2, 3, 3)
    conv.grad, flat.grad = gradient, gradient.flatten(1).clone()
    fields = {"lr": 0.1, "weight_decay": 0.1, "momentum": 0.9, "nesterov": True, "ns_steps": 5, "rule": "muon"}
    Muon([{"params": [conv], **fields}]).step()
    Muon([{"params": [flat], **fields}]).step()
    assert torch.equal(conv.flatten(1), flat)


def test_lion_steps_along_the_sign():
    p = torch.tensor([1.0, -2.0, 0.5])
    p.grad = torch.tensor([0.3, -0.1, 0.0])
    Lion([p], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(p, torch.tensor([0.95 - 0.1, -1.9 + 0.1, 0.475]))


def test_tied_parameters_are_updated_once():
    model = Language()
    _, optimizer = built(specs.SGD(lr=1.0), model)
    before = model.tokens.weight.detach().clone()
    model.head(model.tokens(torch.tensor([1]))).sum().backward()
    gradient = model.tokens.weight.grad.clone()
    optimizer.step()
    torch.testing.assert_close(model.head.weight, before - gradient)


def test_lbfgs_refuses_rates_of_its_own_for_some_parameters():
    with pytest.raises(RecipeError, match="treats all parameters alike"):
        built(specs.LBFGS(), layer_lr_decay=0.5)


def test_sparse_gradients_need_an_optimizer_that_takes_them():
    model = nn.Sequential(nn.Embedding(5, 3, sparse=True), nn.Linear(3, 2))
    with pytest.raises(RecipeError, match=r"for sparse gradients \(module `0`\)"):
        built(specs.AdamW(), model)


class NoDecay(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "no.such.package:Class"}, "must be an import path that works, got no.such.package:Class"),
        ({"name": "torch.optim:Adamx"}, "Did you mean 'Adam"),
        ({"name": "torch:Tensor"}, "must be a class derived from torch.optim.Optimizer"),
        ({"name": "torch.optim:Adamax", "arguments": {"bets": [0.9, 0.9]}}, "Did you mean 'betas'"),
        ({"name": "torch.optim:Adamax", "arguments": {"betas": [2.0, 0.9]}}, "Invalid beta parameter"),
        ({"name": f"{__name__}:NoDecay", "weight_decay": 0.1}, "must be 0, as .* takes none, got 0.1"),
    ],
)
def test_a_custom_optimizer_that_cannot_be_built_is_explained(fields, message):
    with pytest.raises(RecipeError, match=message):
        built(Custom(**fields))


@pytest.mark.skipif(has_schedulefree, reason="schedulefree is installed")
def test_a_missing_extra_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "schedulefree", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'trainwell\[schedulefree\]'"):
        built(specs.ScheduleFree())


@pytest.mark.skipif(not has_schedulefree, reason="needs schedulefree")
def test_schedule_free_weights_move_between_training_and_evaluation():
    model, optimizer = built(specs.ScheduleFree(lr=0.1))
    train(model, optimizer, 5)
    there = model[0].weight.detach().clone()
    to_evaluation(optimizer)
    assert not torch.equal(there, model[0].weight)
    to_training(optimizer)
    torch.testing.assert_close(there, model[0].weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["sgd", "adamw", "lion"])
def test_loaded_state_takes_the_layout_of_its_parameter(name):
    # fused CPU kernels of torch walk through memory and ignore strides: state saved as contiguous would be mixed up
    spec = KINDS[name](**({"momentum": 0.9} if name == "sgd" else {}))
    model = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
    images = torch.randn(2, 3, 4, 4)

    def advance(model, optimizer):
        optimizer.zero_grad()
        model(images).square().sum().backward()
        optimizer.step()

    _, optimizer = built(spec, model)
    advance(model, optimizer)
    state, twin = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(model)
    for entry in state["state"].values():
        entry.update({k: v.contiguous() for k, v in entry.items()})
    _, resumed = built(spec, twin)
    resumed.load_state_dict(state)
    advance(model, optimizer)
    advance(twin, resumed)
    assert same(model, twin)
