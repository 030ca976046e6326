"""A study as one value: what its page shows."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from trainwell.records import TrialFacts
from trainwell.records.study import Look, StudyRecord, StudyResult
from trainwell.report.views.environment import environment_rows
from trainwell.report.views.learned import Learned, learned
from trainwell.report.views.search import Search, search
from trainwell.report.wording import metric_text, number_text, plural, seconds_text, setting_text
from trainwell.space import Space
from trainwell.space.choice import named


@dataclass(frozen=True)
class Figure:
    """A number of the headline."""

    label: str
    value: str
    note: str
    key: str = ""


@dataclass(frozen=True)
class StudyView:
    """Everything on the page of a study."""

    record: StudyRecord
    result: StudyResult | None
    headline: str
    figures: tuple[Figure, ...]
    winner: tuple[tuple[str, str], ...]
    finalists: tuple[tuple[str, ...], ...]
    search: Search | None
    learned: Learned | None
    space: tuple[str, ...]
    command: str
    settings: str
    asked: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]


def study_view(record: StudyRecord) -> StudyView:
    """Read a study at any stage."""
    plan, result = record.plan, record.result
    winner = {} if result is None else result.changes
    going = {(decision.rung, trial) for decision in record.decisions for trial in decision.going_on}
    return StudyView(
        record=record,
        result=result,
        headline=_headline(record),
        figures=tuple(_figures(record)),
        winner=tuple((path, named(value)) for path, value in winner.items()),
        finalists=tuple(_finalists(record)),
        search=search(
            [_facts(look, (look.rung, look.trial) in going) for look in record.looks if look.status != "stopped"],
            higher_is_better=plan.higher_is_better,
        ),
        learned=learned(record),
        space=tuple(Space.from_plain(plan.space).describe()),
        command=_command(record),
        settings=" ".join(f"--set {shlex.quote(setting_text(path, value))}" for path, value in winner.items()),
        asked=tuple(_asked(record)),
        environment=environment_rows(plan.environment),
    )


def _headline(record: StudyRecord) -> str:
    result = record.result
    if result is None:
        return f"{plural(len(record.latest), 'trial')} so far"
    if result.winner is None:
        return "Nothing can be recommended"
    value = result.mean if result.mean is not None else result.seen
    return f"{record.plan.watch.replace('_', ' ').capitalize()} {metric_text(record.plan.watch, value)}"


def _figures(record: StudyRecord) -> list[Figure]:
    plan, result = record.plan, record.result
    if result is None:
        return []
    found = []
    if result.mean is not None:
        found.append(Figure("measured", metric_text(plan.watch, result.mean), f"{len(result.measured)} fresh seeds"))
    if result.seen is not None:
        found.append(
            Figure("seen in the search", metric_text(plan.watch, result.seen), "one seed, the best of many: too good")
        )
    found.append(Figure("trials", number_text(result.trials), f"{result.done} at full length"))
    found.append(Figure("time", seconds_text(result.seconds), f"{result.steps:,} steps"))
    return found


def _finalists(record: StudyRecord) -> list[tuple[str, ...]]:
    plan, result = record.plan, record.result
    rows: list[tuple[str, ...]] = []
    for place, finalist in enumerate(result.finalists if result else (), 1):
        rows.append(
            (
                f"{place}",
                f"{finalist.trial}",
                ", ".join(f"{path} = {named(value)}" for path, value in finalist.changes.items()),
                metric_text(plan.watch, finalist.searched),
                ", ".join(metric_text(plan.watch, value) for value in finalist.values),
                metric_text(plan.watch, finalist.mean),
            )
        )
    return rows


def _facts(look: Look, promoted: bool) -> TrialFacts:
    return TrialFacts(
        number=look.trial,
        changes=look.changes,
        epochs=look.epochs,
        rung=look.rung,
        metric=look.value,
        loss=look.loss,
        status=look.status,
        ended_at_seconds=look.seconds,
        promoted=promoted,
    )


def _command(record: StudyRecord) -> str:
    """The command that repeats a study; empty for a problem made in memory."""
    plan = record.plan
    if not plan.problem_spec:
        return ""
    words = ["trainwell", "tune", plan.problem_spec, "--seed", str(plan.seed), "--method", plan.method]
    words += ["--halving", plan.halving]
    flags = {"trials": "--trials", "seconds": "--budget", "steps": "--steps"}
    for name, value in plan.budget.items():
        words += [flags[name], f"{value:g}"]
    return shlex.join(words)


def _asked(record: StudyRecord) -> list[tuple[str, str]]:
    plan = record.plan
    rungs = ", ".join(f"{100 * share:.3g} %" for share in plan.rungs)
    return [
        ("problem", f"{plan.problem.name}, {plan.problem.task}"),
        ("decided by", f"validation {plan.watch}, {'higher' if plan.higher_is_better else 'lower'} is better"),
        ("full length", f"{plan.epochs:g} epochs, {plan.full_steps:,} steps"),
        ("method", ", ".join(f"{key} {value}" for key, value in plan.sampler.items()) or plan.method),
        ("halving", f"{plan.halving}, rungs at {rungs} of the full length; a short run is {_PROXIES[plan.proxy]}"),
        ("budget", ", ".join(f"{name} {value:g}" for name, value in plan.budget.items()) or "64 trials"),
        ("master seed", str(plan.seed)),
        ("started", plan.started),
    ]


_PROXIES = {"inside": "the inside of the long one", "own": "a run with its own short schedule"}
