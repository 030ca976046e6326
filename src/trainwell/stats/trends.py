"""Does a short curve rise or fall? Slopes with intervals that allow for autocorrelation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from trainwell.errors import UsageError
from trainwell.stats.intervals import Interval, t_interval
from trainwell.stats.values import NOISE, Array, Values, check_level, finite_sample

FEWEST_EFFECTIVE = 3.0
"""A line takes two degrees of freedom; with fewer effective points than 3 none would be left for its error."""


@dataclass(frozen=True)
class Slope:
    """Change of y per unit of x with its interval (None below 3 points).

    `autocorrelation` is the lag-1 correlation of the residuals that was allowed for, `effective_n` the number of
    independent points it leaves.
    """

    slope: float
    interval: Interval | None
    n: int
    method: str
    autocorrelation: float = 0.0
    effective_n: float = 0.0


def slope_interval(
    x: Values,
    y: Values,
    level: float = 0.95,
    *,
    method: Literal["ols", "theil-sen"] = "ols",
    autocorrelated: bool = True,
) -> Slope:
    r"""Estimate the slope of a curve, for example of a loss over steps.

    $$ \hat\beta = \frac{\sum (x_i - \bar x)(y_i - \bar y)}{\sum (x_i - \bar x)^2},\qquad
       \text{se}^2 = \frac{\sum e_i^2}{(n_e - 2) \sum (x_i - \bar x)^2},\qquad
       n_e = n\,\frac{1 - r}{1 + r} $$

    "ols": least squares with t interval on n_e - 2 degrees of freedom. Neighbouring points of a loss curve
    resemble each other, so r is the lag-1 autocorrelation of the residuals, corrected for its downward bias
    and taken as 0 if negative; n_e stays at 3 or more. Measured on autoregressive noise, nominal 95 % covers
    96 / 90 / 84 / 79 % at n = 10 for correlation 0 / 0.5 / 0.8 / 0.95 and 97 / 93 / 93 / 88 % at n = 50
    (without the allowance 95 / 82 / 62 / 48 and 96 / 74 / 47 / 27). A bend counts as autocorrelation too, so a
    smooth decay may leave the sign open: take logarithms or "theil-sen".

    "theil-sen": median of the slopes of all pairs, which single spikes do not move, with its interval for
    *independent* points (too narrow for autocorrelated noise).

    Args:
        x: Positions, float (n,), increasing and about equally spaced. [steps]
        y: Values, float (n,), finite. [units of the curve]
        level: Nominal coverage. [0 to 1]
        method: "ols" or "theil-sen".
        autocorrelated: Allow for autocorrelation ("ols" only); False for independent points.

    Returns:
        Slope [units of y per unit of x], interval, n, and what was allowed for.

    Raises:
        UsageError: If the lengths differ, there are fewer than 2 points, or x does not increase.

    Source:
        Santer et al. 2000, Statistical significance of trends, JGR 105; Sen 1968; scipy.stats.theilslopes.
    """
    at, values = finite_sample(x, "x", at_least=2), finite_sample(y, "y", at_least=2)
    check_level(level)
    if len(at) != len(values):
        raise UsageError(f"`y` must hold one value per x, {len(at)}, got {len(values)}. Match them.")
    if not bool(np.all(np.diff(at) > 0)):
        raise UsageError(f"`x` must increase strictly, got {at.tolist()[:8]} .... Sort by step, drop repeats.")
    if method == "theil-sen":
        return _theil_sen(at, values, level)
    return _least_squares(at, values, level, autocorrelated)


def _theil_sen(x: Array, y: Array, level: float) -> Slope:
    n = len(x)
    found = scipy.stats.theilslopes(y, x, alpha=level)
    interval = Interval(float(found.low_slope), float(found.high_slope), level) if n > 2 else None
    return Slope(float(found.slope), interval, n, "theil-sen", 0.0, float(n))


def _least_squares(x: Array, y: Array, level: float, autocorrelated: bool) -> Slope:
    n = len(x)
    dx, dy = x - x.mean(), y - y.mean()
    squares = float(dx @ dx)
    slope = float(dx @ dy) / squares
    if n == 2:
        return Slope(slope, None, n, "ols", 0.0, float(n))
    residuals = dy - slope * dx
    residuals[np.abs(residuals) <= NOISE * np.abs(y).max()] = 0.0
    r = _autocorrelation(residuals) if autocorrelated else 0.0
    effective = max(n * (1 - r) / (1 + r), FEWEST_EFFECTIVE)
    degrees = effective - 2
    error = (float(residuals @ residuals) / degrees / squares) ** 0.5
    return Slope(slope, t_interval(slope, error, degrees, level), n, "ols", r, effective)


def _autocorrelation(residuals: Array) -> float:
    """Lag-1 autocorrelation, 0 to 0.99; residuals of a line estimate it low by about (1 + 4 r) / n."""
    n, total = len(residuals), float(residuals @ residuals)
    if total == 0 or n < 5:
        return 0.0
    r = float(residuals[1:] @ residuals[:-1]) / total
    return float(min(max((r * n + 1) / (n - 4), 0.0), 0.99))
