"""The lengths at which trials are compared, and how many go on from each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from trainwell.errors import UsageError

Proxy = Literal["inside", "own"]
_FEWEST = 8  # updates of the shortest run; see docs/decisions/tuning.md


@dataclass(frozen=True)
class Rungs:
    """Rising shares of the full length, the last one 1.

    Attributes:
        eta: The best 1/eta of a rung goes on.
        top: So many go on instead, where given.
        proxy: Whether a short run is the inside of the long one, with the schedule of the full length, and continues
            where it paused; or has its own short schedule, and begins anew at each rung.
    """

    shares: tuple[float, ...]
    eta: float = 3.0
    top: int | None = None
    proxy: Proxy = "inside"

    def __len__(self) -> int:
        return len(self.shares)

    def steps(self, total: int, steps_per_epoch: int) -> list[int]:
        """Lengths of the rungs of a run: whole epochs where they are at least one. [optimizer updates]"""
        found = []
        for share in self.shares[:-1]:
            length = share * total
            if length >= steps_per_epoch:
                length = steps_per_epoch * round(length / steps_per_epoch)
            found.append(min(total, max(1, round(length))))
        return [*found, total]

    def keep(self, count: int) -> int:
        """How many of so many go on."""
        if self.top is not None:
            return min(self.top, count)
        return max(1, math.ceil(count / self.eta)) if count else 0

    def cost(self, trials: int) -> float:
        """Cost of so many trials at the first rung. [full runs]"""
        cost, alive, before = 0.0, trials, 0.0
        for share in self.shares:
            cost += alive * (share - (before if self.proxy == "inside" else 0.0))
            alive, before = self.keep(alive), share
        return cost


def usual(steps: int) -> int:
    """How many rungs halving has where nothing is said: four where the shortest run is more than a start, else three.

    Args:
        steps: Full length. [optimizer updates]
    """
    return 4 if steps / 3**3 >= _FEWEST else 3


def halved(eta: float = 3.0, rungs: int = 3, proxy: Proxy = "inside") -> Rungs:
    """Successive halving: lengths 1 / eta^k (Jamieson & Talwalkar 2016).

    Raises:
        UsageError: If eta is not above 1, or there is no rung.
    """
    if not eta > 1:
        raise UsageError(f"`eta` must be above 1, got {eta:g}. Use 3")
    if isinstance(rungs, bool) or not isinstance(rungs, int) or rungs < 1:
        raise UsageError(f"`rungs` must be a whole number of at least 1, got {rungs!r}. Use 3")
    return Rungs(tuple(eta ** -(rungs - 1 - r) for r in range(rungs)), eta, proxy=proxy)


def whole() -> Rungs:
    """Every trial at full length."""
    return Rungs((1.0,))


def evenly(parts: int) -> Rungs:
    """Equal parts of the full length, from each of which all go on."""
    return Rungs(tuple((part + 1) / parts for part in range(parts)), eta=1.0)


def one_epoch(epochs: float, top: int) -> Rungs:
    """One epoch for all, then the full length for the best few: a simple baseline that is hard to beat."""
    return whole() if epochs <= 1 else Rungs((1 / epochs, 1.0), top=top)
