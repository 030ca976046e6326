import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from trainwell.errors import UsageError
from trainwell.stats import nadeau_bengio_interval, paired_difference, paired_units_allow_p, verdict

BEFORE = [0.90, 0.91, 0.88, 0.93, 0.89, 0.90, 0.92]
AFTER = [0.92, 0.93, 0.91, 0.92, 0.93, 0.94, 0.93]
PAIRS = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=6, max_size=9)


def count_sign_flips(differences):
    """The sign-flip p-value of whole numbers, by counting."""
    observed = abs(sum(differences))
    flips = list(itertools.product((-1, 1), repeat=len(differences)))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in flips]
    return sum(total >= observed for total in sums) / len(flips)


def test_six_gains_of_six_have_the_smallest_p_value_there_is():
    found = paired_difference(range(6), [value + 1 + value / 10 for value in range(6)])
    assert found.p_value == 2 / 2**6
    assert found.method == "t interval, sign-flip test (exact)"


def test_a_paired_interval_equals_the_one_of_scipy():
    theirs = scipy_stats.ttest_rel(AFTER, BEFORE).confidence_interval(0.9)
    ours = paired_difference(BEFORE, AFTER, 0.9)
    assert ours.interval.to_list() == pytest.approx(list(theirs))
    assert ours.mean == pytest.approx(np.mean(AFTER) - np.mean(BEFORE))


@settings(deadline=None)  # shared cores
@given(PAIRS)
def test_the_exact_p_value_equals_a_count_of_all_sign_flips(pairs):
    before, after = zip(*pairs, strict=True)
    p = paired_difference([b / 10 for b in before], [a / 10 for a in after]).p_value  # tenths do not add exactly
    assert p == pytest.approx(count_sign_flips([a - b for b, a in pairs]), abs=1e-12)


@settings(deadline=None)  # shared cores
@given(PAIRS)
def test_swapping_the_arms_turns_the_sign_and_keeps_the_p_value(pairs):
    before, after = zip(*pairs, strict=True)
    there, back = paired_difference(before, after), paired_difference(after, before)
    assert (back.mean, back.p_value) == (-there.mean, there.p_value)
    assert back.interval.to_list() == pytest.approx([-there.interval.high, -there.interval.low])


@settings(deadline=None)  # shared cores
@given(PAIRS, st.randoms())
def test_the_order_of_the_pairs_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    one, other = (paired_difference(*zip(*some, strict=True)) for some in (pairs, shuffled))
    assert other.p_value == one.p_value
    assert other.mean == pytest.approx(one.mean)


def test_more_than_fourteen_pairs_draw_sign_flips_and_come_close_to_the_t_test():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(2, 40))
    found = paired_difference(before, after + 0.4, seed=1)
    assert found.p_value == pytest.approx(scipy_stats.ttest_rel(after + 0.4, before).pvalue, abs=0.01)
    assert (found.p_value * 2**14) % 1 == 0  # (b + 1) / (m + 1), never 0
    assert found == paired_difference(before, after + 0.4, seed=1)


def test_a_drawn_p_value_is_never_zero():
    assert paired_difference(np.zeros(30), np.arange(1.0, 31.0)).p_value == 1 / 2**14


def test_equal_arms_differ_by_nothing_at_all():
    found = paired_difference(BEFORE, BEFORE)
    assert (found.mean, found.interval.to_list(), found.p_value) == (0, [0, 0], 1)


def test_arms_that_differ_by_rounding_only_count_as_equal():
    rounded = [(value * 3) / 3 + 1e-16 for value in BEFORE]
    found = paired_difference(BEFORE, rounded)
    assert (found.mean, found.p_value) == (0, 1)


def test_differences_within_the_stated_noise_are_zero():
    after = [value * (1 + 3e-7) for value in BEFORE]  # as a float32 metric of the same training
    assert paired_difference(BEFORE, after).p_value < 0.05
    assert paired_difference(BEFORE, after, noise=1e-6).p_value == 1


