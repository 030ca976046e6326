"""Time budgets: what may begin, and what may go on."""

from __future__ import annotations

import time

import pytest

from trainwell.tune import tune
from trainwell.tune.budget import Budget
from trainwell.tune.scheme import scheme_of

from .small import BASE, RATES, made

HALVING = scheme_of("halving", epochs=20, steps=300)


def budget(seconds: float | None, spent: float, run_seconds: float = 1.0) -> Budget:
    return Budget(None, None, seconds, 4, 300, run_seconds, 0.01, started=time.monotonic() - spent, whole=True)


def test_the_cost_after_a_rung_is_what_is_left_of_the_whole():
    done = 27 / 27 + 9 * (1 / 9 - 1 / 27)
    assert done + HALVING.cost_after(3, 1) == pytest.approx(HALVING.cost(27))
    assert HALVING.cost_after(3, 2) == pytest.approx(3 * (1 - 1 / 3))


def test_as_many_go_on_as_come_to_their_end_in_time():
    plenty, little, none = budget(100, 10), budget(20, 10), budget(20, 19)
    assert plenty.affordable(HALVING, 2, 8, 1.0) == 8
    assert 1 < little.affordable(HALVING, 2, 30, 1.0) < 30
    assert none.affordable(HALVING, 2, 8, 1.0) == 1


def test_without_a_limit_in_seconds_all_go_on():
    assert budget(None, 0).affordable(HALVING, 0, 21, 1.0) == 21


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sobol", "focus"])
def test_a_budget_of_time_is_kept_within_a_tenth(method, tmp_path):
    """The confirmation and the records are part of it; 15 % on a machine that others use too."""
    study = tune(made(), RATES, recipe=BASE.with_({"epochs": 20}), budget=20, method=method, folder=tmp_path / method)
    assert study.result.seconds <= 23
    assert study.result.seconds >= 15
    assert study.result.mean is not None
