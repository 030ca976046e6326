"""A space: what may vary, by dotted path of the recipe, as one frozen value."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from trainwell.errors import RecipeError
from trainwell.recipe import Recipe
from trainwell.recipe.mistakes import listed
from trainwell.space import constraint
from trainwell.space.choice import Choice, named, plain_value
from trainwell.space.dimension import Dimension, Fixed
from trainwell.space.plain import SETTINGS, dimensions_of

EDGE = 0.05  # share of a scale that counts as its edge


@dataclass(frozen=True)
class Axis:
    """A coordinate of the unit cube.

    Attributes:
        conditions: (path, value) of the choices that must be taken for it to count.
    """

    path: str
    dimension: Dimension
    conditions: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Space:
    """What may vary in a search.

    A space may be written with mistakes; `check` says all of them at once, and no point is drawn before.

    Attributes:
        dimensions: By dotted path of the recipe.
        constraints: Comparisons of fields that every trial keeps, such as `optimizer.lr * batch_size < 10`.
        source: Where the ranges come from.
        scientific: Paths whose effect is the question; all others that vary are nuisances, tuned away for each of
            their values (Godbole et al. 2023, Deep Learning Tuning Playbook).
    """

    dimensions: Mapping[str, Dimension]
    constraints: tuple[str, ...] = ()
    source: str = ""
    scientific: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimensions", dict(self.dimensions))
        for name in ("constraints", "scientific"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))

    @classmethod
    def of(cls, space: Space | Mapping[str, Any]) -> Space:
        """A space as it is, or one from a mapping of dimensions, in which a plain value stands for a fixed one.

        Raises:
            RecipeError: If it is neither, or a value is a list, which could mean a choice or a fixed list.
        """
        if isinstance(space, Space):
            return space
        if not isinstance(space, Mapping):
            raise RecipeError(
                f"`space` must be a Space or a mapping from path to dimension, got a {type(space).__name__}. "
                'Example: {"optimizer.lr": log_uniform(1e-5, 1e-1)}'
            )
        lists = [path for path, value in space.items() if isinstance(value, list | tuple | set)]
        if lists:
            mistakes = [
                f"`{path}` must be a dimension, got the list {space[path]!r}. Use choice(*values), or fixed(values)"
                for path in lists
            ]
            raise RecipeError(listed("the space", mistakes), mistakes)
        return cls(
            {path: v if isinstance(v, Dimension) else Fixed(plain_value(v)) for path, v in space.items()},
        )

    @classmethod
    def from_toml(cls, path: str | Path) -> Space:
        """Read a space from a TOML file; its form is in `trainwell.space.plain`.

        Raises:
            RecipeError: If the file is missing, is no TOML, or has mistakes.
        """
        try:
            table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
            raise RecipeError(f"the space {path} must be a readable file, got: {reason}") from None
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"the space {path} must be TOML, got: {error}") from None
        return cls.from_plain(table)

    @classmethod
    def from_plain(cls, table: Mapping[str, Any]) -> Space:
        """Read what `to_plain` gave.

        Raises:
            RecipeError: If a table is no dimension; lists all.
        """
        found, mistakes = dimensions_of({key: value for key, value in table.items() if key not in SETTINGS})
        for name in ("constraints", "scientific"):
            value = table.get(name, [])
            if not (isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)):
                mistakes.append(f"`{name}` must be a list of strings, got {value!r}")
        if not isinstance(table.get("source", ""), str):
            mistakes.append(f"`source` must be a string, got {table['source']!r}")
        if mistakes:
            raise RecipeError(listed("the space", mistakes), mistakes)
        settings: dict[str, Any] = {name: table[name] for name in SETTINGS if name in table}
        return cls(found, **settings)

    def to_plain(self) -> dict[str, Any]:
        """Everything as JSON values."""
        settings = {"constraints": list(self.constraints), "source": self.source, "scientific": list(self.scientific)}
        return {path: d.plain() for path, d in self.dimensions.items()} | {k: v for k, v in settings.items() if v}

    @cached_property
    def hash(self) -> str:
        """A short hash of all that decides which points it has: equal spaces have equal hashes."""
        plain = {key: value for key, value in self.to_plain().items() if key != "source"}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, default=repr).encode()).hexdigest()[:12]

    def __hash__(self) -> int:
        return hash(self.hash)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The coordinates of the unit cube, those of every branch included, in order."""
        return tuple(self._axes(()))

    def _axes(self, conditions: tuple[tuple[str, Any], ...]) -> Iterator[Axis]:
        for path, dimension in self.dimensions.items():
            if isinstance(dimension, Fixed):
                continue
            yield Axis(path, dimension, conditions)
            if isinstance(dimension, Choice):
                for n in range(len(dimension.options)):
                    inner = dimension.inner(n)
                    if inner is not None:
                        yield from inner._axes((*conditions, (path, dimension.value(n))))

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return len(self.axes)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that it sets, those of branches included, once."""
        return tuple(dict.fromkeys(self._paths()))

    def _paths(self) -> Iterator[str]:
        for path, dimension in self.dimensions.items():
            yield path
            if isinstance(dimension, Choice):
                for n in range(len(dimension.options)):
                    inner = dimension.inner(n)
                    if inner is not None:
                        yield from inner._paths()

    def role(self, path: str) -> Literal["scientific", "nuisance", "fixed"]:
        """What a path is in the study (Deep Learning Tuning Playbook)."""
        if path in self.scientific:
            return "scientific"
        return "nuisance" if any(axis.path == path for axis in self.axes) else "fixed"

    def at(self, unit: Sequence[float]) -> dict[str, Any]:
        """The changes of a recipe at a point of the unit cube; those of a branch only where it is taken.

        Args:
            unit: One coordinate for each of `axes`. [0 to 1]
        """
        if len(unit) != self.width:
            raise RecipeError(f"`unit` must have {self.width} coordinates, one for each axis, got {len(unit)}")
        self._sound  # noqa: B018 (raises where the space has mistakes)
        changes: dict[str, Any] = {}
        self._fill([float(u) for u in unit], 0, changes)
        return changes

    def _fill(self, unit: Sequence[float], first: int, changes: dict[str, Any]) -> None:
        for path, dimension in self.dimensions.items():
            if isinstance(dimension, Fixed):
                changes[path] = dimension.value
                continue
            changes[path] = dimension.at(unit[first])
            if isinstance(dimension, Choice):
                taken = dimension.index(unit[first])
                for n in range(len(dimension.options)):
                    inner = dimension.inner(n)
                    if inner is not None:
                        if n == taken:
                            inner._fill(unit, first + 1, changes)
                        first += inner.width
            first += 1

    def active(self, changes: Mapping[str, Any]) -> list[Axis]:
        """The axes that count for a point: those whose conditions it meets."""
        return [axis for axis in self.axes if axis.path in changes and _meets(changes, axis.conditions)]

    def positions(self, changes: Mapping[str, Any]) -> dict[str, float]:
        """Where a point lies on each scale that counts for it, 0 at the low and 1 at the high end."""
        return {axis.path: axis.dimension.position(changes[axis.path]) for axis in self.active(changes)}

    def allows(self, changes: Mapping[str, Any]) -> bool:
        """Whether changes keep all constraints."""
        return all(constraint.holds(text, changes) for text in self.constraints)

    def edges(self, changes: Mapping[str, Any]) -> dict[str, Literal["low", "high"]]:
        """The paths whose value lies within 5 % of its scale at an edge, with the edge; only where there is a scale."""
        found: dict[str, Literal["low", "high"]] = {}
        for axis in self.active(changes):
            if not axis.dimension.ordered:
                continue
            position = axis.dimension.position(changes[axis.path])
            if isinstance(axis.dimension, Choice) and axis.dimension.value(0) > axis.dimension.value(-1):
                position = 1 - position  # options written from high to low
            if position <= EDGE:
                found[axis.path] = "low"
            elif position >= 1 - EDGE:
                found[axis.path] = "high"
        return found

    def check(self, recipe: Recipe | None = None) -> None:
        """Refuse a space with mistakes, all of them at once.

        Args:
            recipe: What the space changes: its paths and values must be ones that the recipe takes. Without one, only
                what is wrong by itself is found.

        Raises:
            RecipeError: If it is empty or contradictory, a path is unknown, the recipe refuses a value, bounds are
                reversed, a log scale goes over zero, or constraints allow nothing.
        """
        from trainwell.space.check import mistakes_of

        mistakes = mistakes_of(self, recipe)
        if mistakes:
            raise RecipeError(listed("the space", mistakes), mistakes)

    @cached_property
    def _sound(self) -> bool:
        self.check()
        return True

    def describe(self) -> list[str]:
        """The space in lines for people."""
        lines = self._lines("")
        lines += [f"constraint: {text}" for text in self.constraints]
        if self.scientific:
            lines.append(f"scientific: {', '.join(self.scientific)}; what else varies is a nuisance, tuned away")
        return [*lines, f"source: {self.source}"] if self.source else lines

    def _lines(self, indent: str) -> list[str]:
        lines = []
        wide = max((len(path) for path in self.dimensions), default=0)
        for path, dimension in self.dimensions.items():
            lines.append(f"{indent}{path:<{wide}}  {dimension}")
            if isinstance(dimension, Choice):
                for n in range(len(dimension.options)):
                    inner = dimension.inner(n)
                    if inner is not None:
                        lines.append(f"{indent}  with {named(dimension.value(n))}:")
                        lines += inner._lines(f"{indent}    ")
        return lines


def _meets(changes: Mapping[str, Any], conditions: Sequence[tuple[str, Any]]) -> bool:
    return all(Choice((value,)).taken(changes.get(path)) == 0 for path, value in conditions)
