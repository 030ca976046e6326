"""Running a comparison: every trial of every study, then the winners on fresh seeds; a journal survives a kill."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from trainwell.compare.journal import note_other_code
from trainwell.compare.results import by_study, winner_of
from trainwell.compare.speed import seconds_per_step
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records.comparison import ComparisonFolder, ContenderFacts, ProtocolFacts, RaceRun, Role
from trainwell.seeding import stream_seed
from trainwell.space import Space
from trainwell.train import Choices, Run, fit_many
from trainwell.train.test_split import measure_test
from trainwell.tune import draw

# A race is judged on held-out data alone.
_RECORDING = {"recording.train": False, "recording.findings": False, "recording.gradients_every": 1_000_000}
WAVE_SECONDS = 60.0  # what a kill may cost

Listener = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """One run that is to be trained."""

    problem: str
    horizon: int
    contender: str
    study: int
    role: Role
    number: int
    seed: int
    changes: Mapping[str, Any]
    recipe: Recipe

    @property
    def key(self) -> tuple[str, int, str, int, str, int]:
        """As `RaceRun.key`."""
        return self.problem, self.horizon, self.contender, self.study, self.role, self.number


@dataclass
class Race:
    """A comparison in progress.

    Attributes:
        runs: Those done, in this session and in those before.
        paces: Seconds that a run took for each unit of its length, by problem: they size the next wave.
        speeds: Seconds an update, by what decides it; only where every run gets equal seconds.
    """

    protocol: ProtocolFacts
    problems: Mapping[str, Problem]
    folder: ComparisonFolder
    listener: Listener
    workers: int | None
    runs: list[RaceRun]
    paces: dict[str, float] = field(default_factory=dict)
    speeds: dict[str, float] = field(default_factory=dict)
    began: bool = False
    _choices: Choices = field(default_factory=Choices)

    def run(self) -> None:
        """Train everything that is not in the journal yet.

        Raises:
            KeyboardInterrupt: After everything of the waves done was written.
        """
        for name in self.problems:
            for horizon in self.protocol.horizons:
                for role in ("trial", "final"):
                    self._phase(name, horizon, role)

    def _phase(self, problem: str, horizon: int, role: Role) -> None:
        done = {run.key for run in self.runs}
        jobs = [job for job in self._jobs(problem, horizon, role) if job.key not in done]
        if not jobs:
            return
        total, said = len(jobs), 0
        per_study = max(1, len(jobs) // max(1, len({job.study for job in jobs})))
        while jobs:
            pace = self.paces.get(problem)
            studies = 1 if pace is None else max(1, int(WAVE_SECONDS / (pace * horizon * per_study)))
            if len(jobs) <= 1.5 * studies * per_study:
                wave, jobs = jobs, []
            else:
                wave, jobs = jobs[: studies * per_study], jobs[studies * per_study :]
            begin = time.monotonic()
            self._train(wave)
            self.paces[problem] = (time.monotonic() - begin) / (len(wave) * horizon)
            said += len(wave)
            what = "trials" if role == "trial" else "winners on fresh seeds"
            self.listener(f"{problem}, {self.protocol.length(horizon)}: {said} of {total} {what}")

    def _jobs(self, problem: str, horizon: int, role: Role) -> Iterator[Job]:
        """All runs of a phase, study by study, so that a wave holds whole studies of all contenders."""
        grouped = by_study(self.runs, problem, horizon, "trial")
        for study in range(self.protocol.studies):
            for order, contender in enumerate(self.protocol.contenders):
                if role == "trial":
                    yield from self._trials(problem, horizon, contender, order, study)
                else:
                    trials = grouped.get((contender.name, study), [])
                    yield from self._finals(problem, horizon, contender, study, trials)

    def _trials(self, problem: str, horizon: int, contender: ContenderFacts, order: int, study: int) -> Iterator[Job]:
        protocol = self.protocol
        space = Space.from_plain(contender.space)
        # Every contender, study and horizon has draws of its own; a contender added at the end changes none of them.
        points = draw(
            space,
            protocol.trials,
            seed=stream_seed(protocol.seed, "search", order, study, horizon),
            method=protocol.method,  # type: ignore[arg-type]
        )
        for number, changes in enumerate(points):
            yield self._job(problem, horizon, contender, study, "trial", number, protocol.tuning_seeds[study], changes)

    def _finals(
        self, problem: str, horizon: int, contender: ContenderFacts, study: int, trials: Sequence[RaceRun]
    ) -> Iterator[Job]:
        facts = self.protocol.problem(problem).facts
        winner = winner_of(trials, facts.higher_is_better)
        if winner is None:  # every trial diverged; its study counts as worst
            return
        for number, seed in enumerate(self.protocol.final_seeds[study]):
            yield self._job(problem, horizon, contender, study, "final", number, seed, winner.changes)

    def _job(
        self,
        problem: str,
        horizon: int,
        contender: ContenderFacts,
        study: int,
        role: Role,
        number: int,
        seed: int,
        changes: Mapping[str, Any],
    ) -> Job:
        recipe = Recipe(**contender.recipe).with_(dict(changes))
        if self.protocol.equal == "steps":
            recipe = recipe.with_({"epochs": horizon})
        else:
            recipe = recipe.with_({"steps": max(1, int(horizon / self._speed(problem, contender.name, recipe)))})
        return Job(problem, horizon, contender.name, study, role, number, seed, changes, recipe)

    def _speed(self, problem: str, contender: str, recipe: Recipe) -> float:
        """Seconds an update, measured alone once and kept: the schedule of every run ends where its seconds do."""
        parts = (problem, contender, recipe.batch_size, recipe.accumulate, sorted(recipe.model.items()))
        key = " ".join(map(str, parts))
        if not self.speeds:
            self.speeds |= {str(note["speed"]): float(note["step"]) for note in self.folder.notes() if "speed" in note}
        if key not in self.speeds:
            self.speeds[key] = seconds_per_step(self.problems[problem], recipe)
            load = os.getloadavg()[0] / (os.cpu_count() or 1)
            self.folder.append_note({"speed": key, "step": self.speeds[key], "load": load})
            self.listener(f"{problem}: {contender} makes an update in {1000 * self.speeds[key]:.3g} ms")
        return self.speeds[key]

    def _train(self, jobs: Sequence[Job]) -> None:
        """Train a wave and write it into the journal."""
        if self.runs and not self.began:
            note_other_code(self.folder)
        self.began = True
        problem = self.problems[jobs[0].problem]
        pairs = [(job.recipe.with_(_RECORDING), job.seed) for job in jobs]
        trained = fit_many(problem, pairs, workers=self.workers, listener=self.listener, choices=self._choices)
        done = [race_run(job, run, problem) for job, run in zip(jobs, trained, strict=True)]
        self.folder.append_runs(done)
        self.runs.extend(done)


def race_run(job: Job, run: Run, problem: Problem, *, held_out: Literal["test", "val"] = "test") -> RaceRun:
    """What a comparison keeps of a run; the test split is read for final runs only.

    Args:
        held_out: Where final runs are judged; `val` where nothing is chosen by it, so that it is held out.
    """
    metric = problem.metric.name
    looked = run.evaluations("val")
    values = looked.loss if metric == "loss" else looked.metric(metric)
    steps = looked.step
    best, diverged = run.info.best, run.diverged
    value = math.nan if diverged or best is None else best.metrics.get(metric, best.loss)
    test = None
    if job.role == "final":
        test = measure_test(run, problem).value if held_out == "test" else float(value)
    return RaceRun(
        problem=job.problem,
        horizon=job.horizon,
        contender=job.contender,
        study=job.study,
        role=job.role,
        number=job.number,
        seed=job.seed,
        changes=dict(job.changes),
        status=run.status,
        value=float(value),
        loss=math.nan if diverged or best is None else float(best.loss),
        last=math.nan if diverged or not len(values) else float(values[-1]),
        area=math.nan if diverged else _area(steps, values),
        steps=int(run.info.steps),
        seconds=float(run.info.seconds),
        test=test,
        curve_steps=tuple(int(s) for s in steps),
        curve=tuple(float(f"{v:.6g}") for v in values),
    )


def _area(steps: np.ndarray, values: np.ndarray) -> float:
    """Mean of a curve over its steps, by trapezoids."""
    if len(steps) < 2:
        return float(values[-1]) if len(values) else math.nan
    return float(np.trapezoid(values, steps) / (steps[-1] - steps[0]))
