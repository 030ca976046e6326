"""The difference of two arms whose units have nothing to do with each other."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import replace

import numpy as np
import scipy

from trainwell.stats.differences import RESAMPLES, UnpairedResult, tail_share
from trainwell.stats.intervals import t_interval
from trainwell.stats.values import (
    FEWEST_UNPAIRED,
    NOISE,
    Array,
    Values,
    check_level,
    count_as_worst,
    count_diverged,
    sample,
    spread,
    unpaired_units_allow_p,
    without_noise,
)

_TIE_OF_T = 1e-8
"""Looser than for sums: a variance of nearly equal values has lost some of its digits."""


def welch(
    before: Values,
    after: Values,
    level: float = 0.95,
    *,
    higher_is_better: bool | None = None,
    worst: float | None = None,
) -> UnpairedResult:
    r"""Difference of two unpaired means by Welch's t: unequal variances, unequal sizes.

    $$ t = \frac{\bar a - \bar b}{\sqrt{s_a^2/n_a + s_b^2/n_b}},\qquad
       \nu = \frac{(s_a^2/n_a + s_b^2/n_b)^2}{(s_a^2/n_a)^2/(n_a - 1) + (s_b^2/n_b)^2/(n_b - 1)} $$

    Args:
        before: Independent units, float (n_before,). [units of the metric]
        after: Independent units, float (n_after,). [units of the metric]
        level: Of the interval. [0 to 1]
        higher_is_better: Direction of the metric; only needed when a run diverged.
        worst: What a diverged run counts as, unless a finite one is worse. [units of the metric]

    Returns:
        Mean of after minus mean of before, interval (None with one unit in an arm), p-value (None below 4
        units in an arm, and where neither arm varies but the means differ: t is infinite there).

    Raises:
        UsageError: If an arm is empty, or a run diverged and no direction is stated.

    Source:
        Welch 1947, Biometrika 34.
    """
    *_, result = _unpaired(before, after, level, higher_is_better, worst, "Welch t")
    if result.interval is None or result.refusal is not None:
        return result
    if result.standard_error:
        assert result.degrees is not None
        p = 2 * float(scipy.stats.t.sf(abs(result.mean) / result.standard_error, result.degrees))
    elif result.mean == 0:
        p = 1.0
    else:
        why = "neither arm varies, so t is infinite; use the studentised permutation test"
        return replace(result, p_value=None, refusal=why)
    return replace(result, p_value=p, refusal=None)


def studentised_permutation(
    before: Values,
    after: Values,
    seed: int = 0,
    level: float = 0.95,
    *,
    higher_is_better: bool | None = None,
    worst: float | None = None,
) -> UnpairedResult:
    r"""Difference of two unpaired means: p-value by permuting Welch's t, Welch's interval.

    Exact for equal distributions at any n. For equal means with unequal spread it keeps its level as n grows,
    which permuting the plain difference does not; measured at nominal 5 %, spread 4 to 1: p < 0.05 in 8.7 % of
    5 against 5, 9.5 % of 5 against 9 (plain difference: 18 %), 6.9 % of 10 against 10. `verdict` asks Welch's
    interval as well, which brings these to 5.5, 6.0 and 5.6 %.

    $$ p = \#\{\pi : |t_\pi| \ge |t|\} / \#\{\pi\},\qquad t \text{ as in `welch`} $$

    All regroupings are counted up to 16384 (8 against 8); beyond, m are drawn and p = (b + 1)/(m + 1).

    Args:
        before: Independent units, float (n_before,). [units of the metric]
        after: Independent units, float (n_after,). [units of the metric]
        seed: Of the drawn regroupings.
        level: Of the interval. [0 to 1]
        higher_is_better: Direction of the metric; only needed when a run diverged.
        worst: What a diverged run counts as, unless a finite one is worse. [units of the metric]

    Returns:
        Mean of after minus mean of before, Welch's interval, p-value (None below 4 units in an arm).

    Raises:
        UsageError: If an arm is empty, or a run diverged and no direction is stated.

    Source:
        Janssen 1997; Chung & Romano 2013, Exact and asymptotically robust permutation tests.
    """
    method = "studentised permutation test, Welch interval"
    b, a, result = _unpaired(before, after, level, higher_is_better, worst, method)
    if result.interval is None or result.refusal is not None:
        return result
    if result.mean == 0:
        return replace(result, p_value=1.0, refusal=None)
    both = np.concatenate([b, a])
    scale = float(np.ptp(both))
    b, a = (b - both.mean()) / scale, (a - both.mean()) / scale

    def t(x: Array, y: Array, axis: int) -> Array:
        variance = x.var(axis, ddof=1) / x.shape[axis] + y.var(axis, ddof=1) / y.shape[axis]
        return np.asarray(np.abs(y.mean(axis) - x.mean(axis)) / np.sqrt(variance + NOISE**2))  # never 0 / 0

    observed = float(t(b, a, 0))
    exact = math.comb(len(both), len(b)) < RESAMPLES
    if exact:  # SciPy counts the same, fifty times slower
        first_RB, rest_RA = _regroupings(len(b), len(a))
        units = np.concatenate([b, a])
        null = t(units[first_RB], units[rest_RA], 1)
    else:
        null = scipy.stats.permutation_test(
            (b, a),
            t,
            permutation_type="independent",
            alternative="greater",
            vectorized=True,
            n_resamples=RESAMPLES - 1,
            batch=4096,
            rng=np.random.default_rng(seed),
        ).null_distribution
    p = tail_share(np.asarray(null), observed, _TIE_OF_T * observed, exact=exact)
    return replace(result, p_value=p, refusal=None)


@functools.lru_cache(maxsize=16)
def _regroupings(n_first: int, n_rest: int) -> tuple[Array, Array]:
    """Units of both groups in every regrouping, int (R, n_first) and (R, n_rest)."""
    every = range(n_first + n_rest)
    first = [list(some) for some in itertools.combinations(every, n_first)]
    rest = [sorted(set(every) - set(some)) for some in first]
    return np.array(first), np.array(rest)


def _unpaired(
    before: Values,
    after: Values,
    level: float,
    higher_is_better: bool | None,
    worst: float | None,
    method: str,
) -> tuple[Array, Array, UnpairedResult]:
    b, a = sample(before, "before"), sample(after, "after")
    level = check_level(level)
    diverged_before, diverged_after = count_diverged(b), count_diverged(a)
    b, a = count_as_worst(b, a, higher_is_better=higher_is_better, worst=worst)
    n_b, n_a = len(b), len(a)
    mean = float(without_noise(a.mean() - b.mean(), np.maximum(np.abs(a).max(), np.abs(b).max())))
    interval = error = degrees = None
    if min(n_b, n_a) > 1:
        parts = spread(b) ** 2 / n_b, spread(a) ** 2 / n_a
        error = sum(parts) ** 0.5
        degrees = float(n_b + n_a - 2)
        if error:
            shares = parts[0] / sum(parts), parts[1] / sum(parts)
            degrees = 1 / (shares[0] ** 2 / (n_b - 1) + shares[1] ** 2 / (n_a - 1))
        interval = t_interval(mean, error, degrees, level)
    why = None
    if diverged_before == n_b and diverged_after == n_a:
        interval, why = None, "no run of either arm is finite"
    elif not unpaired_units_allow_p(n_b, n_a):
        why = f"{n_b} against {n_a} units allow no p-value: at least {FEWEST_UNPAIRED} in each arm do"
    result = UnpairedResult(
        mean=mean,
        interval=interval,
        p_value=None,
        n=min(n_b, n_a),
        method=method,
        standard_error=error,
        degrees=degrees,
        refusal=why,
        diverged_before=diverged_before,
        diverged_after=diverged_after,
        n_before=n_b,
        n_after=n_a,
    )
    return b, a, result
