"""Successive halving keeps the better trials and trains nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from tests.train.small_problems import digits
from trainwell import Recipe, fit
from trainwell.tune import expected_cost, halve

RECIPE = Recipe(epochs=9, batch_size=64, optimizer="adam", schedule="cosine")
RATES = [1e-6, 3e-6, 1e-5, 3e-5, 1e-2, 2e-2, 3e-5, 1e-6, 1e-4]


def search():
    return halve(digits(), RECIPE, [{"optimizer.lr": rate} for rate in RATES], seed=3)


def test_the_survivor_is_one_of_the_rates_that_learn():
    rungs, ended = search()
    assert [len(r.trials) for r in rungs] == [9, 3, 1]
    assert rungs[-1].trials[0].changes["optimizer.lr"] in (1e-2, 2e-2)
    assert len(ended) == 9


def test_a_trial_that_was_paused_is_the_run_that_was_not():
    _, ended = search()
    trial, run = next((t, r) for t, r in ended if r.status == "completed")
    alone = fit(digits(), RECIPE.with_(trial.changes), seed=3)
    np.testing.assert_array_equal(run.steps.loss, alone.steps.loss)


def test_the_dropped_trials_stopped_at_their_rung():
    rungs, ended = search()
    total = ended[0][1].info.planned_steps
    assert sorted({run.info.steps for _, run in ended}) == [round(total / 9), round(total / 3), total]
    assert all(set(r.promoted) <= {t.number for t in r.trials} for r in rungs)


@pytest.mark.parametrize(("trials", "cost"), [(9, 9 / 9 + 3 * (1 / 3 - 1 / 9) + 1 * (1 - 1 / 3)), (1, 1.0)])
def test_the_expected_cost_is_that_of_the_rungs(trials, cost):
    assert expected_cost(trials, rungs=3, eta=3) == pytest.approx(cost)
