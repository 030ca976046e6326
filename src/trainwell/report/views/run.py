"""One run as one value: what its page shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainwell.records import RunRecord
from trainwell.report.views.curves import Group, Line, Panel, corners, evaluation_line, smoothed, step_line
from trainwell.report.views.environment import environment_rows, problem_rows, repeat_run_command
from trainwell.report.views.findings import FindingView, findings
from trainwell.report.views.proof import Figure
from trainwell.report.views.recipes import rows, to_toml
from trainwell.report.wording import metric_text, number_text, seconds_text

_WORDS = {
    "completed": "Completed",
    "stopped": "Stopped early",
    "diverged": "Diverged",
    "interrupted": "Interrupted",
    "failed": "Failed",
    "running": "Still running",
}
_SPLITS = ("train", "val", "test")
_FEWEST_TO_SMOOTH = 40


@dataclass(frozen=True)
class RawAndSmooth:
    """A series with all its points, and its centred running median where there are points enough."""

    raw: Line
    smooth: Line | None
    window: int


@dataclass(frozen=True)
class RunView:
    """Everything on the page of a run; a panel is None where nothing was recorded."""

    run: RunRecord
    headline: str
    figures: tuple[Figure, ...]
    loss: Panel | None
    metric: Panel | None
    step_loss: RawAndSmooth | None
    gradient_norm: RawAndSmooth | None
    rate: Line | None
    update_ratio: RawAndSmooth | None
    findings: tuple[FindingView, ...]
    recipe: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    problem: tuple[tuple[str, str], ...]
    model: tuple[tuple[str, str], ...]
    command: str
    toml: str
    notes: tuple[str, ...]


def run_view(run: RunRecord) -> RunView:
    """Read a run's record."""
    info = run.info
    return RunView(
        run=run,
        headline=_WORDS[info.status] + (f": {info.reason}" if info.reason else "") + ".",
        figures=_figures(run),
        loss=_panel(run, "loss"),
        metric=_panel(run, run.problem.metric),
        step_loss=_series(run, "loss"),
        gradient_norm=_series(run, "gradient_norm"),
        rate=corners(step_line(run, "lr")) if "lr" in run.steps else None,
        update_ratio=_series(run, "update_ratio"),
        findings=findings(run.findings),
        recipe=rows(info.recipe),
        environment=environment_rows(info.environment),
        problem=problem_rows(info),
        model=_model(run),
        command=repeat_run_command(info),
        toml=to_toml(info.recipe),
        notes=tuple(", ".join(f"{key}: {value}" for key, value in note.items()) for note in run.notes),
    )


def _panel(run: RunRecord, quantity: str) -> Panel | None:
    """All splits on one axis, train against validation."""
    lines = {split: evaluation_line(run, split, quantity) for split in _SPLITS}
    names = {"train": "training", "val": "validation", "test": "test"}
    groups = tuple(Group(split, names[split], (line,), None) for split, line in lines.items() if line.x)
    panel = Panel(quantity, "", groups)
    return None if panel.empty else panel


def _series(run: RunRecord, name: str) -> RawAndSmooth | None:
    raw = step_line(run, name)
    if not raw.x:
        return None
    window = max(5, len(raw.x) // 50)
    smooth = smoothed(raw, window) if len(raw.x) >= _FEWEST_TO_SMOOTH else None
    return RawAndSmooth(raw, smooth, window // 2 * 2 + 1)


def _figures(run: RunRecord) -> tuple[Figure, ...]:
    info, metric = run.info, run.problem.metric
    name = metric.replace("_", " ")
    figures = []
    if info.best is not None:
        epoch = f"epoch {number_text(round(info.best.epoch, 2))}, weights kept"
        figures.append(Figure(f"Best validation {name}", metric_text(metric, run.best_metric()), epoch, "after"))
    for split, label in (("train", "Last training loss"), ("val", "Last validation loss")):
        rows = run.evaluations(split)
        if len(rows):
            figures.append(
                Figure(
                    label,
                    number_text(float(f"{rows.loss[-1]:.4g}")),
                    f"epoch {number_text(round(float(rows.epoch[-1]), 2))}",
                )
            )
    share = f"of {info.planned_steps:,} planned" if info.planned_steps else "steps"
    figures.append(Figure("Steps", f"{info.steps:,}", share))
    pace = (
        f"{info.steps / info.seconds:,.0f} steps per second" if info.seconds > 0 and info.steps else "on " + info.device
    )
    figures.append(Figure("Time", seconds_text(info.seconds), pace))
    return tuple(figures)


def _model(run: RunRecord) -> tuple[tuple[str, str], ...]:
    facts = run.model_facts
    if facts is None:
        return ()
    kinds = [layer.kind for layer in facts.layers]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    rows = [("parameters", f"{facts.parameters:,} ({facts.trainable:,} trainable)"), ("layers", counted)]
    if facts.output_shape:
        rows.append(("output", "shape " + ", ".join(map(str, facts.output_shape))))
    return tuple(rows)


def first_non_finite(line: Line) -> float | None:
    """Where a series first holds NaN or an infinity, in the unit of x."""
    return next((x for x, y in zip(line.x, line.y, strict=True) if not math.isfinite(y)), None)
