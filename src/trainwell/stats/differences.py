"""The difference between two arms, as a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainwell.stats.intervals import Interval
from trainwell.stats.values import Array

EXACT_PAIRS = 14
"""Up to so many pairs all 2^n sign flips are counted."""

RESAMPLES = 2**EXACT_PAIRS
"""Most rearrangements that are counted; beyond it one fewer are drawn at random."""

TIE = 1e-10
"""Relative size below which two rearrangements are equally extreme."""


@dataclass(frozen=True)
class Difference:
    """`after - before` in units of the metric, with what a verdict needs to know about it.

    `interval` and `p_value` are None where the units do not allow them; `refusal` says why. `n` is the number
    of units of the smaller arm. `standard_error` and `degrees` [of freedom] belong to the t interval.
    """

    mean: float
    interval: Interval | None
    p_value: float | None
    n: int
    method: str
    standard_error: float | None = None
    degrees: float | None = None
    refusal: str | None = None
    diverged_before: int = 0
    diverged_after: int = 0

    @property
    def arms(self) -> tuple[int, int]:
        """Units before and after."""
        return self.n, self.n

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the interval as [low, high] or None."""
        return {
            "mean": self.mean,
            "interval": None if self.interval is None else self.interval.to_list(),
            "p_value": self.p_value,
            "n": self.n,
            "method": self.method,
            "refusal": self.refusal,
            "diverged_before": self.diverged_before,
            "diverged_after": self.diverged_after,
        }


@dataclass(frozen=True)
class PairedResult(Difference):
    """A difference over pairs that share everything (seed, split, batches) but the change."""


@dataclass(frozen=True)
class UnpairedResult(Difference):
    """A difference of two arms whose units have nothing to do with each other."""

    n_before: int = 0
    n_after: int = 0

    @property
    def arms(self) -> tuple[int, int]:
        """Units before and after."""
        return self.n_before, self.n_after


def tail_share(null: Array, observed: float, tolerance: float, *, exact: bool) -> float:
    """Share of rearrangements at least as extreme as the observed one, ties within the tolerance included.

    SciPy counts the same but allows ties only within 100 roundings of the observed number itself, which splits
    ties of sums that cancel.

    Args:
        null: Statistic of every rearrangement, or of those drawn, float (m,).
        observed: Statistic of the data.
        tolerance: Largest difference that is rounding. [units of the statistic]
        exact: Whether `null` holds every rearrangement; if not, the observed one is added.
    """
    hits = int(np.sum(null >= observed - tolerance))
    return hits / len(null) if exact else (hits + 1) / (len(null) + 1)
