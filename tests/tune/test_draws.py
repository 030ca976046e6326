"""Points of a space."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trainwell.errors import BudgetError, RecipeError, UsageError
from trainwell.space import Space, branch, choice, log_uniform, uniform
from trainwell.tune import draw

BOX = Space.of({"optimizer.lr": log_uniform(1e-4, 1), "loss.label_smoothing": uniform(0, 0.2)})
METHODS = ["sobol", "halton", "random"]


@pytest.mark.parametrize("method", METHODS)
def test_a_point_depends_on_seed_and_number_but_not_on_the_count(method):
    long = draw(BOX, 40, seed=3, method=method)
    assert draw(BOX, 7, seed=3, method=method) == long[:7]
    assert draw(BOX, 7, seed=4, method=method) != long[:7]


@pytest.mark.parametrize("method", METHODS)
def test_points_are_even_on_the_scale(method):
    positions = [BOX.positions(p)["optimizer.lr"] for p in draw(BOX, 512, seed=0, method=method)]
    assert stats.kstest(positions, "uniform").pvalue > 0.01


def test_quasi_random_points_are_more_even_than_random_ones():
    def largest_gap(method: str) -> float:
        at = np.sort([BOX.positions(p)["optimizer.lr"] for p in draw(BOX, 64, seed=0, method=method)])
        return float(np.diff(at).max())

    assert largest_gap("sobol") < largest_gap("random") / 1.5


@pytest.mark.parametrize("method", METHODS)
def test_constraints_are_kept_without_changing_what_else_is_drawn(method):
    space = Space(BOX.dimensions, constraints=("optimizer.lr < 0.1",))
    free = [p for p in draw(BOX, 64, seed=1, method=method) if p["optimizer.lr"] < 0.1]
    assert draw(space, 20, seed=1, method=method) == free[:20]


def test_constraints_that_nearly_nothing_keeps_are_refused_instead_of_searched_for_ever():
    space = Space(BOX.dimensions, constraints=("optimizer.lr < 0.00010001",))
    with pytest.raises((UsageError, RecipeError), match="constraints"):
        draw(space, 8, seed=0)


def test_a_grid_takes_every_option_and_as_many_levels_as_fit():
    space = Space.of({"optimizer.lr": log_uniform(1e-4, 1), "batch_size": choice(32, 64, 128)})
    points = draw(space, 15, seed=0, method="grid")
    assert len(points) == 15
    assert sorted({p["optimizer.lr"] for p in points}) == [1e-4, 1e-3, 1e-2, 1e-1, 1.0]


def test_a_grid_of_branches_does_not_multiply_what_they_do_not_share():
    one = branch("adamw", {"optimizer.lr": log_uniform(1e-5, 1e-2)})
    space = Space.of({"optimizer": choice(one, "sgd"), "batch_size": choice(32, 64)})
    points = draw(space, 8, seed=0, method="grid")
    assert len(points) == 8
    assert sum(p["optimizer"] == "sgd" for p in points) == 2


def test_a_grid_that_does_not_fit_is_refused():
    with pytest.raises(BudgetError, match="at least 6"):
        draw({"batch_size": choice(32, 64, 128), "schedule": choice("constant", "cosine")}, 5, seed=0, method="grid")


def test_an_unknown_method_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'sobol'"):
        draw(BOX, 4, seed=0, method="sobbol")  # type: ignore[arg-type]
