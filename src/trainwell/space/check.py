"""All mistakes of a space at once: by itself, and against the recipe that it changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trainwell.errors import RecipeError, unknown_name
from trainwell.recipe import Recipe
from trainwell.space import constraint
from trainwell.space.choice import Choice
from trainwell.space.space import Space

_SAMPLED = 4096  # random points among which constraints must allow one
_TRIED = 32  # points that the recipe must accept as a whole
_EXAMPLE = 'Example: {"optimizer.lr": log_uniform(1e-5, 1e-1)}'


def mistakes_of(space: Space, recipe: Recipe | None) -> list[str]:
    """Say everything that is wrong with a space; of a recipe too where one is given."""
    found = list(_own(space))
    sound = not found
    if recipe is not None:
        found += _refused(space, recipe)
        if sound and not found:
            found += _refused_together(space, recipe)
    return list(dict.fromkeys(found))


def _own(space: Space) -> Iterator[str]:
    if not space.axes:
        what = "values that are all fixed" if space.dimensions else "none"
        yield f"`space` must have a dimension that varies, got {what}. {_EXAMPLE}"
    yield from _of_dimensions(space, ())
    known = space.paths
    for path in space.scientific:
        if path not in known:
            yield f"`scientific`: {unknown_name('path of the space', path, known)}"
    wrong = [text for text in map(constraint.mistake, space.constraints) if text]
    yield from wrong
    if wrong:
        return
    unknown = [(text, path) for text in space.constraints for path in constraint.paths(text) if path not in known]
    for text, path in unknown:
        yield f"`constraints`: '{text}' names an {unknown_name('path of the space', path, known)}"
    if space.constraints and space.axes and not unknown and not list(_of_dimensions(space, ())):
        yield from _contradiction(space)


def _of_dimensions(space: Space, outside: tuple[str, ...]) -> Iterator[str]:
    for path, dimension in space.dimensions.items():
        if path in outside:
            yield f"`{path}` must vary in one place, got it outside and inside of a choice. Drop one of them"
        for text in dimension.mistakes():
            yield f"`{path}` {text}"
        if isinstance(dimension, Choice):
            for n in range(len(dimension.options)):
                inner = dimension.inner(n)
                if inner is not None:
                    yield from _of_dimensions(inner, (*outside, *space.dimensions))
                    if inner.constraints or inner.scientific:
                        yield f"`{path}` must have options without constraints of their own. Move them to the space"


def _contradiction(space: Space) -> Iterator[str]:
    points = np.random.default_rng(0).random((_SAMPLED, space.width))
    counts: Counter[str] = Counter()
    for point in points:
        changes: dict[str, Any] = {}
        space._fill(point.tolist(), 0, changes)
        try:
            broken = [text for text in space.constraints if not constraint.holds(text, changes)]
        except (TypeError, ZeroDivisionError) as error:
            yield f"`constraints` must be computable for every point, got {error} at {changes}"
            return
        if not broken:
            return
        counts.update(broken)
    worst = counts.most_common(1)[0][0]
    yield (
        f"`constraints` must allow some points, got none of {_SAMPLED:,} random ones. "
        f"Most fail '{worst}': loosen it or widen the space"
    )


def _refused(space: Space, recipe: Recipe) -> list[str]:
    """Ends of single dimensions that the recipe refuses."""
    found: list[str] = []
    for context, path, value in _ends(space, {}):
        try:
            recipe.with_({**context, path: value})
        except RecipeError as error:
            found += error.mistakes or (str(error),)
    return found


def _ends(space: Space, context: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str, Any]]:
    # What other choices put into place comes first, so that a field of an optimizer is sought in that optimizer.
    parts = {path: d.ends()[0] for path, d in space.dimensions.items() if "." not in path and d.ends()}
    for path, dimension in space.dimensions.items():
        around = {**parts, **context}
        for value in dimension.ends():
            yield around, path, value
        if isinstance(dimension, Choice):
            for n in range(len(dimension.options)):
                inner = dimension.inner(n)
                if inner is not None:
                    yield from _ends(inner, {**around, path: dimension.value(n)})


def _refused_together(space: Space, recipe: Recipe) -> list[str]:
    """Mistakes of whole points, which no dimension has by itself."""
    points = np.random.default_rng(0).random((_TRIED, space.width))
    found: list[str] = []
    for changes in (space.at(point.tolist()) for point in points):
        if not space.allows(changes):
            continue
        try:
            recipe.with_(changes)
        except RecipeError as error:
            found += error.mistakes or (str(error),)
    return found
