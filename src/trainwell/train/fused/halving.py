"""Successive halving inside the stacks: at each rung the better part goes on, and the others leave the tensors.

Source: Jamieson & Talwalkar 2016. Each run keeps the schedule of its full length, so a run that goes on continues where
it was; a decision at a rung compares runs in the middle of their schedules.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from trainwell.errors import UsageError
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.together import Together
from trainwell.train.training import Training


@dataclass(frozen=True)
class Standing:
    """A run at a rung.

    Attributes:
        number: Place among the runs of `fit_many`, from 0.
        value: Validation value of its best weights so far, signed so that higher is better; -inf if it diverged.
    """

    number: int
    training: Training
    value: float


@dataclass(frozen=True)
class Rung:
    """What a rung ended with.

    Attributes:
        number: From 0.
        steps: Updates at which it was held, of the longest run.
        standings: Best first.
        promoted: Numbers of the runs that go on.
    """

    number: int
    steps: int
    standings: tuple[Standing, ...]
    promoted: frozenset[int]


@dataclass(frozen=True)
class Halving:
    """Rungs of growing length; the best 1/eta of each goes on.

    Attributes:
        eta: Share that goes on is 1/eta. [> 1]
        rungs: Number of rungs; the last is the full length.
        on_rung: Told after each rung.
        out_of_time: Asked after each rung; where true, all runs end there.
    """

    eta: float = 3
    rungs: int = 3
    on_rung: Callable[[Rung], None] | None = None
    out_of_time: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        if not self.eta > 1:
            raise UsageError(f"`eta` must be above 1, got {self.eta:g}. Use 3")
        if self.rungs < 1:
            raise UsageError(f"`rungs` must be at least 1, got {self.rungs}. Use 3")

    def steps(self, total: int) -> list[int]:
        """Lengths of the rungs of a run, the last one the full length: total / eta^k. [optimizer updates]"""
        return [max(1, round(total / self.eta ** (self.rungs - 1 - r))) for r in range(self.rungs)]

    def cost(self, runs: int) -> float:
        """Cost of so many runs of one length through the rungs. [full runs]"""
        cost, alive, before = 0.0, runs, 0.0
        for rung in range(self.rungs):
            length = self.eta ** -(self.rungs - 1 - rung)
            cost += alive * (length - before)
            alive, before = max(1, math.ceil(alive / self.eta)), length
        return cost


halving = Halving


def halve(together: Together, plan: Halving) -> list[Rung]:
    """Train runs through the rungs; runs that drop out are stopped, not finished."""
    numbers = {id(lane): number for number, lane in enumerate(together.lanes)}
    total = max(lane.total_steps for lane in together.lanes)
    alive: list[Lane] = list(together.lanes)
    found: list[Rung] = []
    for rung, steps in enumerate(plan.steps(total)):
        together.advance(steps)
        together.evaluate_now()
        ranked = sorted(alive, key=lambda lane: -signed_value(lane))
        keep = max(1, math.ceil(len(ranked) / plan.eta)) if rung < plan.rungs - 1 else 0
        over = plan.out_of_time is not None and plan.out_of_time()
        going = [] if over else [lane for lane in ranked[:keep] if lane.status == "running"]
        place = {id(lane): n for n, lane in enumerate(ranked, 1)}
        for lane in alive:
            if lane not in going and lane.status == "running":
                why = "out of time" if over else f"place {place[id(lane)]} of {len(ranked)}"
                together.drop([lane], f"halving: {why} at rung {rung + 1} of {plan.rungs}")
        together.gather()
        standings = tuple(Standing(numbers[id(lane)], lane, signed_value(lane)) for lane in ranked)
        found.append(Rung(rung, steps, standings, frozenset(numbers[id(lane)] for lane in going)))
        if plan.on_rung is not None:
            plan.on_rung(found[-1])
        alive = going
        if not alive:
            break
    return found


def signed_value(training: Training) -> float:
    """The watched validation value of the best weights, signed so that higher is better; -inf if there is none."""
    keeper = training.parts.keeper
    if training.status == "diverged" or keeper.best is None:
        return -math.inf
    value = keeper.best.loss if keeper.watch == "loss" else keeper.best.metrics.get(keeper.watch, math.nan)
    signed = value if keeper.higher_is_better else -value
    return signed if math.isfinite(signed) else -math.inf
