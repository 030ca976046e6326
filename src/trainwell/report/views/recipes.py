"""Recipes as rows: what differs, and what is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomli_w

from trainwell.report.wording import NOTHING, value_text


@dataclass(frozen=True)
class FieldChange:
    """One field by dotted path, as text; a dash where a recipe has no such field."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class RecipeDiff:
    """The fields that differ, and those that both recipes share."""

    changed: tuple[FieldChange, ...]
    same: tuple[tuple[str, str], ...]


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Fields of a recipe by dotted path."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> RecipeDiff:
    """Compare two recipes field by field."""
    first, second = dict(flatten(before)), dict(flatten(after))
    paths = dict.fromkeys([*first, *second])
    changed = [p for p in paths if p not in first or p not in second or first[p] != second[p]]
    same = [p for p in paths if p in first and p in second and first[p] == second[p]]
    return RecipeDiff(
        tuple(FieldChange(p, _text(first, p), _text(second, p)) for p in sorted(changed, key=_importance)),
        tuple((p, value_text(first[p])) for p in same),
    )


def varied(recipes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Paths in which recipes differ."""
    flat = [dict(flatten(recipe)) for recipe in recipes]
    paths = dict.fromkeys(path for fields in flat for path in fields)
    return tuple(sorted((p for p in paths if any(f.get(p) != flat[0].get(p) for f in flat)), key=_importance))


def rows(recipe: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Every field with its value as text."""
    return tuple((path, value_text(value)) for path, value in flatten(recipe))


def to_toml(recipe: Mapping[str, Any]) -> str:
    """The recipe as TOML, which has no null: such fields are left out."""
    return tomli_w.dumps(_without_none(dict(recipe)))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list | tuple) else value


def _text(fields: Mapping[str, Any], path: str) -> str:
    return value_text(fields[path]) if path in fields else NOTHING


def _importance(path: str) -> tuple[bool, str, bool, str]:
    """Parts together, the optimizer first, a part's name before its fields."""
    part = path.partition(".")[0]
    return part != "optimizer", part, not path.endswith(".name"), path
