"""How trials are compared on the way: halving, ASHA, Hyperband, one epoch then the top few, a population, or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from trainwell.errors import UsageError, unknown_name
from trainwell.records.study import Look, StudyRecord
from trainwell.train import Halving
from trainwell.tune.rungs import Proxy, Rungs, evenly, halved, one_epoch, usual, whole

Name = Literal["halving", "asha", "hyperband", "one-epoch", "population", "none"]
# Whether a sampler learns from one group for the next; "in large groups" where more runs of a group cost little.
Learning = Literal["no", "begins", "goes on", "in large groups"]
NAMES: tuple[str, ...] = get_args(Name)
_MOST = 512  # trials of one group
_EXCHANGES = 10  # parts of a run of a population
_POOLED = 64  # trials of a group that is compared with those of earlier groups
_FIRST, _LATER = 27, 9  # trials of the first and of later groups of a sampler that learns; see docs/decisions/tuning.md


@dataclass(frozen=True)
class Scheme:
    """A way to spend short runs before long ones.

    Attributes:
        rungs: Lengths at which trials are compared.
        pooled: Whether a trial is compared with all trials of the study at its rung (ASHA; Li et al. 2020), or with
            those of its group alone (Jamieson & Talwalkar 2016).
        brackets: Whether groups begin at each of the rungs in turn (Hyperband; Li et al. 2018).
    """

    name: Name
    rungs: Rungs
    pooled: bool = False
    brackets: bool = False

    @property
    def population(self) -> bool:
        """Whether trials learn from each other at the rungs and all go on (Jaderberg et al. 2017)."""
        return self.name == "population"

    def first_rung(self, group: int) -> int:
        """Where a group begins."""
        return group % len(self.rungs) if self.brackets else 0

    def size(self, group: int, *, learning: Learning, shared: bool) -> int:
        """The most trials of a group.

        Args:
            learning: Whether the sampler learns from one group for the next: not at all; or begins to; or has begun.
            shared: Whether several workers share the groups.
        """
        if self.brackets:
            top = len(self.rungs) - 1
            left = top - self.first_rung(group)
            return math.ceil((top + 1) / (left + 1) * self.rungs.eta**left)
        if learning != "no" and self.rungs.top is None and not self.population:
            return {"begins": _FIRST, "goes on": _LATER}.get(learning, _POOLED)
        return _POOLED if self.pooled or learning != "no" or shared else _MOST

    def cost(self, trials: int, first_rung: int = 0) -> float:
        """Cost of a group of so many trials. [full runs]"""
        if first_rung == 0:
            return self.rungs.cost(trials)
        later = Rungs(self.rungs.shares[first_rung:], self.rungs.eta, self.rungs.top, self.rungs.proxy)
        return later.cost(trials)

    def cost_after(self, trials: int, rung: int) -> float:
        """Cost of so many trials from a rung, which they have reached, to the end. [full runs]"""
        done = self.rungs.shares[rung] if self.rungs.proxy == "inside" else 0.0
        return self.cost(trials, rung + 1) - trials * done

    def going_on(self, rung: int, looks: Sequence[Look], record: StudyRecord) -> tuple[int, ...]:
        """Which trials of a group go on from a rung; none from the last."""
        if rung >= len(self.rungs) - 1:
            return ()
        if self.population:
            return tuple(look.trial for look in looks)
        ranked = [look.trial for look in record.ranked(looks) if look.counts]
        if not self.pooled:
            return tuple(ranked[: self.rungs.keep(len(looks))])
        pool = [look.trial for look in record.at(rung)]
        best = set(pool[: self.rungs.keep(len(pool))])
        return tuple(trial for trial in ranked if trial in best)


def scheme_of(
    halving: Halving | str | bool | None, *, epochs: float, steps: int, proxy: Proxy = "inside", top: int = 5
) -> Scheme:
    """The scheme that a person means.

    Args:
        halving: A name, `trainwell.halving(eta, rungs)`, or True and False for halving and none.
        epochs, steps: Length of a full run; steps in optimizer updates.
        proxy: Whether short runs are the inside of long ones or have their own short schedule.
        top: How many go on after one epoch.

    Raises:
        UsageError: If the name or the proxy is unknown.
    """
    if proxy not in get_args(Proxy):
        raise UsageError(f"`proxy`: {unknown_name('kind of short run', str(proxy), get_args(Proxy))}")
    if isinstance(halving, Halving):
        return Scheme("halving", halved(halving.eta, halving.rungs, proxy))
    name: Any = halving
    if halving is None or isinstance(halving, bool):
        name = "halving" if halving else "none"
    if name == "none":
        return Scheme("none", whole())
    if name == "one-epoch":
        return Scheme("one-epoch", one_epoch(epochs, top))
    if name == "population":
        if proxy != "inside":
            raise UsageError("`proxy` must be inside for a population, got own. Its members go on where they stand")
        return Scheme("population", evenly(max(1, min(_EXCHANGES, round(epochs)))))
    if name in ("halving", "asha", "hyperband"):
        rungs = halved(rungs=usual(steps), proxy=proxy)
        return Scheme(name, rungs, pooled=name == "asha", brackets=name == "hyperband")
    raise UsageError(f"`halving`: {unknown_name('scheme', str(name), NAMES)}")
