"""Folds are trained as stacks, each on its own part of the data."""

from __future__ import annotations

import fused_problems as problems
import pytest
from test_fused_equality import assert_equal_runs

from trainwell.errors import UsageError
from trainwell.recipe import Recipe
from trainwell.train import fit, fit_folds

QUICK = Recipe(epochs=3, batch_size=32, inputs={"scaling": "standardize"}, optimizer={"name": "adamw", "lr": 1e-2})


@pytest.mark.parametrize("make", [problems.mlp, problems.normed_mlp])
def test_fused_folds_are_those_that_fit_trains_alone(make):
    problem, said = problems.table(make), []
    found = fit_folds(problem, QUICK, k=5, seed=2, listener=said.append)
    assert any("one stack" in message for message in said)
    for run, fold in zip(found.runs, problem.folds(5, seed=2), strict=True):
        assert_equal_runs(run, fit(fold, QUICK, seed=2))
    assert found.values == tuple(run.best_metric("accuracy") for run in found.runs)
    assert found.estimate is not None


def test_repeats_fold_anew():
    found = fit_folds(problems.table(problems.mlp), QUICK, k=3, repeats=2)
    assert len(found.runs) == 6
    assert len({run.info.parent["fold"] for run in found.runs}) == 6


def test_a_folder_with_folds_is_not_written_over(tmp_path):
    problem = problems.table(problems.mlp)
    fit_folds(problem, QUICK, k=2, folder=tmp_path)
    with pytest.raises(UsageError, match="fold-01"):
        fit_folds(problem, QUICK, k=2, folder=tmp_path)
