import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.errors import UsageError
from trainwell.stats import average_ranks, interquartile_mean, performance_profile

SCORES = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=6), min_size=1, max_size=4)


def test_the_interquartile_mean_of_eight_scores_is_the_mean_of_the_middle_four():
    found = interquartile_mean([[0, 1, 2, 3], [4, 5, 6, 100]], resamples=50)
    assert found.mean == pytest.approx((2 + 3 + 4 + 5) / 4)
    assert found.n == 8


@given(SCORES)
def test_the_interquartile_mean_lies_between_the_quartiles_and_repeats_with_its_seed(scores):
    found = interquartile_mean(scores, resamples=20)
    pooled = np.concatenate(scores)
    assert pooled.min() - 1e-9 <= found.mean <= pooled.max() + 1e-9
    assert found == interquartile_mean(scores, resamples=20)


def test_runs_are_resampled_within_their_problem_only():
    found = interquartile_mean([[0.0, 0.0], [1.0, 1.0]], resamples=50)
    assert found.interval.to_list() == [0.5, 0.5]


def test_single_runs_have_no_interval():
    assert interquartile_mean([[0.1], [0.2]]).interval is None
    assert performance_profile([[0.1], [0.2]], [0.15], True).low is None


def test_average_ranks_share_ties_and_put_diverged_runs_last():
    first, second, third = average_ranks([[0.9, 0.8, math.nan], [0.7, 0.7, 0.1]], higher_is_better=True)
    assert (first.mean, second.mean, third.mean) == (1.25, 1.75, 3)
    assert first.n == 2
    assert all(1 <= rank.interval.low <= rank.interval.high <= 3 for rank in (first, second, third))


@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_average_ranks_add_up_and_turn_round_with_the_direction(problems, contenders, data):
    row = st.lists(st.integers(0, 3), min_size=contenders, max_size=contenders)
    scores = data.draw(st.lists(row, min_size=problems, max_size=problems))
    up = [rank.mean for rank in average_ranks(scores, higher_is_better=True)]
    down = [rank.mean for rank in average_ranks(scores, higher_is_better=False)]
    assert sum(up) == pytest.approx(contenders * (contenders + 1) / 2)
    assert [a + b for a, b in zip(up, down, strict=True)] == pytest.approx([contenders + 1] * contenders)


def test_contenders_missing_on_a_problem_are_refused():
    with pytest.raises(UsageError, match=r"`scores` must hold the same contenders for each problem, got \[1, 2\]"):
        average_ranks([[1, 2], [1]], higher_is_better=True)


def test_a_profile_weighs_every_problem_the_same_and_a_diverged_run_beats_nothing():
    found = performance_profile([[0.9, 0.4], [0.8, 0.7, math.inf, math.nan]], [0.5, 0.85], True)
    assert found.shares == pytest.approx(((1 / 2 + 2 / 4) / 2, (1 / 2 + 0) / 2))
    assert found.n == 6
    losses = performance_profile([[0.1, -math.inf]], [0.2], higher_is_better=False)
    assert losses.shares == (0.5,)


@given(SCORES)
def test_a_profile_falls_from_one_to_zero_and_lies_between_its_limits(scores):
    found = performance_profile(scores, [-1, 0.25, 0.5, 2], True, resamples=50)
    assert (found.shares[0], found.shares[-1]) == (pytest.approx(1), 0)
    assert all(np.diff(found.shares) <= 1e-12)
    if found.low is not None:
        assert all(low <= high + 1e-12 for low, high in zip(found.low, found.high, strict=True))


def test_a_profile_equals_a_loop_over_its_definition():
    rng = np.random.default_rng(0)
    scores, at = rng.random((3, 5)), np.linspace(0, 1, 7)
    expected = [np.mean([[score < t for score in row] for row in scores]) for t in at]
    assert performance_profile(list(scores), at, False).shares == pytest.approx(expected)


def test_no_problem_at_all_is_refused():
    with pytest.raises(UsageError, match="`scores` must hold at least one problem"):
        interquartile_mean([])
