"""What a planned comparison of independent units (studies) can see; the unpaired partner of `power`."""

from __future__ import annotations

import functools
import itertools
import math
from bisect import bisect_left

import numpy as np
import scipy

from trainwell.errors import UsageError
from trainwell.stats.differences import RESAMPLES
from trainwell.stats.values import FEWEST_UNPAIRED, Array, check_level, unpaired_units_allow_p

_SIMULATED_UP_TO = 6
_ALL_COUNTED_UP_TO = next(n for n in range(1, 100) if math.comb(2 * n + 2, n + 1) >= RESAMPLES)
_SAMPLES = 4000
_MOST_UNITS = 10_000


def power_unpaired(n: int, sd: float, effect: float, alpha: float = 0.05) -> float:
    r"""Predict how often `verdict` decides about a true difference of two arms of n independent units.

    $$ 1 - \beta = P(|T_{2n - 2}(\lambda)| > t_{1 - \alpha'/2,\ 2n - 2}),\qquad
       \lambda = |\Delta| \sqrt{n/2}\, / \sigma $$

    for n >= 7, with alpha' the largest attainable level below alpha of the permutation test. For 4 to 6 units the
    studentised permutation test and Welch's interval are simulated instead (4000 normal samples of a fixed seed,
    standard error 0.8 points at most).

    Args:
        n: Units in each arm. [>= 1]
        sd: Standard deviation sigma within an arm. [units of the metric, >= 0]
        effect: True difference Delta. [units of the metric]
        alpha: Rate of false alarms. [0 to 1]

    Returns:
        Probability of a verdict "better" or "worse"; 0 below 4 units, where none is allowed.

    Raises:
        UsageError: If n < 1, sd < 0 or alpha is not within 0 and 1.

    Source:
        Cohen 1988, Statistical power analysis; noncentral t of scipy.stats.nct. Differs: the attainable level.
    """
    check_level(alpha, "alpha")
    if n < 1:
        raise UsageError(f"`n` must be at least 1, got {n}. Plan some units.")
    if not 0 <= sd < math.inf:
        raise UsageError(f"`sd` must be finite and not negative, got {sd}. Estimate it from a pilot.")
    attainable = _attainable_level(n, alpha)
    if not unpaired_units_allow_p(n, n) or attainable <= 0:
        return 0.0
    if sd == 0:
        return float(effect != 0)
    size = abs(effect) / sd
    if n <= _SIMULATED_UP_TO:
        return _simulated_power(n, size, alpha)
    degrees, shift = 2 * n - 2, size * (n / 2) ** 0.5
    limit = float(scipy.stats.t.isf(attainable / 2, degrees))
    if shift > limit + 40:  # where nct loses its digits, nothing is left to miss
        return 1.0
    return min(1.0, float(scipy.stats.nct.sf(limit, degrees, shift) + scipy.stats.nct.cdf(-limit, degrees, shift)))


def detectable_difference_unpaired(n: int, sd: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Find the true difference of two arms that `verdict` decides about with the stated power.

    Args:
        n: Units in each arm. [>= 4]
        sd: Standard deviation within an arm. [units of the metric, >= 0]
        power: Probability of deciding. [alpha to 1]
        alpha: Rate of false alarms. [0 to 1]

    Returns:
        Smallest such difference, positive. [units of the metric]

    Raises:
        UsageError: If there are fewer than 4 units, or the power is not between alpha and 1.

    Source:
        Inverse of `power_unpaired`.
    """
    if not alpha < power < 1:
        raise UsageError(f"`power` must lie between alpha = {alpha} and 1, got {power}. Use for example 0.8.")
    if not unpaired_units_allow_p(n, n) or _attainable_level(n, alpha) <= 0:
        raise UsageError(f"`n` must be at least {FEWEST_UNPAIRED} for a decision at {alpha}, got {n}. Plan more units.")
    if sd == 0:
        return 0.0
    highest = 60.0 / n**0.5
    return sd * float(
        scipy.optimize.brentq(lambda size: power_unpaired(n, 1.0, size, alpha) - power, 0.0, highest, xtol=1e-4)
    )


def units_needed_unpaired(sd: float, effect: float, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """Count the units in each arm that would decide about a true difference with the stated power.

    Args:
        sd: Standard deviation within an arm. [units of the metric, >= 0]
        effect: True difference. [units of the metric]
        power: Probability of deciding. [alpha to 1]
        alpha: Rate of false alarms. [0 to 1]

    Returns:
        Smallest n, at least 4; None for no effect, or where more than 10 000 units would be needed.

    Source:
        Inverse of `power_unpaired`.
    """
    if effect == 0 or power_unpaired(_MOST_UNITS, sd, effect, alpha) < power:
        return None
    counts = range(FEWEST_UNPAIRED, _MOST_UNITS)
    return counts.start + bisect_left(counts, True, key=lambda n: power_unpaired(n, sd, effect, alpha) >= power)


def _attainable_level(n: int, alpha: float) -> float:
    if n > _ALL_COUNTED_UP_TO:
        return alpha
    regroupings = math.comb(2 * n, n)
    pairs = regroupings // 2  # a regrouping and its mirror are equally extreme
    return float((math.ceil(alpha * pairs) - 1) / pairs)


@functools.lru_cache(maxsize=4096)
def _simulated_power(n: int, size: float, alpha: float) -> float:
    shift = np.concatenate([np.zeros(n), np.full(n, min(size, 1e6))])
    x_SU = _noise(n) + shift
    t_SR = _welch_t(x_SU, _groupings(n))
    observed = t_SR[:, 0]
    p = (t_SR >= observed[:, None] * (1 - 1e-9)).mean(axis=1)
    parts = [x_SU[:, :n].var(axis=1, ddof=1) / n, x_SU[:, n:].var(axis=1, ddof=1) / n]
    degrees = (parts[0] + parts[1]) ** 2 / ((parts[0] ** 2 + parts[1] ** 2) / (n - 1))
    return float(np.mean((p < alpha) & (observed > scipy.stats.t.isf(alpha / 2, degrees))))


def _welch_t(x_SU: Array, groups_UR: Array) -> Array:
    """|t| of every sample and regrouping, float (S, R)."""
    n = groups_UR[:, 0].sum()
    first, second = x_SU @ groups_UR, x_SU @ (1 - groups_UR)
    squares_first, squares_second = x_SU**2 @ groups_UR, x_SU**2 @ (1 - groups_UR)
    variance = (squares_first - first**2 / n + squares_second - second**2 / n) / (n * (n - 1))
    return np.asarray(np.abs(first - second) / n / np.sqrt(np.maximum(variance, 1e-24)))


@functools.lru_cache(maxsize=4)
def _groupings(n: int) -> Array:
    """All regroupings of 2n units that keep the first one in the first group, the given one first, float (2n, R)."""
    groups = [(0, *rest) for rest in itertools.combinations(range(1, 2 * n), n - 1)]
    members = np.zeros((2 * n, len(groups)))
    for column, group in enumerate(groups):
        members[list(group), column] = 1.0
    return members


@functools.lru_cache(maxsize=4)
def _noise(n: int) -> Array:
    half = np.random.default_rng(0).normal(size=(_SAMPLES // 2, 2 * n))
    return np.concatenate([half, -half])  # so that an effect and its negative have the same power
