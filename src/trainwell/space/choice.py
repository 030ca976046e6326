"""A choice among options, each with a space of its own where it has one: the conditional part of a space."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trainwell.recipe import Part
from trainwell.space.dimension import Dimension

if TYPE_CHECKING:
    from trainwell.space.space import Space


@dataclass(frozen=True)
class Branch:
    """An option of a choice, with what varies where it is taken."""

    value: Any
    space: Space


@dataclass(frozen=True)
class Choice(Dimension):
    """One of several options."""

    options: tuple[Any, ...]

    def at(self, unit: float) -> Any:
        """The value of the option at a position. [0 to 1]"""
        return self.value(self.index(unit))

    def index(self, unit: float) -> int:
        """The number of the option at a position."""
        return min(int(unit * len(self.options)), len(self.options) - 1)

    def value(self, index: int) -> Any:
        """The plain value of an option."""
        option = self.options[index]
        return option.value if isinstance(option, Branch) else option

    def inner(self, index: int) -> Space | None:
        """What varies where an option is taken."""
        option = self.options[index]
        return option.space if isinstance(option, Branch) else None

    def taken(self, value: Any) -> int | None:
        """The number of the option with a value."""
        return self._numbers.get(_text(value))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The number of the first option with a text."""
        return {_text(self.value(n)): n for n in reversed(range(len(self.options)))}

    def position(self, value: Any) -> float:
        """The place in the list: 0 for the first option, 1 for the last."""
        found = self.taken(value)
        return math.nan if found is None else found / max(1, len(self.options) - 1)

    def ends(self) -> list[Any]:
        """Every option."""
        return [self.value(n) for n in range(len(self.options))]

    def mistakes(self) -> list[str]:
        """No options, one alone, or an option twice."""
        if len(self.options) < 2:
            remedy = "Use fixed(...) for a single value" if self.options else "Name them: choice(32, 64, 128)"
            return [f"must have two options or more, got {len(self.options)}. {remedy}"]
        texts = [_text(v) for v in self.ends()]
        again = next((v for v, text in zip(self.ends(), texts, strict=True) if texts.count(text) > 1), None)
        return [] if again is None else [f"must have different options, got {again!r} twice. Drop one"]

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "choice": [
                {"value": o.value, "with": o.space.to_plain()} if isinstance(o, Branch) else o for o in self.options
            ]
        }

    def __str__(self) -> str:
        return "one of " + ", ".join(named(v) for v in self.ends())

    @property
    def size(self) -> int | None:
        """Number of options."""
        return len(self.options)

    @property
    def ordered(self) -> bool:
        """Whether its options are three rising or falling numbers or more."""
        values = self.ends()
        if len(values) < 3 or any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
            return False
        return values in (sorted(values), sorted(values, reverse=True))


def choice(*options: Any) -> Dimension:
    """One of several values; `branch(value, {...})` gives an option a space of its own.

    >>> str(choice(0, 0.1, 0.25))
    'one of 0, 0.1, 0.25'
    """
    return Choice(tuple(o if isinstance(o, Branch) else plain_value(o) for o in options))


def branch(value: Any, space: Space | Mapping[str, Any]) -> Branch:
    """An option of a choice, with what varies where it is taken.

    Args:
        value: A value of the field, for example `AdamW()` or `"sgd"`.
        space: What varies where it is taken, by dotted path of the recipe (`"optimizer.lr"`, not `"lr"`).
    """
    from trainwell.space.space import Space

    return Branch(plain_value(value), Space.of(space))


def plain_value(value: Any) -> Any:
    """A value as JSON has it: parts of a recipe as tables, tuples as lists, NumPy's scalars as numbers."""
    if isinstance(value, Part):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return {str(key): plain_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(inner) for inner in value]
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return value.item()
    return value


def named(value: Any) -> str:
    """A value as a person would name it: a part by its name and its set fields."""
    if isinstance(value, dict) and "name" in value:
        rest = ", ".join(f"{key}={named(inner)}" for key, inner in value.items() if key != "name")
        return f"{value['name']} ({rest})" if rest else str(value["name"])
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)


def _text(value: Any) -> str:
    """Equal for equal values; a bare name is the table with that name alone."""
    return json.dumps({"name": value} if isinstance(value, str) else value, sort_keys=True, default=repr)
