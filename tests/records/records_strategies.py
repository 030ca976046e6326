"""Any record: strategies read off the annotations of the dataclasses."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from trainwell import records

SCALARS = {
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(),
    str: st.text(max_size=8) | st.sampled_from(["NaN", "Infinity", "-Infinity", "\\NaN", "\\\\-Infinity", "\u2028"]),
    types.NoneType: st.none(),
}
plain = st.recursive(
    st.one_of(list(SCALARS.values())),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(SCALARS[str], inner, max_size=2),
    max_leaves=4,
)
KINDS = [  # those that are written as one JSON value
    kind
    for kind in map(records.__dict__.get, records.__all__)
    if dataclasses.is_dataclass(kind)
    and kind not in (records.Series, records.Steps, records.Evaluations, records.RunRecord)
]


def values(annotation: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([values(inner) for inner in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, arguments))
    if origin is Mapping:
        return st.dictionaries(SCALARS[str], values(arguments[1]), max_size=2)
    if dataclasses.is_dataclass(annotation):
        return st.deferred(lambda: records_of(annotation))
    return plain if annotation in (Any, object) else SCALARS[annotation]


def records_of(kind: Any) -> st.SearchStrategy[Any]:
    """Records of a kind: what it must have, and each other field or its default."""
    hints = get_type_hints(kind)
    given, maybe = {}, {}
    for field in dataclasses.fields(kind):
        if field.name == "symptoms":  # findings inside findings: one level is enough
            continue
        required = field.default is field.default_factory is dataclasses.MISSING
        (given if required else maybe)[field.name] = values(hints[field.name])
    return st.fixed_dictionaries(given, optional=maybe).map(lambda fields: kind(**fields))
