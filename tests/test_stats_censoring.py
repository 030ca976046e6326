import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.errors import UsageError
from trainwell.stats import kaplan_meier, mean_interval, restricted_mean_time

RUNS = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=10)


def test_four_runs_of_which_two_reach_the_target_by_hand():
    curve = kaplan_meier([3, 5, 5, 7], [True, True, False, False])
    assert curve.times == (3, 5, 7)
    assert curve.survival == pytest.approx((3 / 4, 1 / 2, 1 / 2))
    assert (curve.n, curve.reached, curve.median) == (4, 2, 5)


@given(RUNS)
def test_the_curve_is_the_product_over_times_and_lies_within_its_limits(runs):
    curve = kaplan_meier(*zip(*runs, strict=True))
    share = 1.0
    for i, time in enumerate(curve.times):
        share *= 1 - runs.count((time, True)) / sum(t >= time for t, _ in runs)
        assert curve.survival[i] == pytest.approx(share, abs=1e-12)
        assert 0 <= curve.low[i] <= curve.survival[i] + 1e-12
        assert curve.survival[i] <= curve.high[i] + 1e-12 <= 1 + 1e-9


def test_a_target_nobody_reaches_has_no_median_and_no_interval():
    curve = kaplan_meier([5, 5, 5], [False] * 3)
    assert (curve.survival, curve.median, curve.reached) == ((1,), None, 0)
    found = restricted_mean_time([5, 5, 5], [False] * 3, 5)
    assert (found.mean, found.interval, found.reached) == (5, None, 0)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=10), st.integers(1, 9))
def test_without_early_censoring_the_restricted_mean_is_the_plain_mean_with_its_t_interval(times, horizon):
    seen = [min(time, horizon) for time in times]
    found = restricted_mean_time(seen, [time <= horizon for time in times], horizon)
    plain = mean_interval(seen)
    assert found.mean == pytest.approx(plain.mean)
    if found.reached:
        low, high = plain.interval.to_list()
        assert found.interval.to_list() == pytest.approx([max(low, 0), min(high, horizon)])


@given(RUNS, st.integers(1, 9))
def test_the_restricted_mean_is_the_area_below_the_curve(runs, horizon):
    times, reached = zip(*runs, strict=True)
    if max(times) < horizon and not all(done for time, done in runs if time == max(times)):
        return
    curve = kaplan_meier(times, reached)
    grid = np.arange(0, horizon, 0.5)  # the curve only jumps at whole numbers
    at = np.searchsorted(curve.times, grid, side="right") - 1
    area = np.where(at >= 0, np.array(curve.survival)[at], 1.0).sum() * 0.5
    assert restricted_mean_time(times, reached, horizon).mean == pytest.approx(area)


def test_a_horizon_that_no_run_was_watched_for_is_refused():
    with pytest.raises(UsageError, match=r"`horizon` must not exceed the last time seen, 7\.0, got 8"):
        restricted_mean_time([3, 7], [True, False], 8)
    assert restricted_mean_time([3, 7], [True, True], 8).mean == 5


@pytest.mark.parametrize(
    ("times", "reached", "field"),
    [([-1.0], [True], "times"), ([np.nan], [True], "times"), ([1.0, 2.0], [True], "reached"), ([], [], "times")],
)
def test_impossible_observations_are_refused(times, reached, field):
    with pytest.raises(UsageError, match=f"`{field}` must"):
        kaplan_meier(times, reached)
