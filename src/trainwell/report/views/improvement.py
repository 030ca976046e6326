"""An improvement as one value: what its page shows, with a reason in place of every part that is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainwell.records import ImprovementRecord, LogEntry, RateTest, RunRecord
from trainwell.report.views.curves import (
    Group,
    Line,
    Loaded,
    Panel,
    corners,
    distinct,
    evaluation_line,
    group,
    load_runs,
    step_line,
)
from trainwell.report.views.environment import environment_rows, problem_rows, repeat_command
from trainwell.report.views.findings import FindingView, findings
from trainwell.report.views.proof import Proof, proof
from trainwell.report.views.recipes import RecipeDiff, diff
from trainwell.report.views.search import Search, search
from trainwell.report.wording import plural

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class StepCost:
    """Seconds of one step of the checklist, and their share of all."""

    step: str
    seconds: float
    share: float


@dataclass(frozen=True)
class ImprovementView:
    """Everything on the page of an improvement.

    Attributes:
        curves_of: Whether the curves are of the proof's runs or of the baseline's.
        notes: What could not be shown, and why.
        absent: Section to the reason why it is empty: "not reached" or why it was skipped; else "".
    """

    record: ImprovementRecord
    proof: Proof
    loss: tuple[Panel, ...]
    metric: tuple[Panel, ...]
    rate: Panel | None
    curves_of: str
    rate_test: RateTest | None
    search: Search | None
    findings: tuple[FindingView, ...]
    recipes: RecipeDiff | None
    costs: tuple[StepCost, ...]
    runs: int
    environment: tuple[tuple[str, str], ...]
    problem: tuple[tuple[str, str], ...]
    command: str
    notes: tuple[str, ...]
    absent: dict[str, str]


def improvement_view(record: ImprovementRecord, folder: Path) -> ImprovementView:
    """Read a record and the runs it names.

    Args:
        record: Of an improvement at any stage.
        folder: What the record's folders of runs are relative to.
    """
    arms, curves_of = _arms(record, folder)
    groups = {key: loaded.runs for key, loaded in arms.items()}
    metric = record.problem.metric
    absent = {
        "search": _absence(record, "search", bool(record.trials)),
        "range": _absence(record, "learning-rate", record.rate_test is not None),
        "recipe": "" if record.recipe_after is not None else _absence(record, "proof", False),
        "proof": _absence(record, "proof", record.before is not None),
        "curves": "" if any(groups.values()) else _absence(record, "baseline", False),
        "findings": "" if record.findings else _no_findings(record),
    }
    return ImprovementView(
        record=record,
        proof=proof(record),
        loss=_panels(groups, "loss"),
        metric=_panels(groups, metric),
        rate=_rate_panel(groups),
        curves_of=curves_of,
        rate_test=record.rate_test,
        search=search(record.trials, higher_is_better=record.problem.higher_is_better),
        findings=findings(record.findings or [f for entry in record.entries for f in entry.findings]),
        recipes=None if record.recipe_after is None else diff(record.recipe_before, record.recipe_after),
        costs=costs(record.entries),
        runs=sum(1 for _ in folder.glob("**/run.json")),
        environment=environment_rows(record.environment),
        problem=problem_rows(record),
        command=repeat_command(record),
        notes=tuple(_missing_note(key, loaded) for key, loaded in arms.items() if loaded.missing),
        absent=absent,
    )


def costs(entries: Sequence[LogEntry]) -> tuple[StepCost, ...]:
    """Seconds of each step, entries of one step together, in the order of the checklist."""
    seconds: dict[str, float] = {}
    for entry in entries:
        seconds[entry.step] = seconds.get(entry.step, 0.0) + entry.seconds
    total = sum(seconds.values()) or 1.0
    return tuple(StepCost(step, spent, spent / total) for step, spent in seconds.items())


def _arms(record: ImprovementRecord, folder: Path) -> tuple[dict[str, Loaded], str]:
    """The runs to draw: of the proof, else of the baseline alone."""
    if record.before is None or not record.before.folders:
        return {BEFORE: load_runs(folder, record.baseline_runs)}, "baseline"
    arms = {BEFORE: load_runs(folder, record.before.folders)}
    if record.after is not None and record.after.folders != record.before.folders:
        arms[AFTER] = load_runs(folder, record.after.folders)
    return arms, "proof"


def _panels(arms: dict[str, tuple[RunRecord, ...]], quantity: str) -> tuple[Panel, ...]:
    """Training split beside validation split."""
    panels = [
        Panel(
            quantity,
            split,
            tuple(
                _group(key, [evaluation_line(run, split, quantity) for run in runs])
                for key, runs in arms.items()
                if runs
            ),
        )
        for split in ("train", "val")
    ]
    return tuple(panel for panel in panels if not panel.empty)


def _rate_panel(arms: dict[str, tuple[RunRecord, ...]]) -> Panel | None:
    groups = []
    for key, runs in arms.items():
        lines = distinct([step_line(run, "lr", by_epoch=True) for run in runs])
        if lines:
            groups.append(Group(key, f"{key} (n = {len(runs)})", tuple(corners(line) for line in lines), None))
    panel = Panel("learning rate", "", tuple(groups))
    return None if panel.empty else panel


def _group(key: str, lines: Sequence[Line]) -> Group:
    made = group(key, key, lines)
    n = 0 if made.band is None else made.band.n
    lost = f", {made.diverged} diverged" if made.diverged else ""
    return Group(key, f"{key} (n = {n}{lost})", made.lines, made.band)


def _absence(record: ImprovementRecord, step: str, there: bool) -> str:
    """Why a step left nothing: skipped with its reason, not reached, or nothing came of it."""
    if there:
        return ""
    entries = [entry for entry in record.entries if entry.step == step]
    skipped = next((entry.skipped for entry in entries if entry.skipped), "")
    if skipped:
        return f"Skipped: {skipped}"
    if entries:
        return f"This step left nothing to show: {entries[-1].decision or entries[-1].seen or 'no reason was recorded'}"
    state = {"running": "the improvement is still running", "completed": "the improvement ended without it"}
    return f"Not reached: {state.get(record.status, f'the improvement was {record.status} before it')}."


def _no_findings(record: ImprovementRecord) -> str:
    if any(entry.step == "baseline" for entry in record.entries):
        return "No rule found a fault in the data or in the baseline."
    if any(entry.step == "audit" for entry in record.entries):
        return "No rule found a fault in the data. The diagnosis of the baseline was not reached."
    return "Not reached: nothing was diagnosed."


def _missing_note(key: str, loaded: Loaded) -> str:
    count = len(loaded.missing)
    of = count + len(loaded.runs)
    name, reason = loaded.missing[0]
    return f"{count} of {plural(of, 'run')} {key} could not be read and is not drawn. First: {name}: {reason}"
