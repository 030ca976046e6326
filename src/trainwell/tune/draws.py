"""Points of a space: quasi-random, random, or on a grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from scipy.stats import qmc

from trainwell.errors import BudgetError, UsageError, unknown_name
from trainwell.seeding import stream_seed
from trainwell.space import Choice, Dimension, Fixed, Space

Method = Literal["sobol", "halton", "random", "grid"]
_FEWEST_ALLOWED = 1e-3  # share of points that constraints must allow for a draw to end


def draw(space: Space | Mapping[str, Any], count: int, *, seed: int, method: Method = "sobol") -> list[dict[str, Any]]:
    """Draw points of a space.

    Args:
        space: What may vary.
        count: Number of points; a grid has at most as many, as its levels are whole.
        seed: Of the scrambling or the random numbers. Point i depends on (space, seed, i) alone but for a grid, which
            has no seed.
        method: Scrambled Sobol or Halton points, random ones, or a grid.

    Returns:
        Changes of a recipe by dotted path, one mapping for each point.

    Raises:
        RecipeError: If the space has mistakes.
        UsageError: If the method is unknown.
        BudgetError: If a grid of two levels does not fit into `count`.

    Source:
        Bousquet et al. 2017, Critical hyper-parameters: no random, no cry; scipy.stats.qmc.
    """
    space = Space.of(space)
    space.check()
    if method not in get_args(Method):
        raise UsageError(f"`method`: {unknown_name('method of drawing', method, get_args(Method))}")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise UsageError(f"`count` must be a whole number of at least 0, got {count!r}")
    if method == "grid":
        return _grid(space, count)
    wanted = count
    while True:
        unit = _unit_cube(space.width, wanted, seed, method)
        points = [changes for changes in map(space.at, unit.tolist()) if space.allows(changes)][:count]
        if len(points) == count:
            return points
        wanted *= 2
        if wanted > max(1024, count / _FEWEST_ALLOWED):
            raise UsageError(
                f"`constraints` must allow one of a thousand points, got {len(points)} of {wanted // 2}. "
                "Loosen them, or narrow the space to where they hold"
            )


def _unit_cube(width: int, count: int, seed: int, method: str) -> np.ndarray:
    """Points of the unit cube, float (count, width); point i does not depend on the count."""
    rng = np.random.default_rng(stream_seed(seed, "search"))
    if method == "random":
        return rng.random((count, width))
    if method == "halton":
        return np.asarray(qmc.Halton(width, scramble=True, rng=rng).random(count))
    engine = qmc.Sobol(width, scramble=True, rng=rng)
    return np.asarray(engine.random_base2(max(0, math.ceil(math.log2(max(1, count))))))[:count]


def _grid(space: Space, count: int) -> list[dict[str, Any]]:
    levels: dict[int, int] = {n: 1 for n, axis in enumerate(space.axes) if axis.dimension.size is None}
    most = {n: axis.dimension.size for n, axis in enumerate(space.axes)}
    for n, size in most.items():
        if size is not None:
            levels[n] = size if isinstance(space.axes[n].dimension, Choice) else 1
    fewest = _size(space, levels)
    if fewest > count:
        raise BudgetError(f"`count` must be at least {fewest:,} for a grid of every option, got {count}. Raise it")
    growing = True
    while growing:  # one more level for the axis with the fewest, as long as the grid fits
        growing = False
        for n in sorted(levels, key=lambda n: levels[n]):
            size = most[n]
            if size is not None and levels[n] >= size:
                continue
            if _size(space, levels | {n: levels[n] + 1}) <= count:
                levels[n] += 1
                growing = True
                break
    numbers = iter(range(space.width))
    points = (dict(point) for point in _points(space, levels, numbers))
    return [point for point in points if space.allows(point)]


def _size(space: Space, levels: Mapping[int, int]) -> int:
    return _count(space, levels, iter(range(space.width)))


def _count(space: Space, levels: Mapping[int, int], numbers: Iterator[int]) -> int:
    total = 1
    for dimension in space.dimensions.values():
        if isinstance(dimension, Fixed):
            continue
        number = next(numbers)
        if isinstance(dimension, Choice):
            inner = [dimension.inner(n) for n in range(len(dimension.options))]
            total *= sum(1 if s is None else _count(s, levels, numbers) for s in inner)
        else:
            total *= levels[number]
    return total


def _points(space: Space, levels: Mapping[int, int], numbers: Iterator[int]) -> list[list[tuple[str, Any]]]:
    """Every combination, as (path, value) pairs."""
    columns: list[list[list[tuple[str, Any]]]] = []
    for path, dimension in space.dimensions.items():
        if isinstance(dimension, Fixed):
            columns.append([[(path, dimension.value)]])
            continue
        number = next(numbers)
        if isinstance(dimension, Choice):
            column: list[list[tuple[str, Any]]] = []
            for n in range(len(dimension.options)):
                inner = dimension.inner(n)
                rest = [[]] if inner is None else _points(inner, levels, numbers)
                column += [[(path, dimension.value(n)), *pairs] for pairs in rest]
            columns.append(column)
        else:
            columns.append([[(path, value)] for value in _levels(dimension, levels[number])])
    return [[pair for pairs in combination for pair in pairs] for combination in itertools.product(*columns)]


def _levels(dimension: Dimension, count: int) -> Sequence[Any]:
    """Values from end to end; the middle where there is one."""
    unit = [0.5] if count == 1 else np.linspace(0.0, 1.0, count).tolist()
    return [dimension.at(u) for u in unit]
