"""How good the best of k trials is expected to be, for every k up to the trials at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainwell.errors import UsageError
from trainwell.stats.values import Array, Values, count_as_worst, count_diverged, sample

TRIALS_PER_K = 5
"""Below so many trials per k the estimate rests on a handful of best trials."""


@dataclass(frozen=True)
class BestOfK:
    """Expected best of k trials, estimated from n trials.

    `standard_error` is None for k = n, where no trial can be left out. `enough_trials` is n >= 5 k.
    """

    k: int
    mean: float
    standard_error: float | None
    n: int
    diverged: int = 0

    @property
    def enough_trials(self) -> bool:
        """Whether there are at least 5 trials per k."""
        return self.n >= TRIALS_PER_K * self.k


def expected_best_of_k(values: Values, k: int, *, higher_is_better: bool, worst: float | None = None) -> BestOfK:
    r"""Estimate the expected best of k independent trials without bias from n >= k of them.

    $$ \hat\theta_k = \sum_{i=k}^{n} \frac{\binom{i-1}{k-1}}{\binom nk}\, x_{(i)},\qquad
       \text{se}^2 = \frac{n-1}{n} \sum_j (\hat\theta_{k,-j} - \bar\theta_{k,-})^2 $$

    for values sorted from worst to best: the mean over all subsets of size k of their best, and its jackknife
    error. Only for independent trials (random or quasi-random search), not for those of an adaptive sampler.

    Args:
        values: Final metric of each trial, float (n,); diverged ones count as worst.
        k: Size of the search asked about. [1 to n]
        higher_is_better: Direction of the metric.
        worst: What a diverged trial counts as, unless a finite one is worse. [units of the metric]

    Returns:
        Expected best with jackknife error, n, and how many trials diverged.

    Raises:
        UsageError: If k < 1, there are fewer than k trials, or all diverged and `worst` is not stated.

    Source:
        Dodge et al. 2019, Show your work; Tang et al. 2020 for the unbiased weights. Differs: jackknife error.
    """
    best_last, diverged = _worst_to_best(values, higher_is_better, worst)
    n = len(best_last)
    if not 1 <= k <= n:
        raise UsageError(f"`k` must lie between 1 and the {n} trials at hand, got {k}. Run more trials.")
    return _best_of_k(best_last, k, diverged)


def tuning_curve(values: Values, *, higher_is_better: bool, worst: float | None = None) -> tuple[BestOfK, ...]:
    """Estimate the expected best of k trials for every k from 1 to n; see `expected_best_of_k`.

    Args:
        values: Final metric of each independent trial, float (n,); diverged ones count as worst.
        higher_is_better: Direction of the metric.
        worst: What a diverged trial counts as, unless a finite one is worse. [units of the metric]

    Returns:
        One estimate per k, the last being the best trial itself.

    Raises:
        UsageError: If there is no trial, or all diverged and `worst` is not stated.

    Source:
        As `expected_best_of_k`.
    """
    best_last, diverged = _worst_to_best(values, higher_is_better, worst)
    return tuple(_best_of_k(best_last, k, diverged) for k in range(1, len(best_last) + 1))


def _worst_to_best(values: Values, higher_is_better: bool, worst: float | None) -> tuple[Array, int]:
    x, diverged = sample(values, "values"), count_diverged(values)
    if diverged == len(x) and worst is None:
        raise UsageError(f"`values` must hold a finite trial, got {diverged} diverged ones. State `worst`.")
    (x,) = count_as_worst(x, higher_is_better=higher_is_better, worst=worst)
    return (np.sort(x) if higher_is_better else -np.sort(-x)), diverged


def _best_of_k(x: Array, k: int, diverged: int) -> BestOfK:
    n = len(x)
    mean = float(_weights(n, k) @ x)
    if n == k:
        return BestOfK(k, mean, None, n, diverged)
    w = _weights(n - 1, k)
    # Without trial j those below it keep their rank and those above it move down by one.
    below = np.concatenate([[0.0], np.cumsum(w[:-1] * x[:-2]), [w @ x[:-1]]])
    above = np.concatenate([np.cumsum((w * x[1:])[::-1])[::-1], [0.0]])
    left_out = below + above
    error = float(np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2)))
    return BestOfK(k, mean, error, n, diverged)


def _weights(n: int, k: int) -> Array:
    """C(i - 1, k - 1) / C(n, k) for i = 1 .. n, float64 (n,), by the ratio of neighbours."""
    i = np.arange(n, k, -1, dtype=np.float64)  # from weight i to weight i - 1
    falling = k / n * np.concatenate([[1.0], np.cumprod((i - k) / (i - 1))])
    return np.concatenate([np.zeros(k - 1), falling[::-1]])
