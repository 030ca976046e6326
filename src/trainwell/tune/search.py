"""The engine of a study: groups of trials one after another until the budget is used up, then the confirmation.

Every step of it is a function of what the journals hold, so that a killed study goes on where it was and several
workers share one: a group is claimed, trained through the rungs, and written down as it goes.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from trainwell.errors import RecipeError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records.study import (
    Asked,
    Confirmation,
    Copied,
    Decision,
    Finalist,
    Line,
    Look,
    StudyPlan,
    StudyRecord,
    StudyStatus,
)
from trainwell.seeding import master_seeds
from trainwell.space import Space
from trainwell.train import Choices
from trainwell.train.assembly import device_of
from trainwell.tune.budget import Budget
from trainwell.tune.confirm import SEARCH, Confirming
from trainwell.tune.group import RECORDING, Group, Hooks, Trial
from trainwell.tune.journal import Claims, Journal
from trainwell.tune.population import Population, exchanges
from trainwell.tune.progress import Counts, Listener, TuneProgress
from trainwell.tune.sampler import Sampler
from trainwell.tune.scheme import Learning, Scheme

_WAIT = 0.5  # seconds between looks at what other workers do
_TELLING = 0.05  # share of the budget after which the time left can be told
_QUIET = 0.2  # seconds between reports of progress


class Export(Protocol):
    """A place that is told of trials that have ended."""

    def begin(self, plan: StudyPlan) -> None:
        """Hear which study it is."""

    def add(self, looks: Iterable[Look]) -> int:
        """Take the last looks at trials, those that it has left out."""


@dataclass
class Search:
    """A study in progress.

    Attributes:
        enqueued: Points that are tried first, of earlier studies or of a person.
        finalists, selection, measure: How many of the best are confirmed, on how many seeds, and the winner on how
            many others.
        target: Value at which the search stops, if asked.
        exports: Told of trials that have ended.
        shared: Whether several workers share the groups.
    """

    problem: Problem
    base: Recipe
    space: Space
    seed: int
    scheme: Scheme
    sampler: Sampler
    budget: Budget
    journal: Journal
    claims: Claims
    finalists: int
    selection: int
    measure: int
    enqueued: Sequence[Mapping[str, Any]] = ()
    exports: Sequence[Export] = ()
    target: float | None = None
    shared: bool = False
    listener: Listener | None = None
    say: Callable[[str], None] | None = None
    folder: Path | None = None
    confirm_steps: int = 0
    shortened: str = ""
    unexported: str = ""
    _told: set[int] = field(default_factory=set)
    _choices: Choices = field(default_factory=Choices)
    _stage: str = "search"
    _on_target: bool = False
    _reported: float = 0.0

    # -- the search -------------------------------------------------------------------------------------------

    def run(self) -> StudyStatus:
        """Search until the budget is used up; returns how it ended."""
        self._on_target = any(self._reached(look.value) for look in self.journal.record.full)
        while True:
            self.journal.refresh()
            record = self.journal.record
            self.tell_sampler(record)
            if self.stop():
                return "completed"
            lost = next((a for a in self.unended(record) if self.claims.take(f"group-{a.group:05d}")), None)
            mine = lost or self.begin(record)
            if isinstance(mine, Asked):
                if not self.train(mine) and not self.stop():
                    return "interrupted"
            elif mine == "taken" or self.unended(record):
                time.sleep(_WAIT)
            else:
                return "completed"

    def unended(self, record: StudyRecord) -> list[Asked]:
        """The groups of which something goes on."""
        ended = {d.group for d in record.decisions if not d.going_on}
        return [asked for asked in record.asked if asked.group not in ended]

    def begin(self, record: StudyRecord) -> Asked | Literal["taken", "over"]:
        """Claim the next group and draw its points, unless the budget is used up, or another worker was first."""
        number = max((asked.group for asked in record.asked), default=-1) + 1
        first = max((trial for asked in record.asked for trial in asked.trials), default=-1) + 1
        most = self.scheme.size(number, learning=self._learning(), shared=self.shared)
        before = len(record.asked[-1].trials) if record.asked else 0
        count = self.budget.next_size(self.scheme, number, first, before, most, self._steps_begun(record))
        if count < 1:
            return "over"
        if not self.claims.take(f"group-{number:05d}"):
            return "taken"
        self.journal.refresh()
        if any(asked.group == number for asked in self.journal.record.asked):
            return "taken"  # another worker began and ended it in the meantime
        early = [dict(changes) for changes in self.enqueued[first : first + count]]
        drawn = max(0, first - len(self.enqueued))
        points = early + (self.sampler.ask(drawn, count - len(early)) if count > len(early) else [])
        if not points:
            return "over"
        asked = Asked(
            group=number,
            trials=tuple(range(first, first + len(points))),
            points=tuple(points),
            first_rung=self.scheme.first_rung(number),
            worker=self.journal.worker,
            seconds=round(self.budget.spent, 3),
        )
        self.journal.write(asked)
        return asked

    def _learning(self) -> Learning:
        """How the sampler learns: on a CPU the fewer runs a group has, the sooner the next profits from them."""
        if not self.sampler.adaptive:
            return "no"
        if device_of(self.base).type != "cpu":
            return "in large groups"
        return "goes on" if self._told else "begins"

    def _in_time(self, rung: int, looks: Sequence[Look], going: tuple[int, ...]) -> tuple[int, ...]:
        """The best of those that are to go on, as many as come to their end in the time that is left."""
        if self.scheme.population:
            return going
        steps = sum(look.steps for look in looks)
        a_run = sum(look.spent for look in looks) / max(1, steps) * self.budget.full_steps
        return going[: self.budget.affordable(self.scheme, rung, len(going), a_run)]

    def _steps_begun(self, record: StudyRecord) -> int:
        """Updates that were made, and those that groups in progress are going to make."""
        steps = {asked.group: 0 for asked in record.asked}
        for look in record.latest:
            steps[look.group] = steps.get(look.group, 0) + look.steps
        for asked in self.unended(record):
            planned = self.scheme.cost(len(asked.trials), asked.first_rung) * self.budget.full_steps
            steps[asked.group] = max(steps[asked.group], round(planned))
        return sum(steps.values())

    def train(self, asked: Asked) -> bool:
        """Train a group; returns whether it came to its end."""
        record = self.journal.record
        known = {
            (look.trial, look.rung): look
            for look in record.looks
            if look.trial in asked.trials and look.status != "stopped"
        }
        decided = {d.rung: d for d in record.decisions if d.group == asked.group}
        begin, done = time.monotonic(), {trial for trial, _ in known}

        def decide(rung: int, looks: Sequence[Look]) -> tuple[int, ...]:
            if rung in decided:
                return decided[rung].going_on
            if self.shared:
                self.journal.refresh()
            going = self._in_time(rung, looks, self.scheme.going_on(rung, looks, self.journal.record))
            dropped = tuple(look.trial for look in looks if look.trial not in going)
            self.journal.write(Decision(asked.group, rung, going, dropped))
            self.export()
            return going

        trials: list[Trial] = []
        for number, changes in zip(asked.trials, asked.points, strict=True):
            try:
                trials.append(Trial(number, changes, self.base.with_({**changes, **RECORDING})))
            except RecipeError as error:
                self._hear(_refused(number, changes, asked, len(self.scheme.rungs), str(error), self.budget.spent))
        shared: dict[str, Any] = {
            "problem": self.problem,
            "trials": trials,
            "rungs": self.scheme.rungs,
            "seed": master_seeds(self.seed, SEARCH, 1)[0],
            "hooks": Hooks(self._hear, decide, self.stop, self._reached, lambda: self.budget.spent, self.say),
            "number": asked.group,
            "first_rung": asked.first_rung,
            "worker": self.journal.worker,
            "known": known,
            "choices": self._choices,
        }
        if self.scheme.population:
            ended = Population(**shared, recipe_of=self.base.with_, exchange=self._exchanged).run()
        else:
            ended = Group(**shared).run()
        self._learn(asked, time.monotonic() - begin, done)
        return ended

    def take(self, asked: Asked, lines: Sequence[Line], seconds: float) -> None:
        """Take what another place found of a group, and the time that it took there."""
        known = {look.trial for look in self.journal.record.looks}
        for line in lines:
            if isinstance(line, Look):
                self._hear(line)
            else:
                self.journal.write(line)
        self._learn(asked, seconds, known)
        self.export()

    def export(self) -> None:
        """Tell other places of trials that have ended; what they refuse is said once and tried again later."""
        record = self.journal.record
        ended = {trial for decision in record.decisions for trial in decision.dropped}
        ended |= {look.trial for look in record.full}
        for export in self.exports:
            try:
                export.add([look for look in record.latest if look.trial in ended])
            except Exception as error:  # of databases' and servers' own kinds; the search goes on
                if not self.unexported:
                    warnings.warn(f"trials could not be exported, the study goes on: {error}", stacklevel=2)
                said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                self.unexported = f"trials could not be exported: {said}"

    def _learn(self, asked: Asked, seconds: float, known: Container[int]) -> None:
        looks = [look for look in self.journal.record.latest if look.group == asked.group and look.trial not in known]
        training = sum(look.spent for look in looks)
        self.budget.learn(seconds, training, sum(look.steps for look in looks), len(looks))

    def _exchanged(self, rung: int, looks: Sequence[Look]) -> Sequence[Copied]:
        """Who takes over from whom at a rung of a population; as it was decided before a kill."""
        record = self.journal.record
        known = [one for one in record.copies if (one.group, one.rung) == (looks[0].group, rung)]
        if known:
            return known
        copies = exchanges(record.ranked(looks), self.space, self.seed)
        self.journal.write(*copies)
        return copies

    def stop(self) -> str:
        """A reason to end the search, or empty."""
        if self.budget.over():
            return "out of time"
        return f"reached the target of {self.target:g}" if self._on_target else ""

    def _hear(self, look: Look) -> None:
        self.journal.write(look)
        self.budget.whole = self.budget.whole or (look.full and look.counts)
        self._on_target = self._on_target or (look.full and look.counts and self._reached(look.value))
        if time.monotonic() - self._reported > _QUIET:
            self._report("search")

    def _reached(self, value: float) -> bool:
        """Whether a watched value reaches the target, if there is one."""
        if self.target is None or not math.isfinite(value):
            return False
        return value >= self.target if self.journal.plan.higher_is_better else value <= self.target

    def tell_sampler(self, record: StudyRecord) -> None:
        """Tell the sampler what trials have reached that have ended."""
        if not self.sampler.adaptive:
            return
        ended = {trial for d in record.decisions for trial in d.dropped}
        fresh = [look for look in record.latest if look.trial in ended and look.trial not in self._told]
        self._told.update(look.trial for look in fresh)
        if fresh:
            self.sampler.tell(fresh)

    # -- the confirmation -------------------------------------------------------------------------------------

    def confirm(self) -> tuple[tuple[Finalist, ...], tuple[float, ...]]:
        """Choose among the top few on fresh seeds and measure the winner on others.

        Returns:
            Finalists, best first, and the values of the first; empty where nothing is confirmed.
        """
        self.journal.refresh()
        record = self.journal.record
        top = list(record.full[: self.finalists])
        if not top or not self.measure:
            return (), ()
        confirming = Confirming(
            problem=self.problem,
            base=self.base,
            seed=self.seed,
            folder=self.folder,
            write=self._confirmed,
            stop=self._overtime,
            seconds=lambda: self.budget.spent,
            known={(c.stage, c.trial, c.seed): c for c in record.confirmations},
            say=self.say,
        )
        finalists, selection, measure = self._affordable(len(top))
        if not measure:
            return (), ()
        self._stage = "selection"
        self._report("selection")
        if finalists > 1 and selection:
            chosen = confirming.select(top[:finalists], selection, higher_is_better=record.plan.higher_is_better)
        else:
            chosen = tuple(Finalist(k.trial, k.changes, k.value, mean=k.value) for k in top[:1])
        self._stage = "measure"
        self._report("measure")
        winner = next((f for f in chosen if f.mean is not None), None)
        measured = () if winner is None else confirming.measure(winner, measure)
        self.confirm_steps = confirming.steps
        return chosen, measured

    def _affordable(self, top: int) -> tuple[int, int, int]:
        """Finalists, seeds for each, and seeds for the winner, as the time allows."""
        finalists, selection, measure = min(self.finalists, top), self.selection, self.measure
        runs = self.budget.confirming_runs
        while finalists * selection * (finalists > 1) + measure > runs and (selection, measure) != (0, 0):
            if finalists > 2:
                finalists -= 1
            elif selection > 1:
                selection -= 1
            elif selection:
                finalists, selection = 1, 0
            else:
                measure -= 1
        if (finalists, selection, measure) != (min(self.finalists, top), self.selection, self.measure):
            self.shortened = (
                f"the time allowed {finalists} finalists on {selection} seeds and {measure} for the winner instead of "
                f"{min(self.finalists, top)} on {self.selection} and {self.measure}"
            )
        return finalists, selection, measure

    def _confirmed(self, confirmation: Confirmation) -> None:
        self.journal.write(confirmation)
        self._report(self._stage)

    def _overtime(self) -> str:
        return "out of time" if self.budget.all_over() else ""

    # -- progress ---------------------------------------------------------------------------------------------

    def _report(self, stage: str) -> None:
        if self.listener is None:
            return
        self._reported = time.monotonic()
        record = self.journal.record
        counts = Counts.of(record)
        rung = max((look.rung for look in record.latest if look.counts), default=0)
        best = next((look for look in record.at(rung) if look.counts), None)
        fraction, left = self._fraction(record)
        told = {"search": "searching", "selection": "choosing on fresh seeds", "measure": "measuring the winner"}
        self.listener(
            TuneProgress(
                stage=stage,
                text=told.get(stage, stage),
                best=None if best is None else best.value,
                best_epochs=0.0 if best is None else best.epochs,
                running=counts.running,
                done=counts.done,
                dropped=counts.dropped,
                diverged=counts.diverged,
                failed=counts.failed,
                fraction=fraction,
                seconds_left=left,
            )
        )

    def _fraction(self, record: StudyRecord) -> tuple[float, float | None]:
        """Share of the budget that is used, and an estimate of the seconds that are left."""
        budget = self.budget
        if budget.seconds is not None:
            return min(1.0, budget.spent / budget.seconds), max(0.0, budget.seconds - budget.spent)
        done = sum(look.steps for look in record.latest) / budget.full_steps + len(record.confirmations)
        if budget.trials is not None:
            whole = self.scheme.cost(budget.trials) + budget.confirming
        else:
            whole = (budget.steps or 0) / budget.full_steps
        share = min(1.0, done / max(whole, 1e-9))
        return share, budget.spent * (1 - share) / share if share > _TELLING else None


def _refused(number: int, changes: Mapping[str, Any], asked: Asked, rungs: int, reason: str, seconds: float) -> Look:
    return Look(
        trial=number,
        changes=changes,
        rung=asked.first_rung,
        rungs=rungs,
        steps=0,
        epochs=0.0,
        value=float("nan"),
        loss=float("nan"),
        status="failed",
        reason=reason,
        group=asked.group,
        seconds=round(seconds, 3),
        worker=asked.worker,
    )
