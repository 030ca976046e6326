"""The state of one improvement: where it stands, what it has run, what it has written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from trainwell.errors import RecordError
from trainwell.improve.budget import REPORT_SECONDS, Budget, Horizon
from trainwell.improve.decision import shown
from trainwell.improve.progress import Listener, Progress
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import (
    Evaluation,
    Finding,
    ImprovementRecord,
    LogEntry,
    ProblemFacts,
    save_improvement,
    write_atomically,
)
from trainwell.report import logbook_markdown
from trainwell.seeding import master_seeds
from trainwell.train import Callback, Choices, Lane, Run, Training, fit, train_lanes

# Purposes of seeds: runs of one purpose share theirs, and no two purposes share any.
TUNING, BASELINE, EXPERIMENT, PROOF = 1, 2, 3, 9
_LOST = 120.0  # seconds of work that a kill may cost: stacks keep no checkpoints, runs that go one by one do
_RECENT = 8  # runs whose cost tells that of the next

STEPS = ("audit", "sanity", "baseline", "remedies", "learning-rate", "search", "techniques", "proof")
_OF_SEVERAL = ("remedies", "techniques")  # steps of several experiments, each named where it is told of


@dataclass(frozen=True)
class Job:
    """A run that is wanted.

    Attributes:
        purpose: First word of its folder's name.
    """

    recipe: Recipe
    seed: int
    purpose: str

    @property
    def key(self) -> tuple[str, int]:
        """Runs of one key are the same."""
        return self.recipe.key(), self.seed


@dataclass
class Session:
    """Everything that the steps of the checklist share.

    Attributes:
        start: The starting recipe, at the length that all runs have.
        recipe: The best recipe so far.
        best_runs: Its runs over the experiment seeds, where it was measured on them.
        choices: How runs that are trained together are computed.
    """

    problem: Problem
    start: Recipe
    recipe: Recipe
    seed: int
    folder: Path
    budget: Budget
    record: ImprovementRecord
    allow: frozenset[str] = frozenset()
    listener: Listener = lambda progress: None
    horizon: Horizon | None = None
    baseline: list[Run] = field(default_factory=list)
    best_runs: list[Run] = field(default_factory=list)
    choices: Choices = field(default_factory=Choices)
    _runs: dict[tuple[str, int], Run] = field(default_factory=dict)
    _run_seconds: list[float] = field(default_factory=list)
    _step: str = "audit"
    _step_started: float = 0.0
    _best: str = ""

    @property
    def facts(self) -> ProblemFacts:
        """The problem in plain values."""
        return self.record.problem

    @property
    def run_seconds(self) -> float:
        """Cost of a full run, as the latest ones took: the machine may be busier than at the start."""
        assert self.horizon is not None
        recent = self._run_seconds[-_RECENT:]
        return sum(recent) / len(recent) if recent else self.horizon.seconds_per_run

    @property
    def search_time_left(self) -> float:
        """Seconds left before the time set aside for the proof (and the report) begins."""
        if self.horizon is None:
            return self.budget.left
        return self.budget.left - self.horizon.proof_seconds(self.run_seconds) - REPORT_SECONDS

    def seeds(self, purpose: int, count: int) -> list[int]:
        """Run seeds of one purpose."""
        return master_seeds(self.seed, purpose, count)

    @property
    def done(self) -> frozenset[str]:
        """Steps of the checklist that an interrupted improvement had finished."""
        return frozenset(self.record.progress.get("done", ()))

    def finish_step(self, name: str) -> None:
        """Remember where a resume would go on."""
        self.update(
            progress={
                "done": [*self.record.progress.get("done", ()), name],
                "start": self.start.to_dict(),
                "recipe": self.recipe.to_dict(),
                "horizon": None if self.horizon is None else asdict(self.horizon),
                "seeds": [run.seed for run in self.best_runs],
            }
        )

    def restore(self) -> None:
        """Take up an interrupted improvement where its last finished step left it."""
        state = self.record.progress
        entries = tuple(entry for entry in self.record.entries if entry.step in self.done)
        self.record = replace(self.record, entries=entries)
        if not state:
            return
        self.start, self.recipe = Recipe(**state["start"]), Recipe(**state["recipe"])
        if state["horizon"] is not None:
            self.horizon = Horizon(**state["horizon"])
            self.baseline = [self.run(self.start, seed, "baseline") for seed in state["seeds"]]
            purpose = "baseline" if self.recipe == self.start else "experiment"
            self.best_runs = [self.run(self.recipe, seed, purpose) for seed in state["seeds"]]
            self.note_best(self.best_runs)

    # -- runs -------------------------------------------------------------------------------------------------

    def run(self, recipe: Recipe, seed: int, purpose: str) -> Run:
        """Train, unless this recipe was trained with this seed before (in this session or the one resumed)."""
        return self.train([Job(recipe, seed, purpose)])[0]

    def runs(
        self, recipe: Recipe, seeds: Sequence[int], purpose: str, text: str, *, of: tuple[int, int] = (0, 1)
    ) -> list[Run]:
        """Train one recipe over several seeds, telling the listener."""
        return self.train([Job(recipe, seed, purpose) for seed in seeds], text, of=of)

    def train(self, jobs: Sequence[Job], text: str = "", *, of: tuple[float, float] = (0, 1)) -> list[Run]:
        """Train what was not trained before, in stacks where that pays.

        Args:
            jobs: The runs wanted; their results come in this order.
            text: What the listener is told, with the number of runs.
            of: Where these runs stand in the step: which part of how many.
        """
        missing: dict[tuple[str, int], Job] = {}
        for job in jobs:
            if job.key not in self._runs and job.key not in missing:
                run = self._loaded(self._folder(job))
                if run is None:
                    missing[job.key] = job
                else:
                    self._runs[job.key] = run
        wanted = list(missing.values())
        done = 0
        while done < len(wanted):
            part = wanted[done : done + self._most_together]
            where = (of[0] + done / len(wanted)) / of[1], len(part) / len(wanted) / of[1]
            words = (
                f"{text}, run{'s' if len(part) > 1 else ''} {_range(done, len(part))} of {len(wanted)}" if text else ""
            )
            if len(part) > 1:
                self._train_together(part, words, where)
            else:
                self._train_alone(part[0], words, where[0])
            done += len(part)
        return [self._runs[job.key] for job in jobs]

    @property
    def _most_together(self) -> int:
        """Runs that may be trained as one, so that a kill does not cost too much."""
        return 1 if self.horizon is None else max(1, int(_LOST / self.run_seconds))

    def _train_alone(self, job: Job, text: str, fraction: float) -> None:
        begin = self.budget.spent
        if text:
            self.tell(fraction, text)
        folder = self._folder(job)
        run = fit(self.problem, job.recipe, seed=job.seed, folder=folder, parent={"step": job.purpose}, resume=True)
        if run.status == "completed":
            self._run_seconds.append(self.budget.spent - begin)
        self._runs[job.key] = run

    def _train_together(self, jobs: Sequence[Job], text: str, where: tuple[float, float]) -> None:
        begin = self.budget.spent

        def tell(share: float) -> None:
            if text:
                self.tell(where[0] + share * where[1], text)

        tell(0.0)
        teller = _Teller(tell)
        for job in jobs:
            folder = self._folder(job)
            shutil.rmtree(folder, ignore_errors=True)  # of an interrupted session
            parent = {"step": job.purpose}
            teller.lanes.append(
                Lane(self.problem, job.recipe, seed=job.seed, folder=folder, parent=parent, callbacks=[teller])
            )
        runs = train_lanes(teller.lanes, choices=self.choices)
        whole = sum(lane.step / lane.total_steps for lane in teller.lanes)  # runs that diverge cost less
        if whole >= 1:
            self._run_seconds += [(self.budget.spent - begin) / whole] * min(len(runs), _RECENT)
        self._runs.update({job.key: run for job, run in zip(jobs, runs, strict=True)})

    def _folder(self, job: Job) -> Path:
        return self.folder / "runs" / f"{job.purpose}-{job.recipe.key()[:6]}-{job.seed}"

    def relative(self, run: Run) -> str:
        """A run's folder, relative to the improvement's."""
        return "" if run.folder is None else run.folder.relative_to(self.folder).as_posix()

    def _loaded(self, folder: Path) -> Run | None:
        if not (folder / "run.json").is_file():
            return None
        with suppress(RecordError):
            run = Run.load(folder, self.problem)
            if run.status in ("completed", "stopped", "diverged"):
                return run
        return None

    # -- the story --------------------------------------------------------------------------------------------

    def begin(self, step: str) -> None:
        """Start a step of the checklist."""
        self._step, self._step_started = step, self.budget.spent
        self.tell(0.0, "")

    def tell(self, fraction: float, text: str, *, finished: bool = False) -> None:
        """Tell the listener where the checklist stands."""
        self.listener(
            Progress(
                self._step, STEPS.index(self._step) + 1, len(STEPS), min(1.0, fraction), text, self._best,
                self.budget.left, finished,
            )
        )  # fmt: skip

    def log(self, title: str, **words: Any) -> None:
        """End a step, or a part of one, with an entry of the logbook."""
        entry = LogEntry(self._step, title, seconds=round(self.budget.spent - self._step_started, 2), **words)
        self._step_started = self.budget.spent
        text = entry.decision or entry.skipped or entry.seen
        if self._step in _OF_SEVERAL or any(e.step == self._step for e in self.record.entries):
            text = f"{title}: {text}"
        self.update(entries=(*self.record.entries, entry))
        self.tell(1.0, text, finished=True)

    def update(self, **fields: Any) -> None:
        """Change the record and write it, the logbook and the recipe."""
        self.record = replace(self.record, seconds=round(self.budget.spent, 2), **fields)
        save_improvement(self.folder, self.record)
        write_atomically(self.folder / "logbook.md", logbook_markdown(self.record))

    def add_findings(self, findings: Iterable[Finding]) -> None:
        """Add findings; one rule is listed once."""
        known = {f.rule for f in self.record.findings}
        self.update(findings=(*self.record.findings, *(f for f in findings if f.rule not in known)))

    def keep(self, recipe: Recipe, runs: Sequence[Run]) -> None:
        """Take a recipe as the best so far."""
        self.recipe, self.best_runs = recipe, list(runs)
        self.note_best(runs)
        write_atomically(self.folder / "recipe.toml", recipe.to_toml())

    def note_best(self, runs: Sequence[Run]) -> None:
        """Remember the best value for the progress line."""
        values = [run.best_metric() for run in runs if not run.diverged]
        finite = [v for v in values if v == v]
        if finite:
            self._best = f"{self.facts.metric} {shown(self.facts, sum(finite) / len(finite))}"


def _range(done: int, count: int) -> str:
    return str(done + 1) if count == 1 else f"{done + 1} to {done + count}"


class _Teller(Callback):
    """Tells how far runs that are trained together are."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self.tell = tell
        self.lanes: list[Lane] = []

    def on_evaluation(self, training: Training, rows: Sequence[Evaluation]) -> None:
        """After an evaluation."""
        self.tell(sum(lane.step / lane.total_steps for lane in self.lanes) / len(self.lanes))


Step = Callable[[Session], None]
