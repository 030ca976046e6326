"""The record of one `improve`: logbook, range test, trials, proof, verdict. Stored as `improve.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from trainwell.errors import RecordError
from trainwell.records.environment import Environment
from trainwell.records.facts import Baselines, DataFacts, ModelFacts, ProblemFacts, Sanity
from trainwell.records.finding import Finding
from trainwell.records.storage import dump_json, parse, read_json, write_atomically

Verdict = Literal["better", "as good as", "cannot tell", "worse"]


@dataclass(frozen=True)
class LogEntry:
    """One step of the checklist: what was seen, what was tried, what came of it.

    Attributes:
        step: audit, sanity, baseline, learning-rate, remedies, search, proof, ...
        effect: The difference with its interval, in words; empty where nothing was compared.
        decision: What was decided, and why.
        skipped: Why the step was skipped; empty if it was not.
    """

    step: str
    title: str
    seen: str = ""
    tried: str = ""
    effect: str = ""
    decision: str = ""
    skipped: str = ""
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RateTest:
    """A learning-rate range test.

    Attributes:
        rates: Rates tried, rising.
        losses: Loss after training at each rate (mean over seeds); NaN where it diverged.
        low, high: Band of the losses over seeds, or empty.
        suggestion: Suggested rate; None where the curve is flat or all diverged.
        interval: Rates that seem as good, lowest and highest.
        largest_stable: Largest rate that did not diverge.
        reason: Why this suggestion, or why none.
        steepest: Rate at which the loss falls fastest by log(rate).
        valley: Rate of the lowest loss, or two thirds along the fall of a ramp.
        method: `rates` for constant rates, `ramp` for one run with a rising rate.
        steps: Updates at each rate, or of the ramp. [optimizer updates]
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    start_loss: float
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    suggestion: float | None = None
    interval: tuple[float, float] | None = None
    largest_stable: float | None = None
    reason: str = ""
    steepest: float | None = None
    valley: float | None = None
    method: str = "rates"
    steps: int = 0
    seeds: int = 1


@dataclass(frozen=True)
class TrialFacts:
    """One trial of a search: what was changed, how far it ran, what it reached on the validation split."""

    number: int
    changes: Mapping[str, Any]
    epochs: float
    rung: int
    metric: float
    loss: float
    status: str
    ended_at_seconds: float
    seeds: int = 1
    promoted: bool = False
    folder: str = ""


@dataclass(frozen=True)
class Arm:
    """One side of the proof: a recipe's test metric over fresh seeds.

    Attributes:
        values: Test metric by seed, in the order of `seeds`; a diverged run is NaN.
        mean, interval: Over seeds; interval at 95 %.
        folders: The runs, relative to the improvement's folder.
    """

    recipe: Mapping[str, Any]
    seeds: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    mean: float | None = None
    interval: tuple[float, float] | None = None
    n: int = 0
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """After minus before, paired by seed, in the unit of the metric.

    Attributes:
        interval: 95 %, over seeds.
        examples_interval: 90 % (5 % on each side), over redrawn test examples with the runs held fixed; None where
            not measured.
    """

    mean: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    n: int = 0
    method: str = ""
    examples_interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class ImprovementRecord:
    """Everything that `improve` did and found; grows step by step and is rewritten after each.

    Attributes:
        epochs: Length of every run; before and after alike.
        problem_spec, options: What the call was, to repeat or resume it.
        baseline_runs: Folders of the runs of the starting recipe.
        margin: Difference of the metric that counts as none.
        progress: What a resume needs: the steps done, the length of the runs, the best recipe so far.
    """

    problem: ProblemFacts
    recipe_before: Mapping[str, Any]
    seed: int
    started: str
    budget_seconds: float
    status: Literal["running", "completed", "interrupted", "stopped"] = "running"
    seconds: float = 0.0
    epochs: float = 0.0
    problem_spec: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    entries: tuple[LogEntry, ...] = ()
    findings: tuple[Finding, ...] = ()
    data: DataFacts | None = None
    model_facts: ModelFacts | None = None
    baselines: Baselines | None = None
    sanity: Sanity | None = None
    baseline_runs: tuple[str, ...] = ()
    rate_test: RateTest | None = None
    trials: tuple[TrialFacts, ...] = ()
    recipe_after: Mapping[str, Any] | None = None
    changes: tuple[str, ...] = ()
    before: Arm | None = None
    after: Arm | None = None
    difference: Difference | None = None
    verdict: Verdict = "cannot tell"
    sentence: str = ""
    margin: float | None = None
    environment: Environment | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    format: int = 1


def save_improvement(folder: Path, record: ImprovementRecord) -> None:
    """Replace `improve.json` atomically."""
    write_atomically(folder / "improve.json", dump_json(record, indent=1))


def load_improvement(folder: str | Path) -> ImprovementRecord:
    """Load `improve.json`.

    Raises:
        RecordError: If it is missing or damaged.
    """
    path = Path(folder) / "improve.json"
    if not path.is_file():
        raise RecordError(
            f"`{folder}` must be the folder of an improvement (with improve.json), got none there. Name such a folder"
        )
    return parse(ImprovementRecord, read_json(path), path)
