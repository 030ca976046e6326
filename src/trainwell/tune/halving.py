"""Successive halving by pausing: many trials run a little, the better part goes on, with the full schedule throughout.

Source: Jamieson & Talwalkar 2016. The inside of the long run is used (its schedule is that of the full length),
so a promoted trial continues where it paused and nothing is trained twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.train import Run, Training


@dataclass(frozen=True)
class Paused:
    """A trial between rungs, or at its end.

    Attributes:
        value: Validation metric of its best weights so far, signed so that higher is better; -inf if it diverged.
    """

    number: int
    changes: Mapping[str, Any]
    recipe: Recipe
    training: Training
    rung: int
    value: float

    @property
    def epochs(self) -> float:
        """Epochs done."""
        return self.training.step / self.training.parts.plan.steps_per_epoch


@dataclass(frozen=True)
class RungResult:
    """What a rung ended with: all its trials, best first, and which go on."""

    rung: int
    trials: tuple[Paused, ...]
    promoted: frozenset[int]


def rung_steps(total: int, rungs: int, eta: int) -> list[int]:
    """Lengths of the rungs, the last one the full length: total / eta^k. [optimizer updates]"""
    return [max(1, round(total / eta ** (rungs - 1 - r))) for r in range(rungs)]


def expected_cost(trials: int, rungs: int, eta: int) -> float:
    """Cost of halving in full runs, for so many trials at the first rung."""
    lengths = [eta ** -(rungs - 1 - r) for r in range(rungs)]
    cost, alive, before = 0.0, trials, 0.0
    for length in lengths:
        cost += alive * (length - before)
        alive, before = max(1, math.ceil(alive / eta)), length
    return cost


def halve(
    problem: Problem,
    base: Recipe,
    candidates: Sequence[Mapping[str, Any]],
    *,
    seed: int,
    rungs: int = 3,
    eta: int = 3,
    folder: Path | None = None,
    on_trial: Callable[[Paused], None] | None = None,
    out_of_time: Callable[[], bool] | None = None,
) -> tuple[list[RungResult], list[tuple[Paused, Run]]]:
    """Run candidates through rungs of growing length.

    Args:
        problem: What is to be learned.
        base: The recipe that candidates change.
        candidates: Changes by dotted path, one mapping per trial.
        seed: One seed for all, so that trials share initial weights and batches.
        rungs, eta: The best 1/eta of a rung goes on to the next.
        folder: Where each trial is recorded, as `trial-NNN`.
        on_trial: Told after each trial of each rung.
        out_of_time: Asked before each trial; where true the rung ends with the trials done.

    Returns:
        The rungs, and every trial that ended with its run.
    """
    alive = [
        Paused(n, changes, recipe := base.with_(changes), _begin(problem, recipe, seed, folder, n), 0, -math.inf)
        for n, changes in enumerate(candidates)
    ]
    results: list[RungResult] = []
    ended: dict[int, tuple[Paused, Run]] = {}
    for rung in range(rungs):
        done: list[Paused] = []
        for trial in alive:
            if out_of_time and out_of_time() and (done or rung):
                break
            length = rung_steps(trial.training.total_steps, rungs, eta)[rung]
            trial.training.advance(length)
            if trial.training.status == "running":
                trial.training.evaluate_now()
            looked = Paused(trial.number, trial.changes, trial.recipe, trial.training, rung, _value(trial.training))
            done.append(looked)
            if on_trial:
                on_trial(looked)
        ranked = sorted(done, key=lambda t: -t.value)
        keep = max(1, math.ceil(len(ranked) / eta)) if rung < rungs - 1 else 0
        cut_short = len(done) < len(alive)
        alive = [] if cut_short else [t for t in ranked[:keep] if t.training.status == "running"]
        promoted = frozenset(t.number for t in alive)
        results.append(RungResult(rung, tuple(ranked), promoted))
        for trial in done:
            if trial.number not in promoted:
                ended[trial.number] = (trial, trial.training.finish())
        if not alive:
            break
    return results, list(ended.values())


def _begin(problem: Problem, recipe: Recipe, seed: int, folder: Path | None, number: int) -> Training:
    place = None if folder is None else folder / f"trial-{number:03d}"
    return Training(problem, recipe, seed=seed, folder=place, parent={"step": "search", "trial": number})


def _value(training: Training) -> float:
    best = training.parts.keeper.best
    if training.status == "diverged" or best is None:
        return -math.inf
    keeper = training.parts.keeper
    value = best.loss if keeper.watch == "loss" else best.metrics.get(keeper.watch, math.nan)
    signed = value if keeper.higher_is_better else -value
    return signed if math.isfinite(signed) else -math.inf
