"""Several runs beside each other: a table, and curves coloured by recipe."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainwell.records import RunRecord
from trainwell.report.views.curves import Group, Loaded, Panel, evaluation_line, group, load_runs
from trainwell.report.views.recipes import flatten, varied
from trainwell.report.wording import NOTHING, metric_text, number_text, seconds_text, value_text

_MOST_WORDS = 4


@dataclass(frozen=True)
class ComparedRun:
    """One row of the table, as text; `group` is the index of its recipe."""

    name: str
    group: int
    seed: int
    status: str
    reason: str
    fields: tuple[str, ...]
    best: str
    best_value: float
    best_epoch: str
    loss: str
    steps: str
    seconds: str


@dataclass(frozen=True)
class ComparisonView:
    """Everything on the page of several runs.

    Attributes:
        columns: Recipe fields in which the runs differ.
        rows: Best first; runs of different problems keep their own metric and are not ranked against each other.
        problems: Names of the problems; a comparison holds for one.
        unreadable: Folders that hold no readable run, with the reason.
    """

    title: str
    metric: str
    columns: tuple[str, ...]
    rows: tuple[ComparedRun, ...]
    groups: tuple[str, ...]
    loss: tuple[Panel, ...]
    metric_panels: tuple[Panel, ...]
    problems: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]


def find_runs(folder: Path) -> Loaded:
    """All runs below a folder, in order of their names."""
    return load_runs(folder, sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob("**/run.json")))


def comparison_view(loaded: Loaded, title: str, root: Path) -> ComparisonView:
    """Put runs beside each other; runs whose recipes are equal share a colour."""
    runs = loaded.runs
    columns = varied([run.info.recipe for run in runs])
    keys = [json.dumps(run.info.recipe, sort_keys=True, default=str) for run in runs]
    order = list(dict.fromkeys(keys))
    problems = tuple(dict.fromkeys(f"{run.problem.name} ({run.problem.fingerprint})" for run in runs))
    labels = [_label(runs[keys.index(key)], columns) for key in order]
    first = runs[0].problem
    rows = [_row(run, order.index(key), columns, root) for run, key in zip(runs, keys, strict=True)]
    sign = -1.0 if first.higher_is_better else 1.0
    if len(problems) == 1:
        rows.sort(
            key=lambda row: (
                not math.isfinite(row.best_value),
                sign * row.best_value if math.isfinite(row.best_value) else 0.0,
            )
        )

    by_recipe = [[run for run, own in zip(runs, keys, strict=True) if own == key] for key in order]

    def panels(quantity: str) -> tuple[Panel, ...]:
        made = [
            Panel(
                quantity, split, tuple(_group(k, labels[k], same, split, quantity) for k, same in enumerate(by_recipe))
            )
            for split in ("train", "val")
        ]
        return tuple(panel for panel in made if not panel.empty)

    return ComparisonView(
        title,
        first.metric,
        columns,
        tuple(rows),
        tuple(labels),
        panels("loss"),
        panels(first.metric),
        problems,
        loaded.missing,
    )


def _group(index: int, label: str, runs: Sequence[RunRecord], split: str, quantity: str) -> Group:
    made = group(str(index), label, [evaluation_line(run, split, quantity) for run in runs])
    lost = f", {made.diverged} diverged" if made.diverged else ""
    n = 0 if made.band is None else made.band.n
    return Group(made.key, f"{label} (n = {n}{lost})", made.lines, made.band)


def _row(run: RunRecord, index: int, columns: Sequence[str], root: Path) -> ComparedRun:
    fields, best, metric = dict(flatten(run.info.recipe)), run.info.best, run.problem.metric
    value = run.best_metric() if not run.diverged else math.nan
    return ComparedRun(
        name="run" if run.folder is None else run.folder.relative_to(root).as_posix(),
        group=index,
        seed=run.seed,
        status=run.status,
        reason=run.info.reason,
        fields=tuple(value_text(fields[c]) if c in fields else NOTHING for c in columns),
        best=metric_text(metric, value) if best else NOTHING,
        best_value=value,
        best_epoch=number_text(round(best.epoch, 2)) if best else NOTHING,
        loss=number_text(float(f"{best.loss:.4g}")) if best else NOTHING,
        steps=f"{run.info.steps:,}",
        seconds=seconds_text(run.info.seconds),
    )


def _label(run: RunRecord, columns: Sequence[str]) -> str:
    """What tells a recipe from the others: names of parts and the rate first."""
    fields = dict(flatten(run.info.recipe))
    own = sorted((c for c in columns if c in fields), key=lambda c: (not c.endswith(".name"), c != "optimizer.lr"))
    told = [
        value_text(fields[c])
        if c.endswith(".name")
        else f"{c.rpartition('.')[2].replace('_', ' ')} {value_text(fields[c])}"
        for c in own
    ]
    more = " \N{HORIZONTAL ELLIPSIS}" if len(told) > _MOST_WORDS else ""
    return ", ".join(told[:_MOST_WORDS]) + more if told else "one recipe"
