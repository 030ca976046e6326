import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from trainwell.errors import UsageError
from trainwell.stats import equivalence, holm, paired_difference, studentised_permutation, verdict, welch

NOISE = np.array([0.003, -0.002, 0.001, -0.003, 0.002, -0.001, 0.002, -0.002])
BEFORE = np.linspace(0.8, 0.9, 8)


def test_holm_multiplies_the_smallest_by_all_and_the_largest_by_one():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_equals_closed_testing_with_bonferroni(p_values):
    family = range(len(p_values))
    subsets = [c for size in family for c in itertools.combinations(family, size + 1)]
    bonferroni = {c: min(1, len(c) * min(p_values[i] for i in c)) for c in subsets}
    closed = [max(bonferroni[c] for c in subsets if i in c) for i in family]
    assert holm(p_values) == pytest.approx(closed)


def test_a_refused_test_stays_refused_and_still_counts_in_the_family():
    assert holm([0.01, None, 0.02]) == [pytest.approx(0.03), None, pytest.approx(0.04)]
    assert holm([]) == []


def test_a_p_value_above_one_is_refused():
    with pytest.raises(UsageError, match="`p_values` must lie between 0 and 1"):
        holm([0.5, 1.5])


@pytest.mark.parametrize("paired", [True, False])
def test_equivalence_is_the_larger_of_two_one_sided_tests_of_scipy(paired):
    after, margin = BEFORE + NOISE + 0.001, 0.05
    test = scipy_stats.ttest_rel if paired else lambda a, b, **k: scipy_stats.ttest_ind(a, b, equal_var=False, **k)
    above = test(after + margin, BEFORE, alternative="greater").pvalue
    below = test(after - margin, BEFORE, alternative="less").pvalue
    found = equivalence(BEFORE, after, margin, paired=paired)
    assert found.p_value == pytest.approx(max(above, below))
    assert found.equivalent == (max(above, below) < 0.05)


@given(st.floats(-0.02, 0.02), st.floats(0.0005, 0.02))
def test_arms_are_equivalent_exactly_when_the_ninety_percent_interval_is_within_the_margin(shift, margin):
    found = equivalence(BEFORE, BEFORE + NOISE + shift, margin)
    assert found.interval.level == pytest.approx(0.9)
    assert found.equivalent == (-margin < found.interval.low and found.interval.high < margin)


def test_identical_arms_are_equivalent_and_few_units_are_refused():
    assert equivalence(BEFORE, BEFORE, 0.01).equivalent
    few = equivalence(BEFORE[:5], BEFORE[:5], 0.01)
    assert (few.equivalent, few.p_value) == (False, None)
    assert "5 paired units" in few.refusal


def test_a_margin_says_nothing_about_runs_that_diverge():
    after = [*BEFORE[:-1], math.nan]
    found = equivalence(BEFORE, after, 1.0, higher_is_better=True)
    assert not found.equivalent
    assert found.refusal == "1 runs diverged after, 0 before"
    assert verdict(paired_difference(BEFORE, after, higher_is_better=True), 1.0, True) == "cannot tell"


@pytest.mark.parametrize("margin", [0, -0.1, math.nan, math.inf])
def test_a_margin_that_is_not_positive_is_refused(margin):
    with pytest.raises(UsageError, match="`margin` must be positive"):
        equivalence(BEFORE, BEFORE, margin)


@pytest.mark.parametrize(
    ("shift", "margin", "expected"),
    [
        (0.02, 0.01, "better"),
        (-0.02, 0.01, "worse"),
        (0.0, 0.01, "as good as"),
        (0.0, 0.001, "cannot tell"),
        (0.0, None, "cannot tell"),
        (0.02, 0.5, "better"),  # significant and within the margin: the statement carries the size
    ],
)
def test_a_verdict_follows_from_interval_test_and_margin(shift, margin, expected):
    found = paired_difference(BEFORE, BEFORE + NOISE + shift)
    assert verdict(found, margin, higher_is_better=True) == expected


@given(st.floats(-0.01, 0.01))
def test_the_verdict_about_a_loss_is_the_mirror_of_that_about_a_score(shift):
    found = paired_difference(BEFORE, BEFORE + NOISE + shift)
    mirror = {"better": "worse", "worse": "better"}
    score = verdict(found, 0.004, higher_is_better=True)
    assert verdict(found, 0.004, higher_is_better=False) == mirror.get(score, score)


@pytest.mark.parametrize("test", [welch, studentised_permutation])
def test_unpaired_results_have_verdicts_too(test):
    assert verdict(test(BEFORE, BEFORE + 1), 0.5, higher_is_better=True) == "better"
    assert verdict(test(BEFORE, BEFORE), 0.5, higher_is_better=True) == "as good as"
    assert verdict(test(BEFORE[:3], BEFORE[:3] + 1), 0.5, higher_is_better=True) == "cannot tell"


def test_five_pairs_decide_nothing_however_large_the_difference():
    assert verdict(paired_difference(BEFORE[:5], BEFORE[:5] + 9), None, True) == "cannot tell"


def test_a_corrected_p_value_decides_instead_of_the_raw_one():
    found = paired_difference(BEFORE, BEFORE + NOISE + 0.02)
    assert verdict(found, None, True, p_corrected=0.06) == "cannot tell"
    with pytest.raises(UsageError, match="`p_corrected` must be at least the raw p-value"):
        verdict(found, None, True, p_corrected=0.001)


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_one_lucky_run_does_not_hide_that_the_other_arm_always_diverges(higher_is_better):
    runs = [0.5] * 7 + ([0.9] if higher_is_better else [0.1])
    found = paired_difference(runs, [math.nan] * 8, higher_is_better=higher_is_better)
    assert not found.interval.excludes(0)  # its size has no meaning
    assert verdict(found, None, higher_is_better) == "worse"


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_a_contender_that_always_diverges_is_worse_in_either_direction(higher_is_better):
    lost = [math.nan] * 8
    there = paired_difference(BEFORE, lost, higher_is_better=higher_is_better)
    back = paired_difference(lost, BEFORE, higher_is_better=higher_is_better)
    assert verdict(there, 1.0, higher_is_better) == "worse"
    assert verdict(back, 1.0, higher_is_better) == "better"
