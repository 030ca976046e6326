"""The size of a difference without units: how often it wins, how many standard deviations it is."""

from __future__ import annotations

import numpy as np
import scipy

from trainwell.errors import UsageError
from trainwell.stats.intervals import Estimate, Interval
from trainwell.stats.values import (
    Values,
    check_level,
    count_as_worst,
    finite_sample,
    sample,
    spread,
    without_noise,
)

_EDGE = 1e-15


def probability_of_superiority(before: Values, after: Values, higher_is_better: bool, level: float = 0.95) -> Estimate:
    r"""Estimate how often a fresh unit of `after` beats a fresh unit of `before`.

    $$ \hat\theta = P(A \succ B) + \tfrac12 P(A = B),\qquad (\theta - \hat\theta)^2 = z^2\,
       \frac{\theta (1 - \theta)}{n_a n_b}\left(1 + n^*\Bigl(\frac{1 - \theta}{2 - \theta} +
       \frac{\theta}{1 + \theta}\Bigr)\right),\ n^* = \frac{n_a + n_b}{2} - 1 $$

    A score interval: it keeps its width when one arm wins every time. Diverged units lose against finished ones.

    Args:
        before: Independent units, float (n_before,).
        after: Independent units, float (n_after,).
        higher_is_better: Direction of the metric.
        level: Nominal coverage. [0 to 1]

    Returns:
        Probability [0 to 1], its interval (None with one unit in an arm), n of the smaller arm.

    Raises:
        UsageError: If an arm is empty.

    Source:
        Newcombe 2006, Confidence intervals for an effect size measure based on the Mann-Whitney statistic,
        part 2, method 5.
    """
    b, a = sample(before, "before"), sample(after, "after")
    check_level(level)
    b, a = count_as_worst(b, a, higher_is_better=higher_is_better)
    n_b, n_a = len(b), len(a)
    wins = float(np.mean(a[:, None] > b)) + float(np.mean(a[:, None] == b)) / 2
    theta = wins if higher_is_better else 1 - wins
    if min(n_a, n_b) == 1:
        return Estimate(theta, None, 1)
    z = float(scipy.special.ndtri(0.5 + level / 2))
    extra = (n_a + n_b) / 2 - 1

    def excess(x: float) -> float:
        variance = x * (1 - x) * (1 + extra * ((1 - x) / (2 - x) + x / (1 + x))) / (n_a * n_b)
        return (x - theta) ** 2 - z**2 * variance

    inside = min(max(theta, _EDGE), 1 - _EDGE)
    low = 0.0 if theta == 0 else float(scipy.optimize.brentq(excess, _EDGE, inside))
    high = 1.0 if theta == 1 else float(scipy.optimize.brentq(excess, inside, 1 - _EDGE))
    return Estimate(theta, Interval(low, high, level), min(n_a, n_b))


def effect_size(before: Values, after: Values, *, paired: bool = True) -> float | None:
    r"""Say how many standard deviations the difference is.

    $$ d_z = \frac{\bar d}{s_d}\ \text{(paired, Cohen)},\qquad
       g = \frac{\Gamma(\nu/2)}{\sqrt{\nu/2}\,\Gamma((\nu - 1)/2)}\cdot\frac{\bar a - \bar b}{s_\text{pooled}},\
       \nu = n_a + n_b - 2\ \text{(unpaired, Hedges)} $$

    Args:
        before: One value per unit, float (n,), finite.
        after: One value per unit, float (n,), finite; partners of `before` if paired.
        paired: Cohen's d_z of the differences; else Hedges' g with its correction for few units.

    Returns:
        after - before in standard deviations; None where nothing varies but the means differ, and with too few
        units for a standard deviation.

    Raises:
        UsageError: If a value is not finite, an arm is empty, or paired arms differ in length.

    Source:
        Cohen 1988; Hedges 1981, Distribution theory for Glass's estimator.
    """
    b, a = finite_sample(before, "before"), finite_sample(after, "after")
    size = max(float(np.abs(b).max()), float(np.abs(a).max()))
    if paired:
        if len(b) != len(a):
            raise UsageError(f"`after` must hold one value per pair, {len(b)}, got {len(a)}. Match them by seed.")
        d = without_noise(a - b, np.full(len(b), size))
        return _ratio(float(d.mean()), spread(d)) if len(d) > 1 else None
    degrees = len(a) + len(b) - 2
    if degrees < 2:
        return None
    pooled = (((len(a) - 1) * spread(a) ** 2 + (len(b) - 1) * spread(b) ** 2) / degrees) ** 0.5
    correction = float(scipy.special.poch((degrees - 1) / 2, 0.5)) / (degrees / 2) ** 0.5
    difference = float(without_noise(a.mean() - b.mean(), np.asarray(size)))
    return _ratio(difference * correction, pooled)


def _ratio(difference: float, deviation: float) -> float | None:
    if deviation:
        return difference / deviation
    return 0.0 if difference == 0 else None
