"""A search: its trials on a plane, the best so far by time, the rungs of halving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwell.records import TrialFacts

_FIRST = ("optimizer.lr", "optimizer.weight_decay")


@dataclass(frozen=True)
class Trial:
    """A trial at its last rung; x and y are its place on the plane of the search, None where not a number."""

    number: int
    x: float | None
    y: float | None
    metric: float
    loss: float
    epochs: float
    rung: int
    seconds: float
    diverged: bool
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Best:
    """A new best metric, when it was found, by which trial."""

    seconds: float
    metric: float
    number: int


@dataclass(frozen=True)
class Rung:
    """One length of halving: how many ran it, went on from it, diverged in it, and the best metric there."""

    rung: int
    epochs: float
    trials: int
    promoted: int
    diverged: int
    best: float


@dataclass(frozen=True)
class Search:
    """All of a search.

    Attributes:
        axes: Dotted paths on x and y; y is empty where one number varies alone.
        trials: One for each number, at the last rung it reached.
        looks: Every measurement, in order of time: a trial once for each rung it ran.
        winner: Number of the best trial of the longest rung; None where all diverged.
    """

    axes: tuple[str, str]
    trials: tuple[Trial, ...]
    looks: tuple[Trial, ...]
    best_so_far: tuple[Best, ...]
    rungs: tuple[Rung, ...]
    winner: int | None

    higher_is_better: bool = True

    @property
    def diverged(self) -> int:
        """How many trials diverged."""
        return sum(trial.diverged for trial in self.trials)

    @property
    def ranked(self) -> tuple[Trial, ...]:
        """Trials, longest runs first, best first among equals, diverged ones last."""
        sign = -1.0 if self.higher_is_better else 1.0
        return tuple(sorted(self.trials, key=lambda t: (t.diverged, -t.rung, 0.0 if t.diverged else sign * t.metric)))


def search(rows: Sequence[TrialFacts], *, higher_is_better: bool) -> Search | None:
    """Read a search's trials; None where there are none."""
    if not rows:
        return None
    axes = _axes(rows)
    looks = tuple(_trial(row, axes) for row in sorted(rows, key=lambda row: row.ended_at_seconds))
    last: dict[int, Trial] = {}
    for trial in looks:
        if trial.number not in last or trial.rung >= last[trial.number].rung:
            last[trial.number] = trial
    sign = 1.0 if higher_is_better else -1.0
    finite = [trial for trial in last.values() if not trial.diverged]
    longest = max((trial.rung for trial in finite), default=0)
    finalists = [trial for trial in finite if trial.rung == longest]
    winner = max(finalists, key=lambda trial: sign * trial.metric).number if finalists else None
    return Search(
        axes,
        tuple(last.values()),
        looks,
        _best_so_far(looks, sign),
        _rungs(rows, looks, sign),
        winner,
        higher_is_better,
    )


def _trial(row: TrialFacts, axes: tuple[str, str]) -> Trial:
    x, y = (_number(row.changes.get(path)) for path in axes)
    diverged = row.status in ("diverged", "failed") or not math.isfinite(row.metric)
    return Trial(
        row.number, x, y, row.metric, row.loss, row.epochs, row.rung, row.ended_at_seconds, diverged, row.changes
    )


def _axes(rows: Sequence[TrialFacts]) -> tuple[str, str]:
    """The two numbers that vary, learning rate and weight decay first."""
    seen: dict[str, set[float]] = {}
    for row in rows:
        for path, value in row.changes.items():
            if (number := _number(value)) is not None:
                seen.setdefault(path, set()).add(number)
    order = sorted(seen, key=lambda p: (_FIRST.index(p) if p in _FIRST else 9, len(seen[p]) < 2, p))
    varied = [path for path in order if len(seen[path]) > 1 or path in _FIRST]
    return (*varied[:2], "", "")[0], (*varied[:2], "", "")[1]


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def _best_so_far(looks: Sequence[Trial], sign: float) -> tuple[Best, ...]:
    best: list[Best] = []
    for trial in looks:
        if not trial.diverged and (not best or sign * trial.metric > sign * best[-1].metric):
            best.append(Best(trial.seconds, trial.metric, trial.number))
    return tuple(best)


def _rungs(rows: Sequence[TrialFacts], looks: Sequence[Trial], sign: float) -> tuple[Rung, ...]:
    promoted = {(row.rung, row.number) for row in rows if row.promoted}
    rungs = []
    for rung in sorted({trial.rung for trial in looks}):
        here = [trial for trial in looks if trial.rung == rung]
        finite = [trial.metric for trial in here if not trial.diverged]
        rungs.append(
            Rung(
                rung,
                max(trial.epochs for trial in here),
                len({trial.number for trial in here}),
                len({number for r, number in promoted if r == rung}),
                sum(trial.diverged for trial in here),
                max(finite, key=lambda value: sign * value) if finite else math.nan,
            )
        )
    return tuple(rungs)
