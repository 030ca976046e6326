"""The choice among the top few, on fresh seeds; and what the winner is worth, on seeds that took no part in it."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import Evaluation
from trainwell.records.study import Confirmation, Finalist, Look, Stage
from trainwell.seeding import master_seeds
from trainwell.train import Callback, Lane, Together, Training

SEARCH, SELECTION, MEASURE = 1, 4, 5  # purposes of seeds: no two share any


@dataclass
class Confirming:
    """Trains finalists at full length on fresh seeds.

    Attributes:
        seed: Master seed of the study.
        folder: Of the study; the runs go to `runs/` in it.
        write: Takes each confirmation as soon as it is there.
        stop: Asked at each evaluation; a reason to end, or empty.
        known: Confirmations of an earlier session.
    """

    problem: Problem
    base: Recipe
    seed: int
    folder: Path | None
    write: Callable[[Confirmation], None]
    stop: Callable[[], str]
    seconds: Callable[[], float]
    known: Mapping[tuple[Stage, int, int], Confirmation]
    say: Callable[[str], None] | None = None
    steps: int = 0

    def select(self, finalists: Sequence[Look], seeds: int, *, higher_is_better: bool) -> tuple[Finalist, ...]:
        """Train each finalist on some seeds; the best mean first, those that diverged or did not end last."""
        numbers = master_seeds(self.seed, SELECTION, seeds)
        found = self._train("selection", finalists, numbers)
        rows = []
        for look in finalists:
            values = tuple(found[look.trial, s].value for s in numbers if (look.trial, s) in found)
            finite = len(values) == seeds and all(map(math.isfinite, values))
            rows.append(Finalist(look.trial, look.changes, look.value, values, _mean(values) if finite else None))
        sign = -1.0 if higher_is_better else 1.0
        return tuple(sorted(rows, key=lambda f: math.inf if f.mean is None else sign * f.mean))

    def measure(self, winner: Finalist, seeds: int) -> tuple[float, ...]:
        """Values of the winner on seeds of their own."""
        look = _look_of(winner)
        numbers = master_seeds(self.seed, MEASURE, seeds)
        found = self._train("measure", [look], numbers)
        return tuple(found[winner.trial, s].value for s in numbers if (winner.trial, s) in found)

    def _train(
        self, stage: Stage, finalists: Iterable[Look], seeds: Sequence[int]
    ) -> dict[tuple[int, int], Confirmation]:
        found = {(look.trial, s): self.known[stage, look.trial, s]
                 for look in finalists for s in seeds if (stage, look.trial, s) in self.known}  # fmt: skip
        lanes: dict[int, list[tuple[Look, int, Lane]]] = {}
        watcher = _Stopper(self.stop)
        for look in finalists:
            for seed in seeds:
                if (look.trial, seed) in found:
                    continue
                place = self._place(stage, look.trial, seed)
                parent = {"step": stage, "trial": look.trial}
                recipe = self.base.with_(look.changes)
                lane = Lane(self.problem, recipe, seed=seed, folder=place, callbacks=[watcher], parent=parent)
                lanes.setdefault(lane.total_steps, []).append((look, seed, lane))
        for same in lanes.values():
            together = Together([lane for _, _, lane in same], listener=self.say)
            together.advance()
            for look, seed, lane in same:
                confirmation = self._confirmed(stage, look.trial, seed, lane)
                if confirmation.status != "stopped" or lane.parts.keeper.exhausted:
                    self.write(confirmation)
                    found[look.trial, seed] = confirmation
        return found

    def _confirmed(self, stage: Stage, trial: int, seed: int, lane: Lane) -> Confirmation:
        run = lane.finish()
        self.steps += lane.step
        best = run.info.best
        watch = lane.parts.keeper.watch
        value = math.nan if best is None or run.diverged else best.loss if watch == "loss" else best.metrics[watch]
        return Confirmation(
            stage=stage,
            trial=trial,
            seed=seed,
            value=value,
            loss=math.nan if best is None or run.diverged else best.loss,
            status=run.status,
            folder="" if run.folder is None or self.folder is None else str(run.folder.relative_to(self.folder)),
            seconds=round(self.seconds(), 3),
        )

    def _place(self, stage: Stage, trial: int, seed: int) -> Path | None:
        if self.folder is None:
            return None
        place = self.folder / "runs" / f"trial-{trial:04d}-{stage}-seed-{seed}"
        if place.exists():  # what a kill left of it
            shutil.rmtree(place)
        return place


class _Stopper(Callback):
    """Ends a run where there is a reason."""

    def __init__(self, stop: Callable[[], str]) -> None:
        self._stop = stop

    def on_evaluation(self, training: Training, rows: Sequence[Evaluation]) -> None:
        """After an evaluation."""
        reason = self._stop()
        if reason:
            training.stop(reason)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _look_of(finalist: Finalist) -> Look:
    return Look(finalist.trial, finalist.changes, 0, 1, 0, 0.0, finalist.searched, math.nan, "completed")
