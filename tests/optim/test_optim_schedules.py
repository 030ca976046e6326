"""Schedules against torch.optim.lr_scheduler where it has them, and by their laws."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from trainwell.errors import RecipeError
from trainwell.optim import schedules
from trainwell.optim.plateau import PlateauState
from trainwell.recipe import schedules as parts

steps = st.integers(2, 120)
shares = st.floats(0, 1)
quick = settings(max_examples=25, deadline=None)


def torch_curve(make, total_steps):
    """Rates of a torch scheduler at base rate 1, one a step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(total_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def assert_equal(schedule, make, total_steps):
    # torch multiplies step after step, which rounds; 1e-9 is far below any visible difference
    np.testing.assert_allclose(schedules.multipliers(schedule, total_steps), torch_curve(make, total_steps), atol=1e-9)


@quick
@given(steps, st.floats(0.2, 4))
def test_polynomial_and_linear_equal_torch(total, power):
    make = lambda o: lr_scheduler.PolynomialLR(o, total, power)  # noqa: E731
    assert_equal(schedules.polynomial(total, power=power), make, total)
    assert_equal(schedules.linear(total), lambda o: lr_scheduler.PolynomialLR(o, total, 1.0), total)


@quick
@given(steps, shares)
def test_cosine_equals_torch(total, floor):
    assert_equal(schedules.cosine(total, floor=floor), lambda o: lr_scheduler.CosineAnnealingLR(o, total, floor), total)


@quick
@given(st.integers(1, 20), st.integers(1, 3), st.integers(1, 4), shares)
def test_cosine_restarts_equal_torch(first, factor, cycles, floor):
    total = first * sum(factor**i for i in range(cycles))
    schedule = schedules.cosine_restarts(total, cycles=cycles, factor=factor, floor=floor)
    assert_equal(schedule, lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, first, factor, floor), total)


@quick
@given(st.integers(1, 30), st.integers(1, 5), st.floats(0.05, 0.95))
def test_step_decay_equals_torch(length, count, gamma):
    schedule = schedules.step_decay(length * count, every=1 / count, gamma=gamma)
    assert_equal(schedule, lambda o: lr_scheduler.StepLR(o, length, gamma), length * count)


@quick
@given(steps, st.sets(st.floats(0.01, 0.99), max_size=4), st.floats(0.05, 0.95))
def test_multi_step_equals_torch(total, milestones, gamma):
    schedule = schedules.multi_step(total, milestones=sorted(milestones), gamma=gamma)
    starts = [math.ceil(m * total - 1e-9) for m in sorted(milestones)]  # 0.55 * 100 is a little above 55
    assert_equal(schedule, lambda o: lr_scheduler.MultiStepLR(o, starts, gamma), total)


@quick
@given(steps, st.floats(1e-4, 0.9))
def test_exponential_equals_torch(total, final):
    make = lambda o: lr_scheduler.ExponentialLR(o, final ** (1 / total))  # noqa: E731
    assert_equal(schedules.exponential(total, final=final), make, total)


@quick
@given(st.integers(10, 120), st.floats(0.15, 0.9), st.floats(0.01, 1), st.floats(1e-5, 1))
def test_one_cycle_equals_torch(total, rise, start, final):
    def make(optimizer):
        return lr_scheduler.OneCycleLR(
            optimizer, 1.0, total, pct_start=rise, cycle_momentum=False, div_factor=1 / start,
            final_div_factor=start / final,
        )  # fmt: skip

    assert_equal(schedules.one_cycle(total, rise=rise, start=start, final=final), make, total)


@quick
@given(st.integers(1, 15), st.integers(1, 5), shares)
def test_cyclic_equals_torch(half, cycles, floor):
    total = 2 * half * cycles
    make = lambda o: lr_scheduler.CyclicLR(o, floor, 1.0, half, cycle_momentum=False)  # noqa: E731
    assert_equal(schedules.cyclic(total, cycles=cycles, floor=floor), make, total)


@quick
@given(st.integers(1, 20), st.integers(2, 100))
def test_inverse_sqrt_is_the_curve_of_the_transformer(warmup, more):
    curve = schedules.multipliers(schedules.inverse_sqrt(warmup + more, warmup_steps=warmup), warmup + more)
    n = np.arange(1, warmup + more + 1)
    vaswani = np.minimum(n**-0.5, n * warmup**-1.5)
    np.testing.assert_allclose(curve, vaswani / vaswani.max(), rtol=1e-12)


@pytest.mark.parametrize(("shape", "middle"), [("linear", 0.5), ("cosine", 0.5), ("sqrt", 1 - math.sqrt(0.5))])
def test_warmup_stable_decay_has_its_three_phases(shape, middle):
    schedule = schedules.warmup_stable_decay(100, decay_share=0.2, shape=shape, warmup_steps=10, floor=0.1)
    assert [schedule(t) for t in (0, 4, 9, 10, 50, 80)] == [0.1, 0.5, 1, 1, 1, 1]
    assert schedule(90) == pytest.approx(0.1 + 0.9 * middle)


