import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from trainwell import stats
from trainwell.errors import UsageError
from trainwell.stats import binomial_interval, bootstrap_interval, count_as_worst, mean_interval

SAMPLES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12)


def test_every_exported_name_exists_and_is_exported_once():
    assert len(set(stats.__all__)) == len(stats.__all__)
    assert all(hasattr(stats, name) for name in stats.__all__)


def test_a_mean_of_two_values_has_the_interval_of_student_in_closed_form():
    found = mean_interval([1.0, 3.0]).interval
    half = math.tan(0.95 * math.pi / 2)  # t with one degree is Cauchy; the standard error is 1
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half))


def test_a_mean_interval_equals_the_one_of_scipy():
    values = [0.91, 0.93, 0.90, 0.95, 0.88]
    theirs = scipy_stats.ttest_1samp(values, 0).confidence_interval(0.9)
    ours = mean_interval(values, 0.9)
    assert ours.interval.to_list() == pytest.approx(list(theirs))
    assert ours.mean == pytest.approx(np.mean(values))


def test_one_value_has_no_interval_and_says_so_in_its_plain_data():
    assert mean_interval([0.5]).to_dict() == {"mean": 0.5, "interval": None, "n": 1}


def test_equal_values_have_an_interval_of_width_zero():
    assert mean_interval([0.1] * 3).interval.to_list() == pytest.approx([0.1, 0.1], abs=1e-15)


@given(SAMPLES, st.floats(0.01, 100), st.floats(-100, 100))
def test_a_mean_interval_moves_and_stretches_with_the_values(values, factor, shift):
    plain = mean_interval(values).interval
    moved = mean_interval([factor * value + shift for value in values]).interval
    expected = [factor * limit + shift for limit in plain.to_list()]
    assert moved.to_list() == pytest.approx(expected, rel=1e-6, abs=1e-3)  # t of 1 degree stretches rounding


@given(SAMPLES)
def test_a_higher_level_gives_a_wider_interval_around_the_same_mean(values):
    narrow, wide = mean_interval(values, 0.8), mean_interval(values, 0.99)
    assert wide.interval.low <= narrow.interval.low <= narrow.mean <= narrow.interval.high
    assert narrow.interval.high <= wide.interval.high


def test_a_value_that_is_not_finite_is_refused_with_its_place():
    with pytest.raises(UsageError, match=r"`values` must be finite, got nan at 1\. .*count_as_worst"):
        mean_interval([1.0, math.nan])


def test_a_level_outside_zero_and_one_is_refused():
    with pytest.raises(UsageError, match="`level` must lie strictly between 0 and 1, got 95"):
        mean_interval([1.0, 2.0], 95)


def test_a_bootstrap_interval_is_the_one_of_scipy_and_repeats_with_its_seed():
    values = np.random.default_rng(0).normal(size=12)
    ours = bootstrap_interval(values, np.median, seed=3, resamples=500)
    theirs = scipy_stats.bootstrap((values,), np.median, n_resamples=500, rng=np.random.default_rng(3))
    assert ours.to_list() == pytest.approx(list(theirs.confidence_interval))
    assert ours == bootstrap_interval(values, np.median, seed=3, resamples=500)


def test_a_degenerate_bootstrap_falls_back_to_percentiles_and_says_so():
    found = bootstrap_interval([2.0, 2.0, 2.0], resamples=99)
    assert (found.low, found.high, found.method) == (2.0, 2.0, "percentile")
    assert bootstrap_interval([1.0, 2.0, 4.0], resamples=99).method == "BCa"


def test_a_bootstrap_of_one_value_has_no_interval():
    assert bootstrap_interval([1.0]) is None


@given(st.integers(1, 200), st.data())
def test_a_binomial_interval_is_the_formula_of_wilson(n, data):
    k = data.draw(st.integers(0, n))
    z, p = scipy_stats.norm.ppf(0.975), k / n
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = binomial_interval(k, n).interval
    expected = [(centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)]
    assert found.to_list() == pytest.approx(expected, abs=1e-9)


def test_no_success_in_ten_does_not_exclude_a_small_chance():
    found = binomial_interval(0, 10)
    assert found.mean == 0
    assert found.interval.low == 0
    assert found.interval.high == pytest.approx(0.2775, abs=1e-4)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(UsageError, match="must"):
        binomial_interval(successes, n)


def test_a_diverged_run_counts_just_worse_than_the_worst_of_both_arms():
    before, after = count_as_worst([0.9, 0.5], [math.nan, 0.8], higher_is_better=True)
    assert after[0] == pytest.approx(0.5, abs=1e-5)
    assert after[0] < before.min()
    losses, _ = count_as_worst([math.inf, 0.3], [0.7, 0.2], higher_is_better=False)
    assert losses[0] > 0.7


def test_a_stated_worst_value_counts_unless_a_finite_one_is_worse():
    (stated,) = count_as_worst([0.9, math.nan], higher_is_better=True, worst=0.1)
    (seen,) = count_as_worst([0.05, math.nan], higher_is_better=True, worst=0.1)
    assert stated[1] == pytest.approx(0.1, abs=1e-5)
    assert seen[1] == pytest.approx(0.05, abs=1e-5)


def test_a_diverged_run_without_a_direction_is_refused():
    with pytest.raises(UsageError, match="`higher_is_better` must be stated"):
        count_as_worst([0.9, math.nan])


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=8), st.booleans())
def test_whatever_a_run_ended_at_it_becomes_finite_and_keeps_its_rank_or_goes_last(values, higher):
    (replaced,) = count_as_worst(values, higher_is_better=higher)
    finite = np.abs(np.array(values)) <= 1e100
    assert np.isfinite(replaced).all()
    assert (replaced[finite] == np.array(values)[finite]).all()
    if finite.any() and not finite.all():
        last, others = replaced[~finite][0], replaced[finite]
        assert last < others.min() if higher else last > others.max()
