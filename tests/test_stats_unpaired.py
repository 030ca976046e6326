import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from trainwell.errors import UsageError
from trainwell.stats import (
    effect_size,
    probability_of_superiority,
    studentised_permutation,
    unpaired_units_allow_p,
    welch,
)

BEFORE = [0.90, 0.91, 0.88, 0.93, 0.89]
AFTER = [0.92, 0.95, 0.91, 0.96, 0.94, 0.90]
ARM = st.lists(st.integers(-5, 5), min_size=4, max_size=5)


def welch_t(a, b):
    variance = np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b)
    return abs(np.mean(a) - np.mean(b)) / math.sqrt(variance + 1e-24)


def test_welch_equals_scipy():
    theirs = scipy_stats.ttest_ind(AFTER, BEFORE, equal_var=False)
    ours = welch(BEFORE, AFTER)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert ours.interval.to_list() == pytest.approx(list(theirs.confidence_interval()))
    assert (ours.n, ours.n_before, ours.n_after) == (5, 5, 6)


def test_welch_without_any_spread_is_refused_unless_nothing_differs():
    assert welch([1.0] * 4, [1.0] * 4).p_value == 1
    found = welch([0.1] * 4, [0.2] * 4)
    assert found.p_value is None
    assert "use the studentised permutation test" in found.refusal


@settings(deadline=None)  # shared cores
@given(ARM, ARM)
def test_the_permutation_p_value_equals_a_count_of_all_regroupings(before, after):
    both, n = [*before, *after], len(before)
    observed, counts = welch_t(before, after), []
    for chosen in itertools.combinations(range(len(both)), n):
        rest = [both[i] for i in range(len(both)) if i not in chosen]
        counts.append(welch_t([both[i] for i in chosen], rest) >= observed * (1 - 1e-6) - 1e-9)
    assert studentised_permutation(before, after).p_value == pytest.approx(np.mean(counts))


def test_four_against_four_that_never_mix_have_the_smallest_p_value_there_is():
    assert studentised_permutation([1, 1, 1, 1], [2, 2, 2, 2]).p_value == pytest.approx(2 / 70)


def test_many_units_draw_regroupings_and_come_close_to_welch():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=30), rng.normal(0.4, 2, 20)
    found = studentised_permutation(before, after, seed=1)
    assert found.p_value == pytest.approx(welch(before, after).p_value, abs=0.02)
    assert found == studentised_permutation(before, after, seed=1)


@settings(deadline=None)  # shared cores
@given(ARM, ARM)
def test_swapping_unpaired_arms_turns_the_sign_and_keeps_the_p_value(before, after):
    there, back = studentised_permutation(before, after), studentised_permutation(after, before)
    assert back.p_value == pytest.approx(there.p_value)
    assert back.mean == pytest.approx(-there.mean)


@pytest.mark.parametrize("test", [welch, studentised_permutation])
def test_three_units_in_an_arm_are_refused_a_p_value(test):
    found = test([1, 2, 3], [4, 5, 6, 7])
    assert found.p_value is None
    assert "3 against 4 units allow no p-value" in found.refusal
    assert found.interval is not None
    assert [unpaired_units_allow_p(n, 9) for n in (3, 4)] == [False, True]


@pytest.mark.parametrize("test", [welch, studentised_permutation])
def test_one_unit_in_an_arm_has_no_interval(test):
    assert test([1], [2, 3, 4, 5]).interval is None


def test_diverged_units_count_as_worst_in_unpaired_arms_too():
    found = studentised_permutation(BEFORE, [math.nan] * 4, higher_is_better=True)
    assert found.mean < 0
    assert (found.diverged_before, found.diverged_after) == (0, 4)
    both = studentised_permutation([math.nan] * 4, [math.nan] * 4, higher_is_better=True)
    assert both.refusal == "no run of either arm is finite"


@settings(deadline=None)  # shared cores
@given(ARM, ARM)
def test_the_probability_of_superiority_is_the_statistic_of_mann_and_whitney(before, after):
    found = probability_of_superiority(before, after, higher_is_better=True)
    u = scipy_stats.mannwhitneyu(after, before, method="exact").statistic
    assert found.mean == pytest.approx(u / (len(before) * len(after)))
    assert 0 <= found.interval.low <= found.mean <= found.interval.high <= 1


@settings(deadline=None)  # shared cores
@given(ARM, ARM)
def test_the_chances_of_both_arms_add_up_to_one(before, after):
    one = probability_of_superiority(before, after, higher_is_better=True)
    other = probability_of_superiority(after, before, higher_is_better=True)
    lower = probability_of_superiority(before, after, higher_is_better=False)
    assert one.mean + other.mean == pytest.approx(1)
    assert lower.mean == pytest.approx(other.mean)
    assert one.interval.low == pytest.approx(1 - other.interval.high, abs=1e-9)


def test_the_limits_of_the_probability_of_superiority_solve_the_equation_of_newcombe():
    found = probability_of_superiority([1, 2, 3, 4], [2.5, 3.5, 4.5, 5, 6, 7], higher_is_better=True)
    for limit in found.interval.to_list():
        factor = 1 + 4 * ((1 - limit) / (2 - limit) + limit / (1 + limit))  # (4 + 6) / 2 - 1 = 4
        distance = 1.959964 * math.sqrt(limit * (1 - limit) * factor / 24)
        assert abs(limit - found.mean) == pytest.approx(distance, rel=1e-6)


def test_winning_every_time_is_not_certainty():
    found = probability_of_superiority([1, 2, 3, 4], [5, 6, 7, 8], higher_is_better=True)
    assert (found.mean, found.interval.high) == (1, 1)
    assert 0.4 < found.interval.low < 0.8


def test_the_paired_effect_size_is_the_mean_in_standard_deviations():
    assert effect_size([0, 0, 0], [1, 2, 3]) == pytest.approx(2)


def test_the_unpaired_effect_size_is_cohens_d_shrunk_for_few_units():
    d = 4 / math.sqrt(5 / 3)
    exact = effect_size([1, 2, 3, 4], [5, 6, 7, 8], paired=False)
    assert exact == pytest.approx(d * math.gamma(3) / (math.sqrt(3) * math.gamma(2.5)))
    assert exact == pytest.approx(d * (1 - 3 / (4 * 6 - 1)), rel=0.005)  # the usual approximation


def test_no_difference_has_no_effect_and_a_constant_one_has_no_finite_effect():
    assert effect_size([1, 2, 3], [1, 2, 3]) == 0
    assert effect_size([0.1, 0.2, 0.3], [0.3, 0.4, 0.5]) is None
    assert effect_size([1], [2], paired=False) is None


def test_paired_effect_of_unequal_arms_is_refused():
    with pytest.raises(UsageError, match="`after` must hold one value per pair"):
        effect_size([1, 2], [1])
