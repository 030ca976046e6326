"""Curves of runs: one line for each run, and the mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from trainwell.errors import RecordError
from trainwell.records import RunRecord, load_run
from trainwell.stats import mean_interval

Floats = NDArray[np.float64]
_ENDED = ("completed", "stopped")
_FEWEST_FOR_BAND = 3  # the interval of two values is 9 times as wide as their distance


@dataclass(frozen=True)
class Line:
    """One run's values, in order; values that are not finite stay in.

    Attributes:
        ended: Status of the run.
        broke_at: Where a diverged run ended, in the unit of x; None for others.
    """

    name: str
    seed: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    ended: str = "completed"
    broke_at: float | None = None


@dataclass(frozen=True)
class Band:
    """Mean over n runs at each x, with the 95 % interval of the mean (equal to the mean for one or two runs)."""

    x: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int


@dataclass(frozen=True)
class Group:
    """Runs that share a colour: an arm of the proof, or the runs of one recipe."""

    key: str
    label: str
    lines: tuple[Line, ...]
    band: Band | None

    @property
    def diverged(self) -> int:
        """How many of its runs diverged."""
        return sum(1 for line in self.lines if line.ended == "diverged")


@dataclass(frozen=True)
class Panel:
    """One quantity over training: what, of which split, in which unit of x."""

    quantity: str
    split: str
    groups: tuple[Group, ...]
    x_title: str = "epoch"

    @property
    def empty(self) -> bool:
        """Whether no run measured it."""
        return not any(np.isfinite(line.y).any() for group in self.groups for line in group.lines if line.y)


@dataclass(frozen=True)
class Loaded:
    """Runs that could be read, and the folders that could not, with the reason."""

    runs: tuple[RunRecord, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


def load_runs(folder: Path, names: Sequence[str]) -> Loaded:
    """Read runs by folder relative to an improvement's; what cannot be read is listed, not fatal."""
    runs, missing = [], []
    for name in dict.fromkeys(names):
        try:
            runs.append(load_run(folder / name))
        except (RecordError, OSError) as error:
            missing.append((name, str(error)))
    return Loaded(tuple(runs), tuple(missing))


def evaluation_line(run: RunRecord, split: str, quantity: str) -> Line:
    """Loss ("loss") or a metric of one split by epoch."""
    rows = run.evaluations(split)
    values = rows.loss if quantity == "loss" else rows.metric(quantity)
    return _line(run, rows.epoch, values)


def step_line(run: RunRecord, name: str, *, by_epoch: bool = False) -> Line:
    """A series of the run by step, all points; by epoch where the length of an epoch is known."""
    series = run.steps[name]
    scale = run.info.steps_per_epoch if by_epoch and run.info.steps_per_epoch else 1
    return _line(run, series.step / scale, series.value)


def _line(run: RunRecord, x: Floats, y: Floats) -> Line:
    broke_at = float(x[-1]) if run.diverged and len(x) else None
    return Line(run_name(run), run.seed, _floats(x), _floats(y), run.status, broke_at)


def run_name(run: RunRecord) -> str:
    """A run's folder name, or its seed."""
    return run.folder.name if run.folder is not None else f"seed {run.seed}"


def band(lines: Sequence[Line]) -> Band | None:
    r"""Mean over runs and 95 % interval of that mean, $\bar x \pm t\, s / \sqrt n$, at each x.

    Only over runs that ended as planned or by early stopping, and only where each of them has a value: the mean is
    over the same runs all along, so it never jumps because a run dropped out. Where no run ended so, over all.

    Returns:
        The band; None where the runs share no x with finite values.
    """
    sound = [line for line in lines if line.ended in _ENDED] or list(lines)
    tables = [{round(x, 6): y for x, y in zip(line.x, line.y, strict=True) if np.isfinite(y)} for line in sound]
    if not tables:
        return None
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    if not shared:
        return None
    estimates = [mean_interval([table[x] for table in tables]) for x in shared]
    show = len(tables) >= _FEWEST_FOR_BAND
    limits = [(e.interval.low, e.interval.high) if e.interval and show else (e.mean, e.mean) for e in estimates]
    return Band(
        tuple(shared),
        tuple(e.mean for e in estimates),
        tuple(low for low, _ in limits),
        tuple(high for _, high in limits),
        len(tables),
    )


def group(key: str, label: str, lines: Sequence[Line]) -> Group:
    """Lines with their band."""
    kept = tuple(line for line in lines if line.x)
    return Group(key, label, kept, band(kept))


def distinct(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines without those whose values all stand in another line: schedules are the same for every seed."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda candidate: -len(candidate.x)):
        length = len(line.x)
        if length and not any(other.y[:length] == line.y and other.x[:length] == line.x for other in kept):
            kept.append(line)
    return tuple(kept)


def corners(line: Line) -> Line:
    """The same piecewise linear curve with fewer points: inner points on a straight line are left out exactly."""
    x, y = np.array(line.x), np.array(line.y)
    if len(x) < 3:
        return line
    with np.errstate(invalid="ignore"):
        slopes = np.diff(y) / np.diff(x)
        bend = ~np.isclose(slopes[1:], slopes[:-1], rtol=1e-9, atol=0.0)
    keep = np.concatenate([[True], bend, [True]])
    return Line(line.name, line.seed, _floats(x[keep]), _floats(y[keep]), line.ended, line.broke_at)


def smoothed(line: Line, window: int) -> Line:
    """Centred running median over the finite values: it neither lags nor runs ahead, and a spike does not spread.

    The window (made odd) is cut at both ends; values that are not finite stay gaps.
    """
    values = np.array(line.y)
    finite = values[np.isfinite(values)]
    half = min(window, len(finite)) // 2
    middle = scipy.ndimage.median_filter(finite, size=2 * half + 1) if half else finite.copy()
    for k in range(half):
        middle[k] = np.median(finite[: k + half + 1])
        middle[-k - 1] = np.median(finite[-k - half - 1 :])
    result = np.full(len(values), np.nan)
    result[np.isfinite(values)] = middle
    return Line(line.name, line.seed, line.x, _floats(result), line.ended, line.broke_at)


def spread_ratio(panels: Sequence[Panel]) -> float:
    """Largest over smallest positive value of all lines; 1 where there are none. Wide ones read best on a log axis."""
    values = np.concatenate([[1.0], *(np.array(line.y) for p in panels for g in p.groups for line in g.lines)])[1:]
    positive = values[np.isfinite(values) & (values > 0)]
    return float(positive.max() / positive.min()) if len(positive) else 1.0


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
