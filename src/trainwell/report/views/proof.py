"""The verdict: both arms, every seed, and what must not be read into it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainwell.records import Arm, Difference, ImprovementRecord
from trainwell.report.wording import (
    difference_text,
    half_width,
    interval_text,
    is_share,
    metric_text,
    number_text,
    p_text,
    plural,
)

BADGES = {"better": "better", "as good as": "equal", "cannot tell": "unsure", "worse": "worse"}


@dataclass(frozen=True)
class SeedPair:
    """Test metric of one seed in both arms, and after minus before; NaN where a run diverged."""

    seed: int
    before: float
    after: float

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True)
class Figure:
    """A number for people: the value, the line under it."""

    label: str
    value: str
    note: str
    key: str = ""


@dataclass(frozen=True)
class Proof:
    """What was compared on fresh seeds and the test split.

    Attributes:
        badge: better, equal, unsure, worse, or pending where nothing was compared.
        headline: The outcome in one short line.
        sentence: What may be claimed, word for word as recorded.
    """

    metric: str
    badge: str
    verdict: str
    headline: str
    sentence: str
    figures: tuple[Figure, ...] = ()
    pairs: tuple[SeedPair, ...] = ()
    before: Arm | None = None
    after: Arm | None = None
    difference: Difference | None = None
    not_claimed: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether there are two arms to show."""
        return bool(self.pairs)

    @property
    def diverged(self) -> tuple[int, int]:
        """Runs without a finite test metric, before and after."""
        lost = [(not math.isfinite(p.before), not math.isfinite(p.after)) for p in self.pairs]
        return sum(b for b, _ in lost), sum(a for _, a in lost)


def proof(record: ImprovementRecord) -> Proof:
    """Read the verdict of an improvement, or why there is none."""
    metric = record.problem.metric
    before, after, difference = record.before, record.after, record.difference
    if before is None or after is None or difference is None or not before.values:
        return Proof(metric, "pending", _status(record), _pending_headline(record), record.sentence)
    pairs = tuple(map(SeedPair, before.seeds, before.values, after.values))
    return Proof(
        metric,
        BADGES.get(record.verdict, "unsure"),
        record.verdict,
        _headline(record, before, after, difference),
        record.sentence,
        _figures(record, before, after, difference),
        pairs,
        before,
        after,
        difference,
        _not_claimed(record, pairs),
    )


def _status(record: ImprovementRecord) -> str:
    return {"completed": "no proof", "running": "running", "interrupted": "interrupted", "stopped": "stopped"}[
        record.status
    ]


def _pending_headline(record: ImprovementRecord) -> str:
    if record.status == "stopped":
        return "Stopped before any comparison: nothing is claimed."
    if record.status == "completed":
        return "Nothing was compared: nothing is claimed."
    verb = "Interrupted" if record.status == "interrupted" else "Still running"
    last = f" The last finished step is “{record.entries[-1].title}”." if record.entries else ""
    return f"{verb} before the proof: nothing is claimed yet.{last}"


def _headline(record: ImprovementRecord, before: Arm, after: Arm, difference: Difference) -> str:
    metric = record.problem.metric
    first = metric_text(metric, before.mean, half_width(before.interval))
    second = metric_text(metric, after.mean, half_width(after.interval))
    step = f"{first} \N{RIGHTWARDS ARROW} {second}"
    name = metric.replace("_", " ")
    if record.recipe_after is not None and record.recipe_after == record.recipe_before:
        return f"The starting recipe is kept: no change was found to be better. Test {name} {first}."
    match record.verdict:
        case "better":
            return f"The new recipe is better: test {name} {step}."
        case "worse":
            return f"The new recipe is worse: test {name} {step}."
        case "as good as":
            return f"The new recipe is as good as the old one{_within(record)}: test {name} {step}."
    if _luck_of_examples(difference):
        tests = plural(record.problem.examples.get("test", 0), "test example")
        return f"It cannot be told which recipe is better with {tests}: test {name} {step}."
    if difference.p_value is None and difference.n < 6:
        return f"It cannot be told which recipe is better from {plural(difference.n, 'seed')}: test {name} {step}."
    return f"It cannot be told which recipe is better: test {name} {step}."


def _luck_of_examples(difference: Difference) -> bool:
    """Whether the seeds agree on a difference that redrawn test examples could undo."""
    seeds, examples = difference.interval, difference.examples_interval
    return seeds is not None and examples is not None and _excludes_zero(seeds) and not _excludes_zero(examples)


def _excludes_zero(interval: tuple[float, float]) -> bool:
    return interval[0] > 0 or interval[1] < 0


def _within(record: ImprovementRecord) -> str:
    if record.margin is None or not math.isfinite(record.margin):
        return ""
    metric = record.problem.metric
    return f" within {100 * record.margin:g} points" if is_share(metric) else f" within {number_text(record.margin)}"


def _figures(record: ImprovementRecord, before: Arm, after: Arm, difference: Difference) -> tuple[Figure, ...]:
    metric = record.problem.metric
    p = p_text(difference.p_value) or "no p-value: too few seeds"
    between = _points(metric, difference.interval)
    notes = [f"95 % interval over seeds {between}" if between else "no interval over seeds"]
    if over_examples := _points(metric, difference.examples_interval):
        notes.append(f"90 % over redrawn test examples {over_examples}")
    gap = difference_text(metric, difference.mean, half_width(difference.interval))
    paired = f"n = {difference.n} paired seeds"
    return (
        _side("Before", metric, before, "before"),
        _side("After", metric, after, "after"),
        Figure("Difference", gap, ", ".join(notes), "difference"),
        Figure("How sure", p, f"{difference.method}, {paired}" if difference.method else paired, "sure"),
    )


def _points(metric: str, interval: tuple[float, float] | None) -> str:
    return interval_text(metric, interval, sign=True).replace(" %", " points")


def _side(label: str, metric: str, arm: Arm, key: str) -> Figure:
    between = interval_text(metric, arm.interval)
    lost = len(arm.values) - sum(math.isfinite(v) for v in arm.values)
    note = f"95 % interval {between}, n = {arm.n}" if between else f"n = {arm.n}"
    note += f", {lost} diverged" if lost else ""
    return Figure(label, metric_text(metric, arm.mean, half_width(arm.interval)), note, key)


def _about_examples(record: ImprovementRecord, test: int) -> str:
    if record.difference is None or record.difference.examples_interval is None:
        return f"The {test:,} test examples are one sample; another would move both values."
    return f"The interval over examples redraws the {test:,} test examples; data from elsewhere are another matter."


def _not_claimed(record: ImprovementRecord, pairs: tuple[SeedPair, ...]) -> tuple[str, ...]:
    facts = record.problem
    test = facts.examples.get("test", 0)
    said = [
        f"Other lengths of training: both recipes ran at most {number_text(record.epochs)} epochs, and the result "
        "holds there.",
        "Other data: the interval over seeds covers the luck of weights, order and noise. "
        + _about_examples(record, test),
        "Optimizers in general: two recipes were compared, not the procedures that tuned them.",
    ]
    if record.verdict == "cannot tell":
        said.append("Equality: that no difference was shown does not mean there is none.")
    lost = sum(not math.isfinite(p.before) for p in pairs), sum(not math.isfinite(p.after) for p in pairs)
    if any(lost):
        said.append(
            f"Reliability beyond these seeds: {lost[0]} of {len(pairs)} runs diverged before, {lost[1]} after. "
            "They count as the worst in the difference and are left out of the means."
        )
    return tuple(said)
