import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.errors import UsageError
from trainwell.stats import expected_best_of_k, tuning_curve

TRIALS = st.lists(st.floats(-100, 100), min_size=1, max_size=8)


def test_the_best_of_k_of_the_first_n_numbers_has_a_closed_form():
    found = expected_best_of_k(range(1, 11), 3, higher_is_better=True)
    assert found.mean == pytest.approx(3 * 11 / 4)  # k (n + 1) / (k + 1)


@given(TRIALS, st.booleans())
def test_the_best_of_k_is_the_mean_over_all_subsets(values, higher):
    best = max if higher else min
    for k, found in enumerate(tuning_curve(values, higher_is_better=higher), start=1):
        subsets = [best(subset) for subset in itertools.combinations(values, k)]
        assert found.mean == pytest.approx(np.mean(subsets), abs=1e-9)
        assert (found.k, found.n) == (k, len(values))


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=8), st.booleans())
def test_the_jackknife_error_leaves_out_each_trial_in_turn(values, higher):
    n, k = len(values), 2
    rest = [values[:j] + values[j + 1 :] for j in range(n)]
    means = [expected_best_of_k(some, k, higher_is_better=higher).mean for some in rest]
    expected = math.sqrt((n - 1) * np.var(means))
    assert expected_best_of_k(values, k, higher_is_better=higher).standard_error == pytest.approx(expected, abs=1e-9)


def test_the_best_of_one_is_the_mean_with_its_standard_error():
    values = [1.0, 2.0, 4.0, 8.0]
    found = expected_best_of_k(values, 1, higher_is_better=True)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.standard_error == pytest.approx(np.std(values, ddof=1) / 2)


@given(TRIALS)
def test_more_trials_are_never_expected_to_be_worse(values):
    means = [found.mean for found in tuning_curve(values, higher_is_better=True)]
    assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(means))
    assert means[-1] == pytest.approx(max(values))


def test_few_trials_are_flagged_and_all_of_them_have_no_error():
    assert expected_best_of_k(range(10), 2, higher_is_better=True).enough_trials
    found = expected_best_of_k(range(10), 10, higher_is_better=True)
    assert (found.enough_trials, found.standard_error) == (False, None)


def test_hundreds_of_trials_keep_their_digits():
    found = expected_best_of_k(range(1, 1001), 200, higher_is_better=True)
    assert found.mean == pytest.approx(200 * 1001 / 201, rel=1e-12)


def test_diverged_trials_count_as_worst():
    found = expected_best_of_k([0.9, math.nan, 0.5], 1, higher_is_better=True)
    assert found.mean == pytest.approx((0.9 + 0.5 + 0.5) / 3, abs=1e-5)
    assert found.diverged == 1


@pytest.mark.parametrize("k", [0, 4])
def test_a_search_larger_than_the_trials_is_refused(k):
    with pytest.raises(UsageError, match="`k` must lie between 1 and the 3 trials at hand"):
        expected_best_of_k([1, 2, 3], k, higher_is_better=True)


def test_trials_that_all_diverged_are_refused():
    with pytest.raises(UsageError, match="`values` must hold a finite trial, got 2 diverged"):
        tuning_curve([math.nan, math.inf], higher_is_better=True)