def test_a_constant_gain_has_an_interval_of_width_zero_and_the_p_value_of_its_signs():
    found = paired_difference(BEFORE, [value + 0.1 for value in BEFORE])
    assert found.interval.to_list() == pytest.approx([0.1, 0.1])
    assert found.p_value == 2 / 2**7


def test_five_pairs_are_refused_a_p_value_but_keep_their_interval():
    found = paired_difference(BEFORE[:5], AFTER[:5])
    assert found.p_value is None
    assert "5 paired units allow no p-value" in found.refusal
    assert found.interval is not None
    assert [paired_units_allow_p(n) for n in (5, 6)] == [False, True]


def test_one_pair_has_neither_interval_nor_p_value():
    found = paired_difference([0.5], [0.7])
    assert (found.interval, found.p_value, found.n) == (None, None, 1)
    assert found.mean == pytest.approx(0.2)


def test_a_diverged_run_is_counted_and_counts_as_the_worst():
    found = paired_difference(BEFORE, [*AFTER[:-1], math.nan], higher_is_better=True)
    assert (found.diverged_before, found.diverged_after, found.n) == (0, 1, 7)
    expected = np.mean([*AFTER[:-1], 0.88]) - np.mean(BEFORE)
    assert found.mean == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("noise", [1e-12, 1e-6])
def test_an_arm_that_always_diverges_is_worse_even_than_runs_that_are_all_alike(noise):
    found = paired_difference([0.9] * 6, [math.inf] * 6, higher_is_better=True, noise=noise)
    assert found.p_value == 2 / 2**6
    assert verdict(found, 0.1, higher_is_better=True) == "worse"


def test_arms_that_both_always_diverge_allow_no_statement():
    found = paired_difference([math.nan] * 6, [math.inf] * 6, higher_is_better=False)
    assert (found.interval, found.p_value) == (None, None)
    assert found.refusal == "no run of either arm is finite"


def test_arms_of_different_length_are_refused():
    with pytest.raises(UsageError, match=r"`after` must hold one value per pair, 7, got 6\. Match them"):
        paired_difference(BEFORE, AFTER[:6])


def test_a_result_turns_into_plain_data():
    result = paired_difference(BEFORE, AFTER)
    found = json.loads(json.dumps(result.to_dict()))
    assert found["interval"] == [result.interval.low, result.interval.high]
    assert (found["mean"], found["p_value"], found["n"]) == (result.mean, result.p_value, 7)


def test_the_correction_for_overlapping_splits_widens_by_its_closed_form():
    d = [0.01, 0.02, -0.01, 0.03, 0.00, 0.02, 0.01, 0.04, 0.00, 0.01]
    plain, corrected = paired_difference([0] * 10, d), nadeau_bengio_interval(d, 0.25)
    assert corrected.standard_error / plain.standard_error == pytest.approx(math.sqrt(1 + 10 * 0.25))
    assert corrected.mean == pytest.approx(plain.mean)
    t = corrected.mean / corrected.standard_error
    assert corrected.p_value == pytest.approx(2 * scipy_stats.t.sf(t, 9))


def test_the_corrected_interval_excludes_zero_exactly_when_its_p_value_is_small():
    for shift in np.linspace(0, 0.05, 11):
        found = nadeau_bengio_interval(np.array([0.01, -0.02, 0.0, 0.02, 0.01, -0.01]) + shift, 1 / 9)
        assert found.interval.excludes(0) == (found.p_value < 0.05)


def test_splits_without_any_variation_are_refused_a_p_value_unless_nothing_differs():
    assert nadeau_bengio_interval([0.0] * 6, 0.25).p_value == 1
    assert "do not vary" in nadeau_bengio_interval([0.1] * 6, 0.25).refusal
    assert nadeau_bengio_interval([0.1], 0.25).interval is None


def test_a_ratio_that_is_not_positive_is_refused():
    with pytest.raises(UsageError, match="`ratio` must be positive"):
        nadeau_bengio_interval([0.1, 0.2], 0)