def any_schedule():
    """Every kind with a warm-up; lengths are long enough for all of them."""
    warm = {"warmup_steps": st.integers(0, 15)}
    kinds = [
        st.builds(parts.Constant, **warm),
        st.builds(parts.Linear, floor=shares, **warm),
        st.builds(parts.Cosine, floor=shares, **warm),
        st.builds(parts.CosineRestarts, floor=shares, factor=st.floats(1, 2), **warm),
        st.builds(parts.StepDecay, floor=shares, every=st.floats(0.3, 1), **warm),
        st.builds(parts.MultiStep, floor=shares, **warm),
        st.builds(parts.Exponential, floor=shares, **warm),
        st.builds(parts.Polynomial, floor=shares, power=st.floats(0.5, 3), **warm),
        st.builds(parts.InverseSqrt, floor=shares, shift=st.integers(1, 9), **warm),
        st.builds(parts.OneCycle, rise=st.floats(0.1, 0.9)),
        st.builds(parts.Cyclic, floor=shares, **warm),
        st.builds(parts.WarmupStableDecay, floor=shares, shape=st.sampled_from(["linear", "cosine", "sqrt"]), **warm),
        st.builds(parts.Plateau, **warm),
    ]
    return st.one_of(kinds)


def test_the_strategy_knows_every_schedule():
    assert set(schedules._BUILDERS) | {"constant", "one-cycle", "plateau"} == set(parts.KINDS)


@settings(max_examples=150, deadline=None)
@given(any_schedule(), st.integers(51, 120))
def test_every_schedule_stays_between_floor_and_one_and_holds_its_last_value(part, total):
    schedule, warmup = schedules.schedule_of(part, total), schedules.warmup_steps_of(part, total)
    curve = schedules.multipliers(schedule, total)
    assert curve.shape == (total,)
    assert (curve <= 1 + 1e-12).all()
    assert (curve[warmup:] >= getattr(part, "floor", 0.0) - 1e-12).all()
    assert schedule(total) == schedule(10 * total) == curve[-1]
    assert curve.max() == pytest.approx(1, abs=0.1)  # a peak between two steps is not hit exactly


@settings(max_examples=60, deadline=None)
@given(any_schedule(), st.integers(51, 120))
def test_every_warm_up_rises_linearly_to_the_start_of_the_shape(part, total):
    schedule, warmup = schedules.schedule_of(part, total), schedules.warmup_steps_of(part, total)
    top = 1.0 if part.name == "inverse-sqrt" else schedule(warmup)  # that one has its peak at the last step of the rise
    assert [schedule(t) for t in range(warmup)] == pytest.approx([top * (t + 1) / warmup for t in range(warmup)])


def test_a_share_of_warm_up_counts_whole_steps():
    assert schedules.warmup_steps_of(parts.Cosine(warmup_share=0.1), 30) == 3
    assert schedules.warmup_steps_of(parts.Cosine(warmup_share=0.1), 9) == 0
    assert schedules.warmup_steps_of(parts.OneCycle(), 30) == 0


@pytest.mark.parametrize(
    ("part", "total", "message"),
    [
        (parts.Cosine(warmup_steps=10), 10, "`schedule.warmup_steps` must be below the length of the run, 10 steps"),
        (parts.Plateau(warmup_steps=10), 5, "warmup_steps"),
        (parts.CosineRestarts(cycles=5), 4, "`schedule.cycles` must give each cycle a step, got 5"),
        (parts.Cyclic(cycles=5), 9, "`schedule.cycles` must give each cycle two steps, got 5"),
        (parts.OneCycle(), 3, "`schedule.rise` must be at least one step of 3"),
        (parts.WarmupStableDecay(warmup_share=0.9), 100, "`schedule.decay_share` must begin after the warm-up"),
        (parts.MultiStep(warmup_steps=60), 100, "must end before the first decay at step 50, got 60"),
        (parts.Linear(), 0, "`steps` must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(part, total, message):
    with pytest.raises(RecipeError, match=message):
        schedules.schedule_of(part, total)


@quick
@given(
    st.lists(st.floats(-3, 3) | st.just(math.nan), min_size=1, max_size=60),
    st.integers(0, 4), st.booleans(), st.floats(0, 0.5),
)  # fmt: skip
def test_plateau_equals_torch(values, patience, higher, floor):
    part = parts.Plateau(factor=0.3, patience=patience, min_delta=0.1, floor=floor)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    oracle = lr_scheduler.ReduceLROnPlateau(
        optimizer, "max" if higher else "min", 0.3, patience, 0.1, "abs", min_lr=floor, eps=0
    )
    state = PlateauState(part, higher_is_better=higher)
    for value in values:
        oracle.step(value)
        assert state.observe(value) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)


def test_plateau_resumes_where_it_was():
    part = parts.Plateau(patience=2, factor=0.5)
    values = [1.0, 0.9, 0.95, 0.93, 0.97, 0.96, 0.99, 0.95]
    whole, first, second = (PlateauState(part) for _ in range(3))
    expected = [whole.observe(v) for v in values]
    start = [first.observe(v) for v in values[:4]]
    second.load_state_dict(first.state_dict())
    assert start + [second.observe(v) for v in values[4:]] == expected
    assert expected[-1] < 1
