"""Quasi-random points first, then most of each group near the best of the earlier ones.

Candidates for a group are drawn from the spread of the best trials, axis by axis and with values taken over from each
other (estimation of distribution; Larranaga & Lozano 2002), and from the whole space. A model of what trials have shown
picks among them, so that a whole group is asked for at once; a part of each group goes on filling the space.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from trainwell.records.study import Look
from trainwell.seeding import stream_seed
from trainwell.space import Axis, Choice, Space
from trainwell.tune.draws import draw
from trainwell.tune.surrogate import Surrogate

_ENOUGH = 16  # trials that have ended with a value, before anything is called near the best
_EXPLORED = 4  # of so many points one goes on filling the space
_TAKEN_OVER = 0.3  # probability that a value is that of another of the best
_OTHER_OPTION = 0.15  # probability that a choice is drawn anew
_SPREAD = 0.6  # steps from the best, in units of their own spread on the axis
_NARROWEST, _WIDEST = 0.03, 0.2  # of the scale
_OPTION = math.sqrt(0.5)  # so that two options of a choice lie as far apart as the ends of an axis
_CANDIDATES = 128  # near the best, and as many in the whole space
_TRIES = 100  # points that constraints may refuse, before one of the whole space is taken


class Focus:
    """Points near the best trials so far.

    Args:
        seed: Equal seeds and equal results give equal points.
        higher_is_better: Of the values that are told.
    """

    adaptive = True

    def __init__(self, space: Space, seed: int, *, higher_is_better: bool) -> None:
        self._space, self._seed = space, seed
        self._sign = 1.0 if higher_is_better else -1.0
        self._heard: dict[int, Look] = {}
        self._diverged: dict[int, Look] = {}
        self.facts: Mapping[str, Any] = {"name": "focus"}

    def tell(self, looks: Sequence[Look]) -> None:
        """Hear the last looks at trials that have ended."""
        self._heard |= {look.trial: look for look in looks if look.counts and math.isfinite(look.value)}
        self._diverged |= {look.trial: look for look in looks if look.status == "diverged"}

    def ask(self, first: int, count: int) -> list[dict[str, Any]]:
        """Points for a group: the first groups fill the space, later ones mostly lie near the best."""
        filling = draw(self._space, first + count, seed=self._seed)[first:]
        if len(self._heard) < _ENOUGH:
            return filling
        rng = np.random.default_rng([stream_seed(self._seed, "search"), first])
        ranked = self._ranked()
        best = [self._coordinates(look.changes) for look in ranked[: max(3, round(math.sqrt(len(ranked))))]]
        steps = [self._step(n, best) for n in range(len(self._space.axes))]
        near = [self._near(best, steps, rng) for _ in range(_CANDIDATES)]
        anywhere = draw(self._space, _CANDIDATES, seed=int(rng.integers(2**31)), method="random")
        candidates = [point for point in near if point is not None] + anywhere
        places = [n for n in range(count) if n % _EXPLORED != _EXPLORED - 1][: len(candidates)]
        chosen = self._surrogate(ranked).choose(self._positions(candidates), len(places), rng)
        for n, i in zip(places, chosen, strict=True):
            filling[n] = candidates[i]
        return filling

    def _ranked(self) -> list[Look]:
        """Trials, best first: those that came farthest, the better ones first among them."""
        return sorted(self._heard.values(), key=lambda look: (-look.rung, -self._sign * look.value, look.trial))

    def _surrogate(self, ranked: Sequence[Look]) -> Surrogate:
        """A model of the ranks, that are alike at all rungs; those that diverged share the last places."""
        lost = [self._diverged[trial] for trial in sorted(self._diverged)]
        total = len(ranked) + len(lost)
        shares = [(n + 0.5) / total for n in range(len(ranked))] + [1 - len(lost) / (2 * total)] * len(lost)
        scores = np.array([-NormalDist().inv_cdf(share) for share in shares])
        return Surrogate(self._positions([look.changes for look in (*ranked, *lost)]), scores)

    def _positions(self, points: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Where points lie, float (N, D): an axis of numbers is one dimension, a choice one for each option."""
        rows = []
        for changes in points:
            known, row = self._coordinates(changes), []
            for n, axis in enumerate(self._space.axes):
                if isinstance(axis.dimension, Choice):
                    row += [_OPTION * (known.get(n) == option) for option in range(len(axis.dimension.options))]
                else:
                    row.append(known.get(n, 0.5))
            rows.append(row)
        return np.array(rows, dtype=float)

    def _coordinates(self, changes: Mapping[str, Any]) -> dict[int, float]:
        """Positions on the axes that count for a point, by number; of an option the number itself."""
        active = self._space.active(changes)
        found: dict[int, float] = {}
        for n, axis in enumerate(self._space.axes):
            if axis in active:
                value = changes[axis.path]
                taken = axis.dimension.taken(value) if isinstance(axis.dimension, Choice) else None
                found[n] = axis.dimension.position(value) if taken is None else float(taken)
        return found

    def _step(self, n: int, best: Sequence[Mapping[int, float]]) -> float:
        """How far from the best is near them, on an axis of numbers."""
        known = [one[n] for one in best if n in one]
        return min(_WIDEST, max(_NARROWEST, _SPREAD * float(np.std(known)))) if known else _WIDEST

    def _near(
        self, best: Sequence[Mapping[int, float]], steps: Sequence[float], rng: np.random.Generator
    ) -> dict[str, Any] | None:
        """A point near one of the best; None where constraints refuse all that are tried."""
        weights = np.arange(len(best), 0, -1, dtype=float)
        for _ in range(_TRIES):
            start, other = (best[i] for i in rng.choice(len(best), 2, p=weights / weights.sum()))
            unit = [
                self._coordinate(axis, start.get(n), other.get(n), steps[n], rng)
                for n, axis in enumerate(self._space.axes)
            ]
            changes = self._space.at(unit)
            if self._space.allows(changes):
                return changes
        return None

    @staticmethod
    def _coordinate(
        axis: Axis, start: float | None, other: float | None, step: float, rng: np.random.Generator
    ) -> float:
        """A coordinate of the unit cube, 0 to 1."""
        if start is None:
            return float(rng.random())
        value = other if other is not None and rng.random() < _TAKEN_OVER else start
        if isinstance(axis.dimension, Choice):
            options = len(axis.dimension.options)
            taken = rng.integers(options) if rng.random() < _OTHER_OPTION else value
            return (float(taken) + 0.5) / options
        moved = value + float(rng.normal()) * step
        return abs(moved) if moved <= 1 else max(0.0, 2 - moved)  # reflected at the ends
