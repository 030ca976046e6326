"""Curves of a run as rules look at them: of the training loss, over steps or over the learning that was allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainwell.diagnose.questions import LARGEST, finite, start_loss
from trainwell.records import RunRecord
from trainwell.records.series import Floats, Ints
from trainwell.stats import Slope, slope_interval

_WINDOWS = 12


@dataclass(frozen=True)
class Curve:
    """Losses at numbers of updates, rising; all finite."""

    step: Ints
    loss: Floats

    def __len__(self) -> int:
        return len(self.step)

    def between(self, first: float, last: float) -> Curve:
        """The points at steps from `first` to `last`, both included."""
        keep = (self.step >= first) & (self.step <= last)
        return Curve(self.step[keep], self.loss[keep])


def evaluated(run: RunRecord, split: str) -> Curve:
    """Finite losses of the evaluations of a split, one per step."""
    rows = run.evaluations(split)
    step, loss = rows.step, rows.loss
    keep = np.abs(loss) < LARGEST
    step, last = np.unique(step[keep][::-1], return_index=True)
    return Curve(step, loss[keep][::-1][last])


def training_curve(run: RunRecord, *, fewest: int = 6) -> Curve | None:
    """The training loss from the start on: of the evaluations, or where they are few of windows of steps.

    Evaluations see one fixed subset in eval mode, so their curve shows the weights and not the luck of the batch.

    Args:
        fewest: Points that a curve must have.

    Returns:
        None where neither has enough points (windows of at least 5 steps).
    """
    curve = evaluated(run, "train")
    start = None if _is_a_batch(run, curve) else start_loss(run)
    if len(curve) and curve.step[0] > 0 and start is not None:
        curve = Curve(np.append(0, curve.step), np.append(start, curve.loss))
    if len(curve) >= fewest:
        return curve
    steps = finite(run.steps["loss"])
    windows = min(_WINDOWS, len(steps) // 5)
    if windows < fewest:
        return None
    parts = np.array_split(np.arange(len(steps)), windows)
    return Curve(
        np.array([round(float(steps.step[part].mean())) for part in parts], dtype=np.int64),
        np.array([steps.value[part].mean() for part in parts]),
    )


def _is_a_batch(run: RunRecord, curve: Curve) -> bool:
    """Whether an observed program's first loss says no more than which batch came first."""
    steps = finite(run.steps["loss"])
    if run.trace is None or not len(curve) or len(steps) < 10:
        return False
    before = steps.value[steps.step < curve.step[0]][:50]
    return len(before) >= 5 and abs(float(before[0] - curve.loss[0])) < 2 * float(before.std())


def allowed_learning(run: RunRecord, step: Ints) -> Floats:
    """Share of the run's sum of learning rates that was spent before each step, 0 to 1.

    Over this clock a run that is limited by its rate falls along a straight line, whatever its schedule.
    """
    rates = finite(run.steps["lr"])
    if not len(rates) or rates.value.sum() <= 0:
        last = max(1, int(step[-1]) if len(step) else 1)
        return np.minimum(1.0, step / last)
    spent = np.append(0.0, np.cumsum(rates.value))
    at = np.searchsorted(rates.step, step, side="left")
    share: Floats = spent[at] / spent[-1]
    return share


def trend(x: Floats | Ints, y: Floats, level: float = 0.95) -> Slope | None:
    """Slope with its interval; None below 3 points at different places."""
    at: Floats = np.asarray(x, dtype=np.float64)
    distinct = np.append(True, np.diff(at) > 0) if len(at) else np.zeros(0, bool)
    return slope_interval(at[distinct], y[distinct], level) if distinct.sum() >= 3 else None


def falls(slope: Slope | None) -> bool:
    """Whether a slope is negative beyond doubt."""
    return slope is not None and slope.interval is not None and slope.interval.high < 0


def rises(slope: Slope | None) -> bool:
    """Whether a slope is positive beyond doubt."""
    return slope is not None and slope.interval is not None and slope.interval.low > 0


def running_median(values: Floats, width: int) -> Floats:
    """Medians of every `width` successive values: shape (n - width + 1,)."""
    medians: Floats = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
    return medians
