"""The record of one study: what was asked, the journals of its workers, and what came of it.

```
study.json              what was asked; written once, never changed
journal/WORKER.jsonl    one file for each worker, lines only ever appended: looks, decisions, confirmations
result.json             what came of it, rewritten by whoever ends the study
runs/                   the runs of the finalists
```
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from trainwell.errors import RecordError
from trainwell.records.environment import Environment
from trainwell.records.facts import ProblemFacts
from trainwell.records.storage import append_lines, dump_json, parse, read_json, read_lines, write_atomically

LookStatus = Literal["running", "completed", "stopped", "diverged", "failed"]
StudyStatus = Literal["running", "completed", "interrupted", "out of time"]
Stage = Literal["selection", "measure"]


@dataclass(frozen=True)
class Look:
    """What a trial had reached when it was looked at, at a rung.

    Attributes:
        rung, rungs: Which rung, from 0, of how many; the last is the full length.
        value: The watched value at its best evaluation so far, in its own unit; NaN where it diverged or failed.
        loss: Validation loss at that evaluation.
        status: `stopped` where it ended before the rung, e.g. out of time; such a look does not count as the rung's.
        group: The trials that were trained together with it.
        seconds: Since the study began.
        spent: Seconds of this trial alone, its share of what its stack took.
        curve: (epoch, validation loss, watched value) of each evaluation so far.
    """

    trial: int
    changes: Mapping[str, Any]
    rung: int
    rungs: int
    steps: int
    epochs: float
    value: float
    loss: float
    status: LookStatus
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    group: int = 0
    seed: int = 0
    seconds: float = 0.0
    spent: float = 0.0
    worker: str = ""
    curve: tuple[tuple[float, float, float], ...] = ()

    @property
    def full(self) -> bool:
        """Whether this is the full length."""
        return self.rung == self.rungs - 1

    @property
    def counts(self) -> bool:
        """Whether it can be compared with others of its rung."""
        return self.status in ("running", "completed") and math.isfinite(self.value)


@dataclass(frozen=True)
class Asked:
    """Trials that were begun together: their numbers and points, and the rungs they are to go through.

    Attributes:
        first_rung: Where they begin; above 0 in the later brackets of Hyperband.
    """

    group: int
    trials: tuple[int, ...]
    points: tuple[Mapping[str, Any], ...]
    first_rung: int = 0
    worker: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Decision:
    """Which trials of a group went on from a rung; none from the last."""

    group: int
    rung: int
    going_on: tuple[int, ...]
    dropped: tuple[int, ...]


@dataclass(frozen=True)
class Copied:
    """A member of a population that went on, from a rung, with the weights of another and with changed values.

    Attributes:
        trial: Whose weights were given up.
        source: Whose weights it took.
        changes: Its point from there on.
    """

    group: int
    rung: int
    trial: int
    source: int
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Confirmation:
    """A finalist trained at full length on a fresh seed."""

    stage: Stage
    trial: int
    seed: int
    value: float
    loss: float
    status: str
    folder: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class RungCorrelation:
    """How the values at a rung agree with those at a longer one, over the trials that reached both.

    Attributes:
        rho: Spearman's rank correlation with the longest rung that at least 5 trials share with this one; NaN without
            any. They are the better part of the rung, which makes it lower than over all trials.
        n: How many those are.
        with_epochs: The length of that rung.
        winner_place: Place of the best trial at full length among all trials of the rung, from 1.
        trials: How many the rung had.
    """

    rung: int
    epochs: float
    rho: float
    n: int
    winner_place: int
    trials: int
    with_epochs: float = math.nan


@dataclass(frozen=True)
class Finalist:
    """A trial of the top slice, on fresh seeds."""

    trial: int
    changes: Mapping[str, Any]
    searched: float
    values: tuple[float, ...] = ()
    mean: float | None = None


@dataclass(frozen=True)
class StudyPlan:
    """What was asked, in plain values: all that decides which trials a study has.

    Attributes:
        epochs, full_steps: Length of a full trial.
        rungs: Shares of the full length at which trials are compared.
        watch, higher_is_better: What decides, on the validation split.
        first: Points that are tried first.
        options: Everything else of the call, to repeat or resume it.
    """

    problem: ProblemFacts
    recipe: Mapping[str, Any]
    space: Mapping[str, Any]
    seed: int
    method: str
    halving: str
    rungs: tuple[float, ...]
    proxy: str
    watch: str
    higher_is_better: bool
    epochs: float
    full_steps: int
    started: str
    budget: Mapping[str, float]
    problem_spec: str = ""
    sampler: Mapping[str, Any] = field(default_factory=dict)
    first: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Environment | None = None
    format: int = 1


@dataclass(frozen=True)
class StudyResult:
    """What came of a study.

    Attributes:
        winner: Number of the trial that was chosen; None where no trial reached the full length with a finite value.
        changes, recipe: Of the winner.
        seen: The best value at full length that the search saw, with the luck of being the best of many.
        measured: Values of the winner on seeds that took no part in the choice.
        mean, interval: Of `measured`; 95 % over seeds.
        sentence: The result in words.
        advice: What a person should know or do next.
        steps: Optimizer updates of everything.
    """

    status: StudyStatus
    seconds: float
    steps: int
    trials: int
    done: int
    dropped: int
    diverged: int
    failed: int
    winner: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seen: float | None = None
    measured: tuple[float, ...] = ()
    mean: float | None = None
    interval: tuple[float, float] | None = None
    finalists: tuple[Finalist, ...] = ()
    correlations: tuple[RungCorrelation, ...] = ()
    sentence: str = ""
    advice: tuple[str, ...] = ()
    workers: int = 1


@dataclass(frozen=True)
class StudyRecord:
    """A study, from memory or from its folder; at any stage."""

    plan: StudyPlan
    asked: tuple[Asked, ...] = ()
    looks: tuple[Look, ...] = ()
    decisions: tuple[Decision, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    result: StudyResult | None = None
    folder: Path | None = None
    copies: tuple[Copied, ...] = ()

    @property
    def latest(self) -> tuple[Look, ...]:
        """The last look at each trial, by number."""
        last: dict[int, Look] = {}
        for look in self.looks:
            if look.trial not in last or (look.rung, look.steps) >= (last[look.trial].rung, last[look.trial].steps):
                last[look.trial] = look
        return tuple(last[number] for number in sorted(last))

    @property
    def full(self) -> tuple[Look, ...]:
        """Looks at full length that can be compared, best first."""
        return tuple(self.ranked([look for look in self.latest if look.full and look.counts]))

    def at(self, rung: int) -> tuple[Look, ...]:
        """Looks at a rung, diverged ones too, best first."""
        found = {look.trial: look for look in self.looks if look.rung == rung and look.status != "stopped"}
        return tuple(self.ranked(list(found.values())))

    def ranked(self, looks: Iterable[Look]) -> list[Look]:
        """Best first; equal values by the lower loss, and those without a value last."""
        sign = -1.0 if self.plan.higher_is_better else 1.0
        return sorted(looks, key=lambda k: (not k.counts, sign * k.value if k.counts else 0.0, _last(k.loss), k.trial))


def _last(value: float) -> float:
    return value if math.isfinite(value) else math.inf


Line = Asked | Look | Decision | Copied | Confirmation
_KINDS: dict[str, type[Line]] = {
    "asked": Asked,
    "look": Look,
    "decision": Decision,
    "copied": Copied,
    "confirmation": Confirmation,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def append_journal(path: Path, lines: Iterable[Line]) -> None:
    """Append lines to a worker's journal, in place of a torn last line if there is one."""
    append_lines(path, [{"kind": _NAMES[type(line)], "of": line} for line in lines])


