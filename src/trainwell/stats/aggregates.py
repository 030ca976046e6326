"""Several problems at once: interquartile mean, average ranks, performance profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from trainwell.errors import UsageError
from trainwell.stats.intervals import Estimate, Interval, mean_interval
from trainwell.stats.values import Values, check_level, count_as_worst, finite_sample, floats, sample

_RESAMPLES = 2000


@dataclass(frozen=True)
class PerformanceProfile:
    """Share of runs better than each threshold, averaged over problems, with pointwise limits.

    `low` and `high` are None where every problem has a single run. `n` counts runs.
    """

    thresholds: tuple[float, ...]
    shares: tuple[float, ...]
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None
    level: float
    n: int


def interquartile_mean(
    scores: Sequence[Values], level: float = 0.95, *, seed: int = 0, resamples: int = _RESAMPLES
) -> Estimate:
    r"""Average the middle half of the scores of all problems, with a stratified bootstrap interval.

    $$ \text{IQM} = \frac{1}{N - 2g} \sum_{i = g + 1}^{N - g} x_{(i)},\qquad g = \lfloor N/4 \rfloor $$

    Runs are resampled within each problem, so the interval is about other runs on the same problems.

    Args:
        scores: Per problem the scores of its runs, on one scale for all problems, finite.
        level: Of the percentile interval. [0 to 1]
        seed: Of the resampling.
        resamples: Number of resamples.

    Returns:
        Mean, interval (None where every problem has a single run), n runs in all.

    Raises:
        UsageError: If there is no problem, one without runs, or a score that is not finite.

    Source:
        Agarwal et al. 2021, Deep RL at the edge of the statistical precipice (rliable); scipy.stats.trim_mean.
    """
    problems = [finite_sample(runs, "scores") for runs in _some(scores)]
    check_level(level)
    pooled = np.concatenate(problems)
    mean = float(scipy.stats.trim_mean(pooled, 0.25))
    if all(len(runs) == 1 for runs in problems):
        return Estimate(mean, None, len(pooled))
    rng = np.random.default_rng(seed)
    drawn_RN = np.concatenate([runs[rng.integers(len(runs), size=(resamples, len(runs)))] for runs in problems], axis=1)
    means = scipy.stats.trim_mean(drawn_RN, 0.25, axis=1)
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(mean, Interval(float(low), float(high), level), len(pooled))


def average_ranks(scores: Sequence[Values], higher_is_better: bool, level: float = 0.95) -> tuple[Estimate, ...]:
    """Average the rank of each contender over problems; rank 1 is best, ties share their mean rank.

    Args:
        scores: Per problem one score per contender, in the same order, float (contenders,); diverged is worst.
        higher_is_better: Direction of the scores.
        level: Of the t interval over problems. [0 to 1]

    Returns:
        Per contender the mean rank, its interval, cut at the first and the last rank (None for one problem) [1 to
        contenders], and n problems.

    Raises:
        UsageError: If there is no problem, or the problems differ in the number of contenders.

    Source:
        Demsar 2006, Statistical comparisons of classifiers over multiple data sets; scipy.stats.rankdata.
    """
    rows = [count_as_worst(sample(row, "scores"), higher_is_better=higher_is_better)[0] for row in _some(scores)]
    if len({len(row) for row in rows}) > 1:
        lengths = sorted({len(row) for row in rows})
        raise UsageError(f"`scores` must hold the same contenders for each problem, got {lengths}. Run all.")
    scores_PC = np.stack(rows)
    ranks_PC = scipy.stats.rankdata(-scores_PC if higher_is_better else scores_PC, axis=1)
    found = (mean_interval(np.asarray(ranks, dtype=np.float64), level) for ranks in ranks_PC.T)
    return tuple(_within(estimate, 1.0, float(ranks_PC.shape[1])) for estimate in found)


def _within(estimate: Estimate, least: float, most: float) -> Estimate:
    """An estimate whose interval is cut at the limits of what can be."""
    if estimate.interval is None:
        return estimate
    low, high = max(least, estimate.interval.low), min(most, estimate.interval.high)
    return replace(estimate, interval=replace(estimate.interval, low=low, high=high))


def performance_profile(
    scores: Sequence[Values],
    thresholds: Values,
    higher_is_better: bool,
    level: float = 0.95,
    *,
    seed: int = 0,
    resamples: int = _RESAMPLES,
) -> PerformanceProfile:
    r"""Share of runs that are better than a threshold, for each threshold, averaged over problems.

    $$ \hat F(\tau) = \frac1M \sum_{m=1}^{M} \frac{1}{N_m} \sum_{n=1}^{N_m} 1[x_{mn} \succ \tau] $$

    Args:
        scores: Per problem the scores of its runs, on one scale for all problems; diverged is never better.
        thresholds: Where to look, float (thresholds,). [units of the scores]
        higher_is_better: Direction of the scores.
        level: Of the pointwise limits, by a bootstrap of runs within problems. [0 to 1]
        seed: Of the resampling.
        resamples: Number of resamples.

    Returns:
        Shares [0 to 1] with limits.

    Raises:
        UsageError: If there is no problem, or one without runs.

    Source:
        Agarwal et al. 2021, section 4.2, "run-score distributions".
    """
    at = finite_sample(thresholds, "thresholds")
    check_level(level)
    problems = [sample(runs, "scores") for runs in _some(scores)]
    sign = 1.0 if higher_is_better else -1.0
    # A diverged run beats no threshold, whichever infinity it ended at.
    wins_RT = [np.isfinite(runs)[:, None] & (sign * runs[:, None] > sign * at) for runs in problems]
    shares = np.mean([wins.mean(axis=0) for wins in wins_RT], axis=0)
    n = sum(len(runs) for runs in problems)
    if all(len(runs) == 1 for runs in problems):
        return PerformanceProfile(floats(at), floats(shares), None, None, level, n)
    rng = np.random.default_rng(seed)
    drawn_BT = np.zeros((resamples, len(at)))
    for wins in wins_RT:
        times_BR = rng.multinomial(len(wins), np.full(len(wins), 1 / len(wins)), size=resamples)
        drawn_BT += times_BR @ wins / (len(wins) * len(problems))
    low, high = np.quantile(drawn_BT, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return PerformanceProfile(floats(at), floats(shares), floats(low), floats(high), level, n)


def _some(scores: Sequence[Values]) -> Sequence[Values]:
    if len(scores) == 0:
        raise UsageError("`scores` must hold at least one problem, got none. Pass one list per problem.")
    return scores
