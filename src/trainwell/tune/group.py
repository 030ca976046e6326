"""Some trials trained together through the rungs, as fused stacks that lose the worse part at each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trainwell.data import count
from trainwell.errors import ProblemError, RecipeError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import Evaluation
from trainwell.records.study import Look, LookStatus
from trainwell.train import Callback, Choices, Lane, Together, Training
from trainwell.train.plan import plan_run
from trainwell.tune.rungs import Rungs

# A trial needs the validation split alone, from its first evaluation on, and no look at its gradients.
RECORDING = {"recording.initial": False, "recording.train": False, "recording.gradients_every": 1_000_000}


@dataclass(frozen=True)
class Trial:
    """A point of the space as a recipe of full length, that records no more than a trial needs."""

    number: int
    changes: Mapping[str, Any]
    recipe: Recipe


@dataclass
class Hooks:
    """What a group tells and asks the study.

    Attributes:
        hear: Told of each look, as soon as it is there.
        decide: Given a rung and its looks, says which trials go on.
        stop: Asked at each evaluation; a reason to end everything, or empty.
        reached: Asked with the watched value of a trial at each evaluation; whether that is all that is wanted.
        seconds: Since the study began.
        say: Told in plain words how trials are fused.
    """

    hear: Callable[[Look], None]
    decide: Callable[[int, Sequence[Look]], Iterable[int]]
    stop: Callable[[], str] = lambda: ""
    reached: Callable[[float], bool] = lambda value: False
    seconds: Callable[[], float] = lambda: 0.0
    say: Callable[[str], None] | None = None


@dataclass
class Group:
    """Trials that are trained together.

    Attributes:
        number: Of the group in its study.
        seed: One for all trials, so that they share initial weights and batches.
        first_rung: Where they begin.
        known: Looks of an earlier session by (trial, rung): these are not trained again.
        size: Runs of a stack; measured where None.
        choices: How the runs of earlier groups are trained.
    """

    problem: Problem
    trials: Sequence[Trial]
    rungs: Rungs
    seed: int
    hooks: Hooks
    number: int = 0
    first_rung: int = 0
    worker: str = ""
    known: Mapping[tuple[int, int], Look] = field(default_factory=dict)
    size: int | None = None
    choices: Choices = field(default_factory=Choices)

    def run(self) -> bool:
        """Train through all rungs; returns whether it came to its end."""
        self._prepare()
        alive = list(self.trials)
        last = len(self.rungs) - 1
        for rung in range(self.first_rung, last + 1):
            self._rung = rung
            missing = [trial for trial in alive if (trial.number, rung) not in self._heard]
            if self.rungs.proxy == "own":
                self._lanes.clear()
                self._together.clear()
            self._begin([trial for trial in missing if trial.number not in self._lanes])
            self._advance()
            for trial in missing:
                lane = self._lanes.get(trial.number)
                if lane is not None and (trial.number, rung) not in self._heard:
                    self._hear(self._look(trial, lane))
            looks = [self._heard[t.number, rung] for t in alive if (t.number, rung) in self._heard]
            if len(looks) < len(alive):
                return False
            going = set(self.hooks.decide(rung, looks))
            self._drop([trial for trial in alive if trial.number not in going])
            alive = [trial for trial in alive if trial.number in going]
            if not alive:
                break
        return True

    def _prepare(self) -> None:
        self._heard: dict[tuple[int, int], Look] = dict(self.known)
        self._lanes: dict[int, Lane] = {}
        self._numbers: dict[int, Trial] = {}
        self._targets: dict[int, int] = {}
        self._together: list[Together] = []
        self._rung = self.first_rung

    def _lane(self, recipe: Recipe) -> Lane:
        return Lane(self.problem, recipe, seed=self.seed, callbacks=[_Watcher(self)])

    def _begin(self, trials: Sequence[Trial]) -> None:
        """Make the lanes of trials, and stacks of those that have one length."""
        made: dict[int, list[Lane]] = {}
        for trial in trials:
            if self.hooks.stop():
                return
            try:
                recipe = trial.recipe
                target = self._length(recipe)
                if self.rungs.proxy == "own" and self._rung < len(self.rungs) - 1:
                    recipe = recipe.with_({"steps": target})
                lane = self._lane(recipe)
            except (RecipeError, ProblemError) as error:
                self._hear(self._failed(trial, str(error)))
                continue
            self._lanes[trial.number] = lane
            self._numbers[id(lane)] = trial
            made.setdefault(lane.total_steps, []).append(lane)
        for lanes in made.values():
            together = Together(lanes, size=self.size, listener=self.hooks.say, choices=self.choices)
            self._together.append(together)
            if self.rungs.proxy == "inside":
                self._catch_up(together)

    def _catch_up(self, together: Together) -> None:
        """Look at trials that begin anew where they were looked at before: the best evaluation so far counts."""
        lane = together.lanes[0]
        plan = lane.parts.plan
        for lane in together.lanes:
            self._targets[self._numbers[id(lane)].number] = plan.total_steps
        for steps in self.rungs.steps(plan.total_steps, plan.steps_per_epoch)[self.first_rung : self._rung]:
            together.advance(steps)
            together.evaluate_now()

    def _length(self, recipe: Recipe) -> int:
        """Where a run of a recipe is looked at in this rung. [optimizer updates]"""
        plan = plan_run(recipe, count(self.problem.train))
        return self.rungs.steps(plan.total_steps, plan.steps_per_epoch)[self._rung]

    def _advance(self) -> None:
        """Train all lanes to the rung."""
        own = self.rungs.proxy == "own"
        for number, lane in self._lanes.items():
            self._targets[number] = lane.total_steps if own else self._length(lane.recipe)
        for together in self._together:
            if self.hooks.stop():
                return
            self._best_first(together)
            together.advance(self._targets[self._numbers[id(together.lanes[0])].number])
            together.evaluate_now()

    def _best_first(self, together: Together) -> None:
        """Let the stacks with the best trials go first, so that a search that ends on the way has seen the most."""

        def best(lanes: Sequence[Lane]) -> tuple[float, float]:
            return max((lane.parts.keeper.key for lane in lanes), default=(-math.inf, -math.inf))

        together.stacks.sort(key=lambda stack: best(stack.lanes), reverse=True)
        together.alone.sort(key=lambda lane: best([lane]), reverse=True)

    def _drop(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            lane = self._lanes.pop(trial.number, None)
            if lane is not None and lane.status == "running":
                lane.stop("dropped")
        kept = set(map(id, self._lanes.values()))
        for together in self._together:
            together.gather()
            together.lanes = [lane for lane in together.lanes if id(lane) in kept]
        self._together = [together for together in self._together if together.lanes]

    def _hear(self, look: Look) -> None:
        if look.status != "stopped":
            self._heard[look.trial, look.rung] = look
        self.hooks.hear(look)

    def evaluated(self, training: Training) -> None:
        """Hear a lane that stands at the rung, so that a kill after this moment loses nothing of it."""
        trial = self._numbers[id(training)]
        lane = self._lanes.get(trial.number)
        if lane is None or (trial.number, self._rung) in self._heard:
            return
        self._end_where_reached(trial, lane)
        if lane.step >= self._targets[trial.number] and math.isfinite(lane.recorder.evaluations[-1].loss):
            self._hear(self._look(trial, lane))
        reason = self.hooks.stop()
        if reason:
            for other in self._lanes.values():
                other.stop(reason)

    def _end_where_reached(self, trial: Trial, lane: Lane) -> None:
        """End a trial that has all that is wanted: its best weights are kept, more of its length takes nothing away.

        Only an evaluation counts that the run alone would have too.
        """
        keeper = lane.parts.keeper
        if self.rungs.proxy == "own" or keeper.settings.keep != "best":
            return
        planned = lane.step in lane.parts.plan.evaluation_steps
        if planned and self.hooks.reached(keeper.value(lane.recorder.evaluations[-1])):
            reason, last = "reached the target", len(self.rungs) - 1
            lane.stop(reason)
            self._hear(replace(self._look(trial, lane), rung=last, status="completed", reason=reason))

    def _look(self, trial: Trial, lane: Lane) -> Look:
        keeper = lane.parts.keeper
        best = None if lane.status == "diverged" else keeper.best
        status, reason = self._status(trial, lane)
        return Look(
            trial=trial.number,
            changes=trial.changes,
            rung=self._rung,
            rungs=len(self.rungs),
            steps=lane.step,
            epochs=round(lane.step / lane.parts.plan.steps_per_epoch, 4),
            value=math.nan if best is None else best.loss if keeper.watch == "loss" else best.metrics[keeper.watch],
            loss=math.nan if best is None else best.loss,
            metrics={} if best is None else dict(best.metrics),
            status=status,
            reason=reason,
            group=self.number,
            seed=self.seed,
            seconds=round(self.hooks.seconds(), 3),
            spent=round(lane.clock.seconds, 4),
            worker=self.worker,
            curve=tuple((round(r.epoch, 4), r.loss, keeper.value(r)) for r in lane.recorder.evaluations),
        )

    def _status(self, trial: Trial, lane: Lane) -> tuple[LookStatus, str]:
        if lane.status == "diverged":
            return "diverged", lane.reason
        if lane.parts.keeper.exhausted:
            return "completed", lane.reason  # early stopping is an end of its own, at any rung
        if lane.step >= self._targets[trial.number]:
            return ("completed" if self._rung == len(self.rungs) - 1 else "running"), ""
        return "stopped", lane.reason

    def _failed(self, trial: Trial, reason: str) -> Look:
        return Look(
            trial=trial.number,
            changes=trial.changes,
            rung=self._rung,
            rungs=len(self.rungs),
            steps=0,
            epochs=0.0,
            value=math.nan,
            loss=math.nan,
            status="failed",
            reason=reason,
            group=self.number,
            seed=self.seed,
            seconds=round(self.hooks.seconds(), 3),
            worker=self.worker,
        )


class _Watcher(Callback):
    """Tells a group of the evaluations of its lanes."""

    def __init__(self, group: Group) -> None:
        self.group = group

    def on_evaluation(self, training: Training, rows: Sequence[Evaluation]) -> None:
        """After an evaluation."""
        self.group.evaluated(training)
