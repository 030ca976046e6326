"""Power of unpaired comparisons, nested resampling, and bands of tuning curves."""

import numpy as np
import pytest

from trainwell.errors import UsageError
from trainwell.stats import (
    detectable_difference_unpaired,
    nested_mean,
    power_unpaired,
    studentised_permutation,
    tuning_band,
    units_needed_unpaired,
    verdict,
)


@pytest.mark.parametrize("n", [5, pytest.param(7, marks=pytest.mark.slow)])
def test_a_detectable_difference_of_independent_units_is_detected_as_often_as_predicted(n):
    rng, effect = np.random.default_rng(n), detectable_difference_unpaired(n, 2.0, power=0.8)
    found = [studentised_permutation(rng.normal(0, 2, n), rng.normal(effect, 2, n)) for _ in range(250)]
    rate = np.mean([verdict(result, None, True) == "better" for result in found])
    assert rate == pytest.approx(0.8, abs=0.075)  # three standard errors of 250


def test_without_an_effect_the_power_is_at_most_the_rate_of_false_alarms():
    assert all(power_unpaired(n, 1.0, 0.0) <= 0.051 for n in (4, 5, 6, 7, 8, 20))


def test_power_grows_with_units_and_effect():
    grid = [[power_unpaired(n, 1.0, effect) for effect in (0.5, 1.0, 2.0)] for n in (4, 6, 7, 12)]
    assert (np.diff(grid, axis=0) > 0).all()
    assert (np.diff(grid, axis=1) > 0).all()


def test_three_units_decide_nothing():
    assert power_unpaired(3, 1.0, 100.0) == 0
    with pytest.raises(UsageError, match="at least 4"):
        detectable_difference_unpaired(3, 1.0)


def test_the_units_needed_have_the_power_and_one_fewer_have_not():
    n = units_needed_unpaired(1.0, 0.8)
    assert power_unpaired(n, 1.0, 0.8) >= 0.8 > power_unpaired(n - 1, 1.0, 0.8)
    assert units_needed_unpaired(1.0, 0.0) is None


def test_a_nested_interval_is_that_of_studies_where_seeds_agree():
    rng = np.random.default_rng(0)
    means = rng.normal(size=30)
    seeds_agree = nested_mean([[m, m, m] for m in means])
    plain = nested_mean([[m] for m in means])
    assert seeds_agree.mean == pytest.approx(means.mean())
    assert seeds_agree.interval.low == pytest.approx(plain.interval.low, abs=0.03)


def test_few_seeds_in_a_study_widen_a_nested_interval():
    rng = np.random.default_rng(1)
    studies = [rng.normal(size=3) for _ in range(20)]
    between = nested_mean([[s.mean()] for s in studies]).interval
    nested = nested_mean(studies).interval
    assert nested.high - nested.low > between.high - between.low


def test_nested_intervals_of_many_studies_cover_at_least_nearly_as_often_as_they_say():
    rng = np.random.default_rng(2)
    found = [
        nested_mean([rng.normal(m, 0.5, 3) for m in rng.normal(size=20)], resamples=400, seed=k) for k in range(200)
    ]
    assert np.mean([not each.interval.excludes(0) for each in found]) > 0.9


def test_bands_of_tuning_curves_hold_the_true_median_for_all_k_together():
    pytest.importorskip("opda")
    ks = [1, 2, 4, 8]
    true = np.array([0.5 ** (1 / k) for k in ks])  # median of the best of k uniform numbers
    hits = []
    for seed in range(60):
        band = tuning_band(np.random.default_rng(seed).random(20), ks, higher_is_better=True, level=0.8)
        low = [-np.inf if v is None else v for v in band.low]
        high = [np.inf if v is None else v for v in band.high]
        hits.append(bool(np.all((low <= true) & (true <= high))))
    assert np.mean(hits) > 0.68  # 0.8 less two standard errors


def test_a_band_for_losses_mirrors_that_for_scores():
    pytest.importorskip("opda")
    x = np.random.default_rng(3).random(15)
    up, down = tuning_band(x, [1, 3], higher_is_better=True), tuning_band(-x, [1, 3], higher_is_better=False)
    assert np.allclose(np.array(up.median), -np.array(down.median))
    assert [None if v is None else -v for v in up.high] == pytest.approx(list(down.low))
