import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from trainwell.errors import UsageError
from trainwell.stats import slope_interval

CURVES = st.lists(st.floats(-10, 10), min_size=3, max_size=30)


@given(st.integers(3, 40), st.floats(-5, 5), st.floats(-5, 5))
def test_a_straight_line_has_its_slope_and_hardly_any_interval(n, slope, offset):
    x = np.arange(n, dtype=float)
    found = slope_interval(x, slope * x + offset)
    assert found.slope == pytest.approx(slope, abs=1e-9)
    assert found.interval.to_list() == pytest.approx([slope, slope], abs=1e-9)


@given(CURVES)
def test_least_squares_for_independent_points_is_the_line_of_scipy(y):
    x = np.arange(len(y)) * 2.0
    found, theirs = slope_interval(x, y, autocorrelated=False), scipy_stats.linregress(x, y)
    half = scipy_stats.t.ppf(0.975, len(y) - 2) * np.nan_to_num(theirs.stderr)  # NaN for a constant
    assert found.slope == pytest.approx(theirs.slope, abs=1e-9)
    expected = [theirs.slope - half, theirs.slope + half]
    assert found.interval.to_list() == pytest.approx(expected, abs=1e-6)


@given(CURVES)
def test_allowing_for_autocorrelation_never_narrows_the_interval(y):
    allowed, plain = (slope_interval(range(len(y)), y, autocorrelated=flag) for flag in (True, False))
    assert allowed.slope == plain.slope
    assert allowed.interval.low <= plain.interval.low + 1e-12
    assert 0 <= allowed.autocorrelation <= 0.99


@given(CURVES)
def test_theil_sen_is_the_one_of_scipy(y):
    found = slope_interval(range(len(y)), y, method="theil-sen")
    theirs = scipy_stats.theilslopes(y, np.arange(len(y)))
    assert (found.slope, *found.interval.to_list()) == (theirs[0], theirs[2], theirs[3])


def test_one_spike_moves_least_squares_but_not_theil_sen():
    y = -0.1 * np.arange(20)
    y[18] += 100
    assert slope_interval(range(20), y).slope > 0.5
    assert slope_interval(range(20), y, method="theil-sen").interval.high == pytest.approx(-0.1)


def test_a_noisy_loss_that_falls_is_seen_to_fall():
    steps, noise = np.arange(50), np.random.default_rng(0).normal(0, 0.05, 50)
    assert slope_interval(steps, 1 - 0.004 * steps + noise).interval.high < 0


def test_a_smooth_bend_leaves_the_sign_open_to_least_squares_but_not_to_theil_sen():
    steps = np.arange(50)
    loss = np.exp(-steps / 25)
    found = slope_interval(steps, loss)
    assert found.effective_n == 3  # neighbours are nearly the same point
    assert not found.interval.excludes(0)
    assert slope_interval(steps, loss, method="theil-sen").interval.high < 0
    assert slope_interval(steps, np.log(loss)).interval.high < 0


def test_two_points_have_a_slope_but_no_interval():
    for method in ("ols", "theil-sen"):
        found = slope_interval([0, 2], [1, 5], method=method)
        assert (found.slope, found.interval) == (2, None)


@pytest.mark.parametrize(
    ("x", "y", "field"),
    [([0, 1], [1], "y"), ([0], [1], "x"), ([1, 1, 2], [1, 2, 3], "x"), ([0, 1, 2], [1, np.inf, 2], "y")],
)
def test_curves_without_a_slope_are_refused(x, y, field):
    with pytest.raises(UsageError, match=f"`{field}` must"):
        slope_interval(x, y)
