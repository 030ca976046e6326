"""The range test against curves whose best rate is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.small_problems import digits
from trainwell import Recipe, lr_range
from trainwell.errors import UsageError
from trainwell.tune import read_curve

RATES = np.geomspace(1e-6, 10, 29)


def valley(best: float, noise: float, seed: int) -> np.ndarray:
    """A curve that is flat, falls to its lowest at `best`, and diverges ten times above."""
    draw = np.random.default_rng(seed)
    distance = np.log10(RATES / best)
    loss = 2.3 - 2.0 * np.exp(-(np.where(distance < 0, distance / 1.2, distance / 0.6) ** 2))
    loss = np.where(distance > 1, np.inf, loss)
    return (loss + noise * draw.standard_normal(len(RATES)))[:, None]


@settings(max_examples=60, deadline=None)
@given(st.floats(-4, -0.3), st.integers(0, 10_000))
def test_the_suggestion_lies_near_the_lowest_loss_in_spite_of_noise(exponent, seed):
    best = 10**exponent
    test = read_curve(RATES, valley(best, 0.03, seed), 2.3)
    assert abs(math.log10(test.suggestion / best)) < 0.6
    assert test.interval[0] <= test.suggestion <= test.interval[1] <= test.largest_stable


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_a_flat_curve_gets_no_suggestion(seed):
    flat = 2.3 + 0.005 * np.random.default_rng(seed).standard_normal((29, 1))
    test = read_curve(RATES, flat, 2.3)
    assert test.suggestion is None
    assert "flat" in test.reason


def test_where_every_rate_diverges_nothing_is_suggested():
    test = read_curve(RATES, np.full((29, 2), np.nan), 2.3)
    assert test.suggestion is None
    assert test.largest_stable is None


def test_a_rate_that_diverges_with_one_seed_is_unstable():
    losses = np.hstack([valley(0.01, 0, 0), valley(0.01, 0, 0)])
    losses[RATES > 0.02, 1] = np.inf
    assert read_curve(RATES, losses, 2.3).largest_stable <= 0.02


def test_on_digits_the_suggestion_learns_and_a_hundredth_of_it_does_not():
    test = lr_range(digits(), Recipe(optimizer="adam", batch_size=32), steps=30, rates=np.geomspace(1e-5, 1, 11))
    at = dict(zip(test.rates, test.losses, strict=True))
    low = min(test.rates, key=lambda rate: abs(math.log(rate / (test.suggestion / 100))))
    assert at[test.suggestion] < 0.5 * test.start_loss < at[low]


def test_a_test_cut_short_still_covers_the_range():
    test = lr_range(digits(), Recipe(), steps=2, rates=RATES, out_of_time=lambda: True)
    assert len(test.rates) == 9
    assert test.rates[-1] / test.rates[0] > 1e4


@pytest.mark.parametrize("seed", range(3))
def test_quasi_random_points_lie_inside_and_cover_each_quarter(seed):
    from trainwell.tune import quasi_random

    points = [p["a"] for p in quasi_random({"a": (1e-4, 1.0)}, 16, seed=seed)]
    quarters = np.floor(np.log10(points) + 4).clip(0, 3)
    assert sorted(np.bincount(quarters.astype(int))) == [4, 4, 4, 4]


def test_a_number_in_place_of_the_seeds_is_refused():
    with pytest.raises(UsageError, match=r"`seeds` must be a sequence of seeds, got 3"):
        lr_range(None, seeds=3)


def test_falling_from_a_bad_start_to_a_guess_is_not_learning():
    losses = np.where(RATES > 1e-3, 1.1, 29.9)[:, None]
    test = read_curve(RATES, losses, start_loss=29.9, uninformed_loss=1.099)
    assert test.suggestion is None


def test_the_steepest_fall_is_sought_where_something_is_learned():
    guess, learning = 0.69, valley(3e-2, 0, 0)[:, 0] - 1.61
    from_a_bad_start = 40 / (1 + (RATES / 1e-6) ** 3)
    test = read_curve(RATES, (learning + from_a_bad_start)[:, None], 40, uninformed_loss=guess)
    assert 1e-3 < test.steepest < 3e-2


def test_of_equals_the_middle_is_suggested():
    losses = np.where((RATES > 9e-4) & (RATES < 1.1), 0.01, 2.3)[:, None]
    test = read_curve(RATES, losses, 2.3)
    assert 0.01 < test.suggestion < 0.1


def test_a_lucky_rate_above_a_diverged_one_is_not_stable():
    losses = np.where(RATES > 0.5, np.inf, 2.0)[:, None]
    losses[-1] = 2.0
    assert read_curve(RATES, losses, 2.3).largest_stable < 0.5


def test_a_rate_that_leaves_a_model_worse_than_untrained_is_shown_but_not_stable():
    losses = np.array([[2.3], [1.0], [0.5], [2.5], [2.6]])
    test = read_curve([1e-4, 1e-3, 1e-2, 1e-1, 1.0], losses, 2.3)
    assert test.largest_stable == 1e-2
    assert test.losses[3:] == (2.5, 2.6)