def read_journal(path: Path) -> list[Line]:
    """Read a worker's journal; a torn last line is dropped.

    Raises:
        RecordError: If a line before the last is damaged, or the file cannot be read.
    """
    found: list[Line] = []
    try:
        rows = list(read_lines(path))
    except OSError as error:
        said = error.strerror or error
        raise RecordError(f"{path} must be readable, got: {said}. Look at its permissions and locks") from None
    for number, row in enumerate(rows, 1):
        kind = _KINDS.get(row.get("kind", "")) if isinstance(row, dict) else None
        if kind is None:
            raise RecordError(f"{path} must hold lines of a study's journal, got another in line {number}: {row!r:.60}")
        line: Any = parse(kind, row["of"], path)
        found.append(line)
    return found


def save_plan(folder: Path, plan: StudyPlan) -> None:
    """Write `study.json`."""
    (folder / "journal").mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "study.json", dump_json(plan, indent=1))


def save_result(folder: Path, result: StudyResult) -> None:
    """Replace `result.json`."""
    write_atomically(folder / "result.json", dump_json(result, indent=1))


def load_plan(folder: str | Path) -> StudyPlan:
    """Load `study.json`.

    Raises:
        RecordError: If it is missing or damaged.
    """
    path = Path(folder) / "study.json"
    if not path.is_file():
        raise RecordError(f"`{folder}` must be the folder of a study (with study.json), got none there. Name one")
    return parse(StudyPlan, read_json(path), path)


def load_study(folder: str | Path) -> StudyRecord:
    """Load a study at any stage, with the journals of all its workers.

    Raises:
        RecordError: If the folder holds no study or a damaged one.
    """
    folder = Path(folder)
    plan = load_plan(folder)
    lines = [line for path in sorted((folder / "journal").glob("*.jsonl")) for line in read_journal(path)]
    stored = read_json(folder / "result.json")
    result = None if stored is None else parse(StudyResult, stored, folder / "result.json")
    return study_of(plan, lines, result, folder)


def study_of(
    plan: StudyPlan, lines: Iterable[Line], result: StudyResult | None = None, folder: Path | None = None
) -> StudyRecord:
    """Put the lines of journals in order; what two workers wrote of one thing counts once."""
    lines = list(lines)
    looks = sorted((line for line in lines if isinstance(line, Look)), key=lambda look: look.seconds)
    asked = {line.group: line for line in lines if isinstance(line, Asked)}
    decisions = {(line.group, line.rung): line for line in lines if isinstance(line, Decision)}
    copied = {(line.group, line.rung, line.trial): line for line in lines if isinstance(line, Copied)}
    confirmed = {(line.stage, line.trial, line.seed): line for line in lines if isinstance(line, Confirmation)}
    return StudyRecord(
        plan=plan,
        asked=tuple(asked[group] for group in sorted(asked)),
        looks=tuple(looks),
        decisions=tuple(decisions[key] for key in sorted(decisions)),
        confirmations=tuple(confirmed.values()),
        result=result,
        folder=folder,
        copies=tuple(copied[key] for key in sorted(copied)),
    )
