"""Intervals for one sample: of a mean, of any statistic by resampling, of a share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from trainwell.errors import UsageError
from trainwell.stats.values import Values, check_level, finite_sample, spread


@dataclass(frozen=True)
class Interval:
    """A confidence interval: both limits in units of the estimate, and its level in (0, 1)."""

    low: float
    high: float
    level: float = 0.95

    def excludes(self, value: float) -> bool:
        """Whether the value lies strictly outside."""
        return value < self.low or value > self.high

    def to_list(self) -> list[float]:
        """[low, high]."""
        return [self.low, self.high]


@dataclass(frozen=True)
class BootstrapInterval(Interval):
    """An interval by resampling, and how it was made: "BCa", or "percentile" where BCa is undefined."""

    method: str = "BCa"


@dataclass(frozen=True)
class Estimate:
    """A mean (or share) of n units with its interval; None where the units allow no interval."""

    mean: float
    interval: Interval | None
    n: int

    def to_dict(self) -> dict[str, Any]:
        """`{"mean", "interval": [low, high] or None, "n"}`."""
        return {
            "mean": self.mean,
            "interval": None if self.interval is None else self.interval.to_list(),
            "n": self.n,
        }


def t_interval(mean: float, standard_error: float, degrees: float, level: float) -> Interval:
    """Mean plus and minus the t quantile times the standard error."""
    half = float(scipy.stats.t.ppf(0.5 + level / 2, degrees)) * standard_error if standard_error else 0.0
    return Interval(mean - half, mean + half, level)


def mean_interval(values: Values, level: float = 0.95) -> Estimate:
    r"""Estimate a mean with its t interval.

    $$ \bar x \pm t_{(1 + \text{level})/2,\ n - 1}\ s / \sqrt n $$

    Args:
        values: One number per independent unit, float (n,), finite.
        level: Share of such intervals that hold the true mean. [0 to 1]

    Returns:
        Mean, interval and n. One value has no interval (None); equal values have one of width zero.

    Raises:
        UsageError: If a value is not finite or there is none.

    Source:
        Student 1908, The probable error of a mean.
    """
    x, level = finite_sample(values, "values"), check_level(level)
    mean, n = float(x.mean()), len(x)
    if n == 1:
        return Estimate(mean, None, n)
    return Estimate(mean, t_interval(mean, spread(x) / n**0.5, n - 1, level), n)


def bootstrap_interval(
    values: Values,
    statistic: Callable[..., Any] = np.mean,
    level: float = 0.95,
    *,
    seed: int = 0,
    resamples: int = 9999,
) -> BootstrapInterval | None:
    r"""Interval of any statistic of one sample by the bias-corrected and accelerated bootstrap.

    $$ \alpha_i = \Phi\!\left(z_0 + \frac{z_0 + z_i}{1 - a (z_0 + z_i)}\right),\qquad
       [\hat\theta^*_{(\alpha_1)}, \hat\theta^*_{(\alpha_2)}] $$

    With few units it is too narrow: measured on normal samples, nominal 95 % covers about 88 % at n = 8
    and 91 % at n = 20. For means of few units use `mean_interval`.

    Args:
        values: One number per independent unit, float (n,), finite.
        statistic: From an array to a number; taken as vectorised where it has an argument `axis`.
        level: Nominal coverage. [0 to 1]
        seed: Of the resampling; the same seed gives the same interval.
        resamples: Number of resamples.

    Returns:
        The interval, its `method` "percentile" where BCa is undefined (equal values, a statistic that
        resampling does not move); None for a single value.

    Raises:
        UsageError: If a value is not finite or there is none.

    Source:
        Efron 1987, Better bootstrap confidence intervals; scipy.stats.bootstrap.
    """
    x, level = finite_sample(values, "values"), check_level(level)
    if len(x) == 1:
        return None
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():  # BCa says with a warning and NaN that it is undefined
            warnings.simplefilter("ignore")
            limits = scipy.stats.bootstrap(
                (x,),
                statistic,
                n_resamples=resamples,
                confidence_level=level,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        low, high = float(limits.low), float(limits.high)
        if np.isfinite(low) and np.isfinite(high):
            return BootstrapInterval(low, high, level, method)
    raise UsageError("`statistic` must be finite on resampled values, got NaN. Use another statistic.")


def binomial_interval(successes: int, n: int, level: float = 0.95) -> Estimate:
    r"""Estimate a share with Wilson's score interval: is an accuracy better than chance?

    $$ \frac{\hat p + z^2/2n \pm z \sqrt{\hat p (1 - \hat p)/n + z^2/4n^2}}{1 + z^2/n} $$

    Args:
        successes: Units that succeeded. [0 to n]
        n: Independent units (examples, runs). [>= 1]
        level: Nominal coverage. [0 to 1]

    Returns:
        Share, interval within [0, 1] that has width even for no or only successes, and n.

    Raises:
        UsageError: If `successes` is not within 0 and n, or n < 1.

    Source:
        Wilson 1927, Probable inference; scipy.stats.binomtest.
    """
    check_level(level)
    if n < 1:
        raise UsageError(f"`n` must be at least 1, got {n}. Count the units.")
    if not 0 <= successes <= n:
        raise UsageError(f"`successes` must lie between 0 and n = {n}, got {successes}. Count again.")
    limits = scipy.stats.binomtest(int(successes), int(n)).proportion_ci(level, method="wilson")
    return Estimate(successes / n, Interval(float(limits.low), float(limits.high), level), int(n))
