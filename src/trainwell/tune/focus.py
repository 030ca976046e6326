"""Quasi-random points first, then most of each group near the best of the earlier ones.

A model-free answer to groups of fused trials: TPE and Gaussian processes are asked for one point after another, here a
whole group is drawn at once from the spread of the best trials, axis by axis and with values taken over from each
other (estimation of distribution; Larranaga & Lozano 2002), while a part of it goes on filling the space.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainwell.records.study import Look
from trainwell.seeding import stream_seed
from trainwell.space import Axis, Choice, Space
from trainwell.tune.draws import draw

_ENOUGH = 16  # trials that have ended with a value, before anything is called near the best
_EXPLORED = 4  # of so many points one goes on filling the space
_TAKEN_OVER = 0.3  # probability that a value is that of another of the best
_OTHER_OPTION = 0.15  # probability that a choice is drawn anew
_SPREAD = 0.6  # steps from the best, in units of their own spread on the axis
_NARROWEST, _WIDEST = 0.03, 0.2  # of the scale
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
        self.facts: Mapping[str, Any] = {"name": "focus"}

    def tell(self, looks: Sequence[Look]) -> None:
        """Hear the last looks at trials that have ended."""
        self._heard |= {look.trial: look for look in looks if look.counts and math.isfinite(look.value)}

    def ask(self, first: int, count: int) -> list[dict[str, Any]]:
        """Points for a group: the first groups fill the space, later ones mostly lie near the best."""
        filling = draw(self._space, first + count, seed=self._seed)[first:]
        if len(self._heard) < _ENOUGH:
            return filling
        rng = np.random.default_rng([stream_seed(self._seed, "search"), first])
        best = self._best()
        return [
            point if n % _EXPLORED == _EXPLORED - 1 else self._near(best, rng) or point
            for n, point in enumerate(filling)
        ]

    def _best(self) -> list[dict[int, float]]:
        """The best trials by axis: those that came farthest first, the better ones first among them."""
        ranked = sorted(self._heard.values(), key=lambda look: (-look.rung, -self._sign * look.value, look.trial))
        return [self._coordinates(look.changes) for look in ranked[: max(3, round(math.sqrt(len(ranked))))]]

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

    def _near(self, best: Sequence[Mapping[int, float]], rng: np.random.Generator) -> dict[str, Any] | None:
        """A point near one of the best; None where constraints refuse all that are tried."""
        weights = np.arange(len(best), 0, -1, dtype=float)
        for _ in range(_TRIES):
            start, other = (best[i] for i in rng.choice(len(best), 2, p=weights / weights.sum()))
            unit = [self._coordinate(axis, n, start, other, best, rng) for n, axis in enumerate(self._space.axes)]
            changes = self._space.at(unit)
            if self._space.allows(changes):
                return changes
        return None

    def _coordinate(
        self,
        axis: Axis,
        n: int,
        start: Mapping[int, float],
        other: Mapping[int, float],
        best: Sequence[Mapping[int, float]],
        rng: np.random.Generator,
    ) -> float:
        """A coordinate of the unit cube, 0 to 1."""
        if n not in start:
            return float(rng.random())
        value = other[n] if n in other and rng.random() < _TAKEN_OVER else start[n]
        if isinstance(axis.dimension, Choice):
            options = len(axis.dimension.options)
            taken = rng.integers(options) if rng.random() < _OTHER_OPTION else value
            return (float(taken) + 0.5) / options
        spread = float(np.std([known[n] for known in best if n in known]))
        moved = value + float(rng.normal()) * min(_WIDEST, max(_NARROWEST, _SPREAD * spread))
        return abs(moved) if moved <= 1 else max(0.0, 2 - moved)  # reflected at the ends
