"""Time to a target where some runs never reach it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from trainwell.errors import UsageError
from trainwell.stats.intervals import Interval, t_interval
from trainwell.stats.values import Array, Values, check_level, finite_sample, floats


@dataclass(frozen=True)
class SurvivalCurve:
    """Share of runs that have not reached the target after `times[i]`, with pointwise limits.

    The share is 1 before the first time and constant between times. `median` is the first time at which at most
    half are left, None if that was never seen.
    """

    times: tuple[float, ...]
    survival: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    level: float
    n: int
    reached: int

    @property
    def median(self) -> float | None:
        """First time at which at most half of the runs are left."""
        below = (time for time, share in zip(self.times, self.survival, strict=True) if share <= 0.5)
        return next(below, None)


@dataclass(frozen=True)
class RestrictedMean:
    """Mean time to the target within the horizon; the interval is None where the runs allow none."""

    mean: float
    interval: Interval | None
    n: int
    reached: int
    horizon: float


def kaplan_meier(times: Values, reached: Sequence[bool], level: float = 0.95) -> SurvivalCurve:
    r"""Estimate the share of runs that have not yet reached the target.

    $$ \hat S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right) $$

    Limits are exponential Greenwood (log-log). Where these are undefined they are 1 before the first run got
    there, and 0 and the last defined limit after the last one did.

    Args:
        times: When each run reached the target or was last seen without it, float (n,). [steps or seconds, >= 0]
        reached: Whether it reached the target. A diverged run never will: give it the horizon as its time, for
            the time of its death would count it as a run that merely was not watched longer.
        level: Of the pointwise limits. [0 to 1]

    Returns:
        The curve at the distinct times.

    Raises:
        UsageError: If a time is negative or not finite, or the lengths differ.

    Source:
        Kaplan & Meier 1958; Kalbfleisch & Prentice 2002 for the limits; scipy.stats.ecdf.
    """
    t, done = _observations(times, reached)
    check_level(level)
    curve = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=t[done], right=t[~done])).sf
    with warnings.catch_warnings():  # says that limits are undefined where the share is 0 or 1
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            limits = curve.confidence_interval(level, method="log-log")
    survival = np.asarray(curve.probabilities, dtype=np.float64)
    low = np.where(survival == 1, 1.0, np.where(survival == 0, 0.0, _shares(limits.low)))
    high = np.where(survival == 1, 1.0, _shares(limits.high))
    if survival[-1] == 0:
        high[-1] = high[-2] if len(high) > 1 else 1.0
    return SurvivalCurve(
        times=floats(curve.quantiles),
        survival=floats(survival),
        low=floats(low),
        high=floats(high),
        level=level,
        n=len(t),
        reached=int(done.sum()),
    )


def restricted_mean_time(times: Values, reached: Sequence[bool], horizon: float, level: float = 0.95) -> RestrictedMean:
    r"""Estimate the mean time to the target, every run counting the horizon at most.

    $$ \mu(\tau) = \int_0^\tau \hat S(t)\, dt,\qquad
       \text{se}^2 = \frac{n}{n-1}\sum_{t_i \le \tau} \Bigl(\int_{t_i}^\tau \hat S(t)\, dt\Bigr)^2
       \frac{d_i}{n_i (n_i - d_i)} $$

    and a t interval on n - 1 degrees of freedom. Where every run was watched up to the horizon this is exactly
    `mean_interval` of min(time, horizon), so two arms are then compared by `paired_difference` on those.

    Args:
        times: When each run reached the target or was last seen without it, float (n,). [steps or seconds, >= 0]
        reached: Whether it reached the target. A diverged run never will: give it the horizon as its time.
        horizon: Upper limit tau, stated beforehand. [units of the times, > 0]
        level: Of the interval, which is cut to 0 and the horizon. [0 to 1]

    Returns:
        Mean, interval (None for a single run and where none reached the target), n, how many reached it
        within the horizon.

    Raises:
        UsageError: If the horizon is not positive, or runs without the target end before it with none left to
            tell what comes later; and as `kaplan_meier`.

    Source:
        Royston & Parmar 2013, Restricted mean survival time; Klein & Moeschberger 2003, section 4.5.
        Differs: t quantile and n / (n - 1), for few runs.
    """
    t, done = _observations(times, reached)
    check_level(level)
    if not 0 < horizon < np.inf:
        raise UsageError(f"`horizon` must be positive, got {horizon}. State the longest time that counts.")
    done = done & (t <= horizon)
    if t.max() < horizon and not bool(done[t == t.max()].all()):
        raise UsageError(
            f"`horizon` must not exceed the last time seen, {t.max()}, got {horizon}. "
            "Watch a run longer or choose a shorter horizon."
        )
    events = np.unique(t[done])
    at_risk = np.array([(t >= time).sum() for time in events], dtype=np.float64)
    hits = np.array([(t[done] == time).sum() for time in events], dtype=np.float64)
    survival = np.concatenate([[1.0], np.cumprod(1 - hits / at_risk)])
    areas = survival * np.diff(np.concatenate([[0.0], events, [horizon]]))
    mean, later = float(areas.sum()), np.cumsum(areas[::-1])[::-1][1:]
    m = int(done.sum())
    n = len(t)
    if m == 0 or n == 1:
        return RestrictedMean(mean, None, n, m, float(horizon))
    left = at_risk > hits
    greenwood = np.zeros_like(hits)
    greenwood[left] = hits[left] / (at_risk[left] * (at_risk[left] - hits[left]))
    error = (float(np.sum(later**2 * greenwood)) * n / (n - 1)) ** 0.5
    wide = t_interval(mean, error, n - 1, level)
    interval = Interval(max(0.0, wide.low), min(float(horizon), wide.high), level)
    return RestrictedMean(mean, interval, n, m, float(horizon))


def _observations(times: Values, reached: Sequence[bool]) -> tuple[Array, npt.NDArray[np.bool_]]:
    t, done = finite_sample(times, "times"), np.asarray(reached, dtype=np.bool_)
    if t.min() < 0:
        raise UsageError(f"`times` must not be negative, got {t.min()}. Count from the start of the run.")
    if done.shape != t.shape:
        raise UsageError(f"`reached` must hold one value per time, {len(t)}, got {done.size}. Match them.")
    return t, done


def _shares(limit: Any) -> Array:
    return np.asarray(limit.probabilities, dtype=np.float64)  # scipy-stubs takes the limit for a number
