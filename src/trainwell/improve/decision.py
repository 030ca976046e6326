"""The decision rule: a change is kept when the paired interval over seeds excludes zero in its favour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainwell.records import ProblemFacts, RunRecord
from trainwell.report.wording import is_share
from trainwell.stats import PairedResult, mean_interval, paired_difference

# Relative size of a difference in float32 metrics that is rounding, not effect.
_NOISE = 1e-6


@dataclass(frozen=True)
class Decision:
    """What came of one experiment on the validation split."""

    keep: bool
    difference: PairedResult
    effect: str


def decide(problem: ProblemFacts, before: Sequence[RunRecord], after: Sequence[RunRecord]) -> Decision:
    """Compare two recipes over the same seeds by the validation metric of the kept weights.

    Args:
        problem: Says which metric and which direction.
        before, after: Runs in the order of their seeds.
    """
    result = paired_difference(
        values(before),
        values(after),
        higher_is_better=problem.higher_is_better,
        worst=chance(problem),
        noise=_NOISE,
    )
    gain = result.mean if problem.higher_is_better else -result.mean
    keep = gain > 0 and result.interval is not None and result.interval.excludes(0)
    return Decision(keep, result, describe(problem, result))


def all_worse(problem: ProblemFacts, before: Sequence[RunRecord], after: Sequence[RunRecord]) -> bool:
    """Whether every run after is worse than the run before of the same seed; a diverged one is."""
    sign = 1 if problem.higher_is_better else -1
    pairs = zip(values(before), values(after), strict=True)
    return bool(after) and all(not sign * new >= sign * old for old, new in pairs)


def values(runs: Sequence[RunRecord]) -> list[float]:
    """Validation metric by run; NaN for one that never got a finite one."""
    return [run.best_metric() if not run.diverged else float("nan") for run in runs]


def chance(problem: ProblemFacts) -> float | None:
    """What a diverged run counts as: the metric's worst value, where it has one."""
    return 0.0 if problem.higher_is_better and problem.metric != "r2" else None


def describe(problem: ProblemFacts, result: PairedResult) -> str:
    """A paired difference in words."""
    text = f"validation {problem.metric} {signed(problem, result.mean)}"
    if result.interval is not None:
        low, high = signed(problem, result.interval.low), signed(problem, result.interval.high)
        text += f" (95 % interval {low} to {high}, {result.n} paired seeds)"
    if result.diverged_before or result.diverged_after:
        text += f"; diverged: {result.diverged_before} before, {result.diverged_after} after"
    return text


def summary(problem: ProblemFacts, runs: Sequence[RunRecord]) -> str:
    """Mean validation metric of some runs with its interval, in words."""
    finite = [v for v in values(runs) if v == v]
    lost = len(runs) - len(finite)
    if not finite:
        return f"all {len(runs)} runs diverged"
    estimate = mean_interval(finite)
    text = f"{problem.metric} {shown(problem, estimate.mean)}"
    if estimate.interval is not None:
        text += f" (95 % interval {shown(problem, estimate.interval.low)} to {shown(problem, estimate.interval.high)})"
    return text + f", {len(finite)} seeds" + (f"; {lost} diverged" if lost else "")


def shown(problem: ProblemFacts, value: float) -> str:
    """A metric's value for people: 97.2 % or 53.18."""
    if is_share(problem.metric):
        low_high = min(100.0, max(0.0, 100 * value))
        return f"{low_high:.1f} %"
    return f"{value:.4g}"


def signed(problem: ProblemFacts, value: float) -> str:
    """A difference of the metric for people: +1.2 points or -0.53."""
    return f"{100 * value:+.2f} points" if is_share(problem.metric) else f"{value:+.4g}"
