"""What the states of the tracer share: bounded lists, dead references, and their way into records."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from trainwell.probes.place import place

MOST_VALUES = 4000
_Trace = TypeVar("_Trace")


def keep(values: list[Any], entry: Any) -> None:
    """Append; when the list is full, thin its first half."""
    values.append(entry)
    if len(values) > MOST_VALUES:
        half = MOST_VALUES // 2
        values[:half] = values[:half:2]


def no_object() -> None:
    """Stands for a weak reference whose object is gone."""
    return


def as_trace(kind: type[_Trace], state: Any, **facts: Any) -> _Trace:
    """A record with the state's fields of the same name: sites as places, lists as tuples, mappings copied.

    Args:
        kind: Class of the record.
        state: What the tracer kept; fields that it lacks keep the record's default.
        facts: Fields that are made otherwise.
    """
    for entry in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = entry.name
        held = f"{name.removesuffix('place')}site" if name == "place" or name.endswith("_place") else name
        if name in facts or not hasattr(state, held):
            continue
        value = getattr(state, held)
        if held != name:
            value = place(value)
        facts[name] = tuple(value) if isinstance(value, list) else dict(value) if isinstance(value, dict) else value
    return kind(**facts)
