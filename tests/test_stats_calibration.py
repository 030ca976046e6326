"""Error rates and coverage by seeded simulation: what is nominal must hold."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from trainwell.stats import (
    binomial_interval,
    bootstrap_interval,
    detectable_difference,
    equivalence,
    expected_best_of_k,
    interquartile_mean,
    mean_interval,
    nadeau_bengio_interval,
    paired_difference,
    probability_of_superiority,
    restricted_mean_time,
    slope_interval,
    studentised_permutation,
    verdict,
    welch,
)


def consistent(hits, rate):
    """Whether a true rate could have given these hits, but for one case in a thousand."""
    return not binomial_interval(sum(hits), len(hits), 0.999).interval.excludes(rate)


def at_most(hits, rate):
    return binomial_interval(sum(hits), len(hits), 0.999).interval.low <= rate


@pytest.mark.parametrize("n", [6, 10])
@pytest.mark.parametrize("draw", ["normal", "standard_cauchy"])
def test_a_paired_comparison_of_equals_decides_at_most_at_the_stated_rate(n, draw):
    rng = np.random.default_rng(n)
    arms = getattr(rng, draw)(size=(300, 2, n))
    hits = [verdict(paired_difference(*pair), None, True) != "cannot tell" for pair in arms]
    assert at_most(hits, 0.05)


def test_the_exact_paired_test_uses_its_level_up():
    arms = np.random.default_rng(0).exponential(size=(500, 2, 9))
    hits = [paired_difference(*pair).p_value < 0.05 for pair in arms]
    assert consistent(hits, 24 / 512)  # the largest attainable level below 0.05


@pytest.mark.parametrize(("test", "sizes"), [(welch, (8, 8)), (studentised_permutation, (5, 5))])
def test_an_unpaired_comparison_of_equals_decides_at_most_at_the_stated_rate(test, sizes):
    rng = np.random.default_rng(1)
    arms = [(rng.normal(size=sizes[0]), rng.normal(size=sizes[1])) for _ in range(400)]
    hits = [verdict(test(*pair), None, True) != "cannot tell" for pair in arms]
    assert at_most(hits, 0.05)


def test_unequal_spread_misleads_the_permutation_test_of_few_units_but_not_the_verdict():
    rng = np.random.default_rng(2)
    found = [studentised_permutation(rng.normal(0, 4, 5), rng.normal(0, 1, 5)) for _ in range(500)]
    assert np.mean([result.p_value < 0.05 for result in found]) > 0.06  # as its docstring says
    assert at_most([verdict(result, None, True) != "cannot tell" for result in found], 0.05)


def test_arms_just_at_the_margin_are_called_equivalent_at_most_at_the_stated_rate():
    rng = np.random.default_rng(3)
    hits = [equivalence(np.zeros(8), rng.normal(0.5, 0.3, 8), 0.5).equivalent for _ in range(400)]
    assert consistent(hits, 0.05)


@pytest.mark.parametrize("n", [6, 10])
def test_a_detectable_difference_is_detected_as_often_as_predicted(n):
    rng, effect = np.random.default_rng(4), detectable_difference(n, 2.0, power=0.8)
    found = [paired_difference(np.zeros(n), rng.normal(effect, 2.0, n)) for _ in range(600)]
    rate = np.mean([verdict(result, None, True) == "better" for result in found])
    assert rate == pytest.approx(0.8, abs=0.05)


def test_t_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(5)
    assert consistent([not mean_interval(rng.normal(size=5)).interval.excludes(0) for _ in range(1000)], 0.95)
    pairs = [welch(rng.normal(0, 3, 5), rng.normal(0, 1, 9)) for _ in range(1000)]
    assert consistent([not found.interval.excludes(0) for found in pairs], 0.95)


def test_bootstrap_intervals_cover_nearly_as_often_as_they_say():
    rng = np.random.default_rng(6)
    found = [bootstrap_interval(rng.normal(size=20), resamples=500) for _ in range(250)]
    assert 0.87 < np.mean([not interval.excludes(0) for interval in found]) < 0.97


@pytest.mark.parametrize(("sizes", "shift"), [((4, 4), 0.0), ((10, 10), 1.5)])
def test_intervals_of_the_probability_of_superiority_cover_as_often_as_they_say(sizes, shift):
    rng, true = np.random.default_rng(7), scipy_stats.norm.cdf(shift / np.sqrt(2))
    arms = [(rng.normal(size=sizes[0]), rng.normal(shift, 1, sizes[1])) for _ in range(600)]
    found = [probability_of_superiority(*pair, higher_is_better=True) for pair in arms]
    assert consistent([not each.interval.excludes(true) for each in found], 0.95)


def test_overlapping_training_sets_mislead_the_plain_interval_but_not_the_corrected_one():
    rng, splits, ratio = np.random.default_rng(8), 10, 0.25
    shared = np.sqrt(ratio / (1 + ratio))  # correlation of two splits, test / (test + train)
    draws = shared * rng.normal(size=(600, 1)) + np.sqrt(1 - shared**2) * rng.normal(size=(600, splits))
    corrected = [not nadeau_bengio_interval(d, ratio).interval.excludes(0) for d in draws]
    plain = [not mean_interval(d).interval.excludes(0) for d in draws]
    assert consistent(corrected, 0.95)
    assert np.mean(plain) < 0.8


def test_a_flat_noisy_curve_is_called_rising_or_falling_at_most_at_the_stated_rate():
    curves = np.random.default_rng(13).normal(1, 0.05, size=(1000, 50))
    assert at_most([slope_interval(range(50), curve).interval.excludes(0) for curve in curves], 0.05)


def test_slopes_of_autocorrelated_curves_are_covered_far_better_than_by_plain_least_squares():
    rng = np.random.default_rng(9)
    noise = rng.normal(size=(400, 150))
    curves = np.zeros_like(noise)
    for i in range(1, noise.shape[1]):
        curves[:, i] = 0.8 * curves[:, i - 1] + noise[:, i]
    allowed = [not slope_interval(range(50), curve[-50:]).interval.excludes(0) for curve in curves]
    plain = [not slope_interval(range(50), curve[-50:], autocorrelated=False).interval.excludes(0) for curve in curves]
    assert np.mean(plain) < 0.6
    assert np.mean(allowed) > 0.88


def test_restricted_means_of_censored_times_are_covered_as_often_as_they_say():
    rng, horizon, n = np.random.default_rng(10), 1.5, 40
    hits = []
    for _ in range(500):
        times = rng.exponential(size=n)
        watched = np.where(rng.random(n) < 0.3, rng.uniform(0.1, horizon, n), horizon)
        found = restricted_mean_time(np.minimum(times, watched), times <= watched, horizon)
        hits.append(not found.interval.excludes(1 - np.exp(-horizon)))
    assert 0.92 < np.mean(hits) < 0.98


def test_the_best_of_k_is_unbiased_and_its_error_is_honest():
    rng, k = np.random.default_rng(11), 4
    found = [expected_best_of_k(rng.random(40), k, higher_is_better=True) for _ in range(600)]
    means = np.array([each.mean for each in found])
    assert means.mean() == pytest.approx(k / (k + 1), abs=4 * means.std() / 600**0.5)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(means.std(), rel=0.15)


def test_interquartile_means_are_covered_nearly_as_often_as_they_say():
    rng = np.random.default_rng(12)
    found = [interquartile_mean(list(rng.normal(size=(5, 10))), resamples=300) for _ in range(300)]
    assert 0.89 < np.mean([not each.interval.excludes(0) for each in found]) < 0.99
