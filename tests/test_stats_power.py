import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from trainwell.errors import UsageError
from trainwell.stats import detectable_difference, power_paired, units_needed


def test_power_for_many_pairs_tends_to_the_closed_form_of_the_normal():
    n, effect = 2000, 0.06
    shift = effect * math.sqrt(n)
    expected = scipy_stats.norm.sf(1.96 - shift) + scipy_stats.norm.cdf(-1.96 - shift)
    assert power_paired(n, 1.0, effect) == pytest.approx(expected, abs=0.002)  # t is nearly normal


def test_six_pairs_decide_about_no_effect_as_often_as_all_signs_agree_and_t_is_large():
    assert power_paired(6, 1.0, 0.0) == pytest.approx(0.027, abs=0.004)  # below 2 / 64 = 0.031


def test_nine_pairs_decide_about_no_effect_at_the_largest_level_that_sign_flips_attain():
    assert power_paired(9, 1.0, 0.0) == pytest.approx(24 / 512)  # the next one, 26 / 512, is above 0.05


def test_no_effect_is_found_at_most_at_the_stated_rate():
    assert all(power_paired(n, 1.0, 0.0) <= 0.05 + 1e-9 for n in range(1, 40))


@settings(max_examples=25, deadline=None)
@given(st.integers(6, 60), st.floats(0, 2), st.floats(0.01, 1))
def test_power_grows_with_the_effect_and_depends_on_its_ratio_to_the_spread(n, effect, more):
    simulated = 0.004 if n <= 8 else 1e-6  # one standard error of 20 000 samples; digits of nct
    assert power_paired(n, 1.0, effect) <= power_paired(n, 1.0, effect + more) + simulated
    assert power_paired(n, 5.0, 5 * effect) == pytest.approx(power_paired(n, 1.0, -effect), abs=1e-3)


def test_below_six_pairs_nothing_is_ever_decided():
    assert power_paired(5, 1.0, 100.0) == 0
    with pytest.raises(UsageError, match="`n` must be at least 6"):
        detectable_difference(5, 1.0)


@pytest.mark.parametrize("n", [6, 8, 10, 14, 15, 50])
def test_the_detectable_difference_has_the_power_asked_for(n):
    assert power_paired(n, 0.02, detectable_difference(n, 0.02, 0.9)) == pytest.approx(0.9, abs=1e-3)


def test_pairs_that_do_not_vary_show_every_difference():
    assert (power_paired(6, 0.0, 0.1), power_paired(6, 0.0, 0.0)) == (1, 0)
    assert detectable_difference(6, 0.0) == 0


@pytest.mark.parametrize("effect", [0.3, 0.8, 1.5])
def test_the_units_needed_are_the_fewest_that_suffice(effect):
    n = units_needed(1.0, effect)
    assert power_paired(n, 1.0, effect) >= 0.8 > power_paired(n - 1, 1.0, effect)


def test_no_number_of_units_decides_about_nothing():
    assert units_needed(1.0, 0.0) is None
    assert units_needed(1.0, 1e-6) is None


@pytest.mark.parametrize("bad", [{"power": 0.01}, {"power": 1.0}, {"sd": -1.0}, {"sd": math.nan}])
def test_impossible_plans_are_refused(bad):
    with pytest.raises(UsageError, match="must"):
        detectable_difference(**({"n": 10, "sd": 1.0} | bad))
