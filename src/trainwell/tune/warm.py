"""Points to begin with: the best of earlier studies, where the space has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.records.study import load_study
from trainwell.space import Space

_BEST = 5  # points of each earlier study


def points_of(earlier: Sequence[str | Path], space: Space, problem: Problem) -> list[Mapping[str, Any]]:
    """The best points of earlier studies that lie in a space.

    Raises:
        RecordError: If a folder holds no study.
        UsageError: If none of its points lies in the space; says why.
    """
    found: list[Mapping[str, Any]] = []
    for folder in earlier:
        record = load_study(folder)
        rung = max((look.rung for look in record.looks if look.counts), default=0)
        looks = [look for look in record.at(rung) if look.counts][:_BEST]
        if not looks:
            raise UsageError(f"`earlier` must be studies with finished trials, got none in {folder}. Leave it out")
        fitting = [look.changes for look in looks if not misfit(space, look.changes)]
        if not fitting:
            raise UsageError(
                f"`earlier` must have points in this space, got none in {folder}: {misfit(space, looks[0].changes)}"
            )
        found += [point for point in fitting if point not in found]
    return found


def misfit(space: Space, changes: Mapping[str, Any]) -> str:
    """Why a point does not lie in a space; empty where it does."""
    axes = space.active(changes)
    for path in changes:
        if path not in space.paths:
            return f"{path} does not vary here"
    missing = sorted(set(space.dimensions) - set(changes))
    if missing:
        return f"{missing[0]} did not vary there"
    for axis in axes:
        position = axis.dimension.position(changes[axis.path])
        if not -1e-9 <= position <= 1 + 1e-9:
            return f"{axis.path} = {changes[axis.path]} lies outside of {axis.dimension}"
    return "" if space.allows(changes) else "a constraint forbids it"
