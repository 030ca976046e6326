"""What came of a study, in numbers and words."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from trainwell.recipe import Recipe
from trainwell.records.study import Finalist, Look, RungCorrelation, StudyRecord, StudyResult, StudyStatus
from trainwell.report.wording import interval_text, is_share, metric_text
from trainwell.space import Choice, Space
from trainwell.stats import Estimate, mean_interval
from trainwell.tune.progress import Counts

_FEWEST_RANKS = 5  # trials for a rank correlation
_HALF = 0.5  # share of diverged trials above which the space is badly scaled


def outcome(
    record: StudyRecord,
    *,
    status: StudyStatus,
    seconds: float,
    confirm_steps: int,
    finalists: Sequence[Finalist] = (),
    measured: Sequence[float] = (),
    workers: int = 1,
    notes: Sequence[str] = (),
) -> StudyResult:
    """Put the result of a study together.

    Args:
        record: With all looks.
        finalists: Best first, as chosen on fresh seeds; empty where nothing was confirmed.
        measured: Values of the winner on seeds of their own.
    """
    counts, full = Counts.of(record), record.full
    chosen = next((f for f in finalists if f.mean is not None), None)
    best = next((look for look in full if chosen is None or look.trial == chosen.trial), None)
    finite = [v for v in measured if math.isfinite(v)]
    estimate = mean_interval(finite) if len(finite) >= 2 else None
    interval = None if estimate is None else _within(record.plan.watch, estimate)
    base = Recipe(**record.plan.recipe)
    return StudyResult(
        status=status,
        seconds=round(seconds, 3),
        steps=sum(look.steps for look in record.latest) + confirm_steps,
        trials=len(record.latest),
        done=counts.done,
        dropped=counts.dropped,
        diverged=counts.diverged,
        failed=counts.failed,
        winner=None if best is None else best.trial,
        changes={} if best is None else dict(best.changes),
        recipe={} if best is None else base.with_(best.changes).to_dict(),
        seen=full[0].value if full else None,
        measured=tuple(measured),
        mean=None if not finite else sum(finite) / len(finite),
        interval=interval,
        finalists=tuple(finalists),
        correlations=tuple(correlations(record)),
        sentence=sentence(record, best, measured, finalists),
        advice=(*advice(record, best), *notes),
        workers=workers,
    )


def correlations(record: StudyRecord) -> Iterator[RungCorrelation]:
    """How well the shorter rungs foretold the longer ones: each with the longest that enough trials share with it."""
    full = record.full
    if not full:
        return
    for rung in range(len(record.plan.rungs) - 1):
        looks = record.at(rung)
        there = {look.trial: look for look in looks if look.counts}
        if full[0].trial not in there:
            continue
        found = {
            later: [(there[look.trial].value, look.value) for look in record.at(later) if look.counts]
            for later in range(rung + 1, len(record.plan.rungs))
            if all(look.trial in there for look in record.at(later) if look.counts)
        }
        longest = max((later for later, pairs in found.items() if len(pairs) >= _FEWEST_RANKS), default=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # equal values have no ranks: the answer is NaN
            rho = math.nan if longest is None else float(spearmanr(np.array(found[longest])).statistic)
        yield RungCorrelation(
            rung=rung,
            epochs=max(look.epochs for look in looks),
            rho=rho,
            n=0 if longest is None else len(found[longest]),
            with_epochs=math.nan if longest is None else max(look.epochs for look in record.at(longest)),
            winner_place=[look.trial for look in looks].index(full[0].trial) + 1,
            trials=len(looks),
        )


def sentence(record: StudyRecord, best: Look | None, measured: Sequence[float], finalists: Sequence[Finalist]) -> str:
    """The result in words."""
    plan = record.plan
    watch = f"validation {plan.watch.replace('_', ' ')}"
    length = f"{plan.epochs:g} epochs" if float(plan.epochs).is_integer() else f"{plan.full_steps:,} steps"
    latest = record.latest
    if best is None:
        lost = sum(look.status == "diverged" for look in latest)
        if latest and lost == len(latest):
            return f"All {lost} trials diverged: nothing can be recommended. Tried: {tried(record)}."
        broken = next((look.reason for look in latest if look.status == "failed"), "")
        if latest and all(look.status in ("failed", "diverged") for look in latest):
            return f"No trial could be trained: {broken}"
        if lost and all(look.trial in _dropped(record) for look in latest):
            return (
                f"No trial came through: {lost} of {len(latest)} diverged, among them all that went on to {length}. "
                f"Tried: {tried(record)}."
            )
        return f"No trial reached the full length of {length}: nothing can be claimed for it. Raise the budget."
    what = changes_text(best)
    if not measured or not any(map(math.isfinite, measured)):
        return (
            f"Best of {len(latest)} trials: {what}, {watch} {metric_text(plan.watch, best.value)} on one seed, the one "
            "it was chosen by: expect less."
        )
    finite = [v for v in measured if math.isfinite(v)]
    alike = len(measured) > 1 and len(finite) == len(measured) and len(set(finite)) == 1
    on = f"On each of {len(measured)}" if alike else f"On {len(measured)}"
    text = f"Best of {len(latest)} trials: {what}. {on} fresh seeds it reaches {watch} "
    estimate = mean_interval(finite) if len(finite) >= 2 else None
    interval = None if estimate is None else _within(plan.watch, estimate)
    if interval is not None:
        half = (interval[1] - interval[0]) / 2
        mean, ends = metric_text(plan.watch, sum(finite) / len(finite), half), interval_text(plan.watch, interval)
        text += f"{mean} (95 % interval {ends})"
    else:
        text += metric_text(plan.watch, sum(finite) / len(finite))
    lost = len(measured) - len(finite)
    text += f", {lost} of them diverged" if lost else ""
    text += f" after {length}; the search had seen {metric_text(plan.watch, record.full[0].value)}"
    return text + (f", the best of {len(record.full)} full trials." if len(record.full) > 1 else ".")


def _within(watch: str, estimate: Estimate) -> tuple[float, float] | None:
    """The interval of a mean, within what the metric can be; None where equal values say nothing of their spread."""
    if estimate.interval is None or estimate.interval.low == estimate.interval.high:
        return None
    low, high = estimate.interval.to_list()
    return (max(0.0, low), min(1.0, high)) if is_share(watch) else (low, high)


def advice(record: StudyRecord, best: Look | None) -> Iterator[str]:
    """What a person should know or do next."""
    space = Space.from_plain(record.plan.space)
    latest = record.latest
    lost = sum(look.status == "diverged" for look in latest)
    if latest and lost > _HALF * len(latest):
        yield (
            f"{lost} of {len(latest)} trials diverged: the space is badly scaled. Lower the upper end of the learning "
            "rate, or run the range test: trainwell lr"
        )
    failed = [look for look in latest if look.status == "failed"]
    if failed:
        yield f"{len(failed)} trials could not be trained. First: trial {failed[0].trial}: {failed[0].reason}"
    if best is not None and record.copies:
        yield from _of_population(record, best)
    if best is not None:
        for path, edge in space.edges(best.changes).items():
            if _may_widen(record, path, edge, space):
                more = "lower" if edge == "low" else "higher"
                yield (
                    f"the best value of {path}, {_number(best.changes[path])}, sits at the {edge} edge of the space: "
                    f"widen it to {more} values"
                )


def lineage(record: StudyRecord, trial: int) -> list[tuple[int, Mapping[str, Any]]]:
    """The values that the weights of a member were trained with: (first rung, point), from the start to the end."""
    points = {t: changes for asked in record.asked for t, changes in zip(asked.trials, asked.points, strict=True)}
    stages: list[tuple[int, Mapping[str, Any]]] = []
    for one in sorted(record.copies, key=lambda one: -one.rung):
        if one.trial == trial:
            stages.append((one.rung + 1, one.changes))
            trial = one.source
    return [(0, points[trial]), *reversed(stages)]


def _of_population(record: StudyRecord, best: Look) -> Iterator[str]:
    stages = lineage(record, best.trial)
    if len(stages) == 1:
        return
    parts = len(record.plan.rungs)
    moved = [path for path in best.changes if len({_number(point[path]) for _, point in stages}) > 1]
    told = "; ".join(
        f"{path} " + ", ".join(f"{_number(point[path])} from {100 * rung / parts:.0f} %" for rung, point in stages)
        for path in moved
    )
    yield (
        f"the values of the best member changed while it trained ({told}). The recipe has its last values; what is "
        "measured on fresh seeds is this recipe from the start, not that history"
    )


def _may_widen(record: StudyRecord, path: str, edge: str, space: Space) -> bool:
    """Whether the recipe would take a value beyond the edge: a weight decay has no edge below 0."""
    axis = next(axis for axis in space.axes if axis.path == path)
    if isinstance(axis.dimension, Choice):
        return True
    low, high = axis.dimension.ends()
    beyond = low - 0.01 * (high - low) if edge == "low" and low <= 0 else low / 2 if edge == "low" else None
    if beyond is None:
        beyond = 1 - (1 - high) / 2 if 0.9 <= high < 1 else high + 0.01 * (high - low)
    try:
        Recipe(**record.plan.recipe).with_({path: beyond if not isinstance(low, int) else round(beyond)})
    except ValueError:
        return False
    return True


def tried(record: StudyRecord) -> str:
    """The ranges that trials had, by path."""
    values: dict[str, list[object]] = {}
    for look in record.latest:
        for path, value in look.changes.items():
            values.setdefault(path, []).append(value)
    told = []
    for path, column in values.items():
        numbers = [v for v in column if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) == len(column):
            told.append(f"{path} {_number(min(numbers))} to {_number(max(numbers))}")
        else:
            told.append(f"{path} {', '.join(dict.fromkeys(map(_number, column)))}")
    return "; ".join(told)


def _dropped(record: StudyRecord) -> set[int]:
    return {trial for decision in record.decisions for trial in decision.dropped}


def changes_text(look: Look) -> str:
    """The point of a trial in words."""
    return ", ".join(f"{path} = {_number(value)}" for path, value in look.changes.items())


def _number(value: object) -> str:
    from trainwell.space.choice import named

    return named(value)
