"""What a result can bear witness of: a comparison, or plain runs beside each other."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainwell.compare.repeating import repeat_command
from trainwell.errors import RecordError
from trainwell.recipe import Recipe
from trainwell.records import RunRecord
from trainwell.records.comparison import ComparisonRecord, PairClaim, load_comparison
from trainwell.report.views.curves import load_runs

_METRIC_WORDS = ("accuracy", "loss", "error", "perplexity", "auroc", "f1", "r2", "mse", "mae", "score")


@dataclass(frozen=True)
class Evidence:
    """What a claim is held against.

    Attributes:
        names: What contenders may be called, lower case, to their names.
        horizons: Lengths that were tuned for. [`length_unit`]
        tuned: Whether contenders were tuned alike; `studies` how often independently.
        units: Independent units of each contender: studies, seeds, or runs.
        metric: What was measured, in words.
        record: The comparison; None for plain runs.
        command: What would find out.
    """

    names: Mapping[str, str]
    contenders: tuple[str, ...]
    horizons: tuple[int, ...]
    steps: tuple[int, ...]
    tuned: bool
    studies: int
    units: int
    unit: str
    metric: str
    higher_is_better: bool
    measured_time: bool
    problems: tuple[str, ...]
    record: ComparisonRecord | None
    command: str
    length_unit: str = "epochs"

    @property
    def metric_words(self) -> tuple[str, ...]:
        """Words by which a text may name the metric."""
        return tuple(dict.fromkeys([self.metric, *_METRIC_WORDS]))

    def pairs(self, a: str, b: str) -> list[tuple[PairClaim, bool]]:
        """Claims about a pair, with whether a comes second in it."""
        if self.record is None:
            return []
        every = (*self.record.pairs, *self.record.extra_pairs)
        return [(p, p.a == b) for p in every if {p.a, p.b} == {a, b}]


def evidence_of(result: str | Path | ComparisonRecord) -> Evidence:
    """Read a result.

    Raises:
        RecordError: If it is neither a comparison nor a folder of runs.
    """
    if isinstance(result, ComparisonRecord):
        return _of_comparison(result)
    folder = Path(result)
    if (folder / "comparison.json").is_file():
        return _of_comparison(load_comparison(folder))
    names = sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob("**/run.json"))
    runs = load_runs(folder, names).runs if folder.is_dir() else ()
    if not runs:
        raise RecordError(f"`{folder}` must hold a comparison or several runs, got none there. Name such a folder")
    return _of_runs(runs)


def _of_comparison(record: ComparisonRecord) -> Evidence:
    protocol = record.protocol
    names = {c.name.lower(): c.name for c in protocol.contenders}
    by_kind: dict[str, list[str]] = defaultdict(list)
    for contender in protocol.contenders:
        for called in {contender.optimizer, contender.spec, *_called(contender.optimizer)}:
            by_kind[called.lower()].append(contender.name)
    names |= {called: found[0] for called, found in by_kind.items() if len(found) == 1 and called not in names}
    return Evidence(
        names=names,
        contenders=tuple(c.name for c in protocol.contenders),
        horizons=protocol.horizons,
        steps=(),
        tuned=not protocol.repeats,
        studies=0 if protocol.repeats else protocol.studies,
        units=protocol.studies if protocol.claim == "C2" else protocol.seeds,
        unit="studies" if protocol.claim == "C2" else "splits" if protocol.repeats else "seeds",
        metric=protocol.problems[0].facts.metric.replace("_", " "),
        higher_is_better=protocol.problems[0].facts.higher_is_better,
        measured_time=any(p.claim == "C4" for p in record.extra_pairs),
        problems=tuple(p.facts.name for p in protocol.problems),
        record=record,
        command=repeat_command(protocol),
        length_unit="epochs" if protocol.equal == "steps" else "seconds",
    )


def _of_runs(runs: tuple[RunRecord, ...]) -> Evidence:
    """Runs beside each other: equal recipes are one contender, seeds its units, and nothing was tuned on record."""
    groups: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        groups[json.dumps(run.info.recipe, sort_keys=True, default=str)].append(run)
    labels: dict[str, str] = {}
    for same in groups.values():
        optimizer = str(same[0].recipe_value("optimizer.name", "run"))
        name = optimizer if optimizer not in labels.values() else f"{optimizer} {len(labels) + 1}"
        labels[name.lower()] = name
    epochs = {round(run.info.planned_steps / max(1, run.info.steps_per_epoch)) for run in runs}
    problem = runs[0].problem
    return Evidence(
        names=labels,
        contenders=tuple(labels.values()),
        horizons=tuple(sorted(epochs)),
        steps=tuple(sorted({run.info.planned_steps for run in runs})),
        tuned=False,
        studies=0,
        units=min(len({run.seed for run in same}) for same in groups.values()),
        unit="runs",
        metric=problem.metric.replace("_", " "),
        higher_is_better=problem.higher_is_better,
        measured_time=False,
        problems=tuple(dict.fromkeys(run.problem.name for run in runs)),
        record=None,
        command=f"trainwell compare {runs[0].info.problem_spec or problem.name} {' '.join(labels.values())} "
        f"--horizons {','.join(map(str, sorted(epochs)))}",
    )


def _called(optimizer: str) -> tuple[str, ...]:
    """Other words for an optimizer."""
    return {
        "sgd-momentum": ("momentum", "sgd with momentum", "momentum sgd"),
        "nesterov": ("nesterov momentum",),
        "sgd": ("plain sgd",),
    }.get(optimizer, ())


def known_optimizers() -> tuple[str, ...]:
    """Names of optimizers that a text may mention."""
    return tuple(Recipe.families["optimizer"])
