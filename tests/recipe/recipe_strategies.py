"""Any valid recipe: strategies read off the annotations and bounds of the parts."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from trainwell.recipe import Recipe
from trainwell.recipe.mistakes import DEVICE, IMPORT_PATH

PATTERNS = {IMPORT_PATH: ["my.module:Name", "a:b"], DEVICE: ["auto", "cpu", "cuda", "cuda:1"]}
LARGEST = 2**53
plain = st.recursive(
    st.booleans() | st.integers(-LARGEST, LARGEST) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
tables = st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), plain, max_size=3)


def bounds(metadata: tuple[Any, ...]) -> dict[type, Any]:
    """Bound to value, from constraints and from `Field(...)`s that hold some."""
    flat = [inner for entry in metadata for inner in (entry.metadata if isinstance(entry, FieldInfo) else [entry])]
    kinds = {Gt: "gt", Ge: "ge", Lt: "lt", Le: "le", MinLen: "min_length"}
    limits = {type(b): getattr(b, kinds[type(b)]) for b in flat if type(b) in kinds}
    patterns = [b.pattern for b in flat if getattr(b, "pattern", None)]
    return limits | ({str: patterns[0]} if patterns else {})


def values(annotation: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    origin, arguments, limit = get_origin(annotation), get_args(annotation), bounds(metadata)
    if origin is Annotated:
        return values(arguments[0], (*arguments[1:], *metadata))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([values(inner) for inner in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=3)
    if origin is tuple:
        return st.tuples(*map(values, arguments))
    if origin is dict:
        return tables
    if annotation is int:
        return st.integers(limit.get(Ge, -LARGEST), LARGEST)
    if annotation is float:
        low, high = limit.get(Gt, limit.get(Ge)), limit.get(Lt, limit.get(Le))
        ends = {"exclude_min": Gt in limit, "exclude_max": Lt in limit}
        return st.floats(low, high, allow_nan=False, allow_infinity=False, **ends)
    if annotation is str:
        return st.sampled_from(PATTERNS[limit[str]]) if str in limit else st.text(min_size=limit.get(MinLen, 0))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return fields_of(annotation)
    return {bool: st.booleans(), types.NoneType: st.none()}[annotation]


def fields_of(kind: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Tables of some fields of a part; what it must have, and its name, always."""
    always = {n: f for n, f in kind.model_fields.items() if f.is_required() or n == "name"}
    fields = {n: values(f.annotation, tuple(f.metadata)) for n, f in kind.model_fields.items()}
    mandatory = {n: fields.pop(n) for n in always}
    return st.fixed_dictionaries(mandatory, optional=fields).map(_mended)


def _mended(fields: dict[str, Any]) -> dict[str, Any]:
    """Keep the rules between fields: one warm-up, rising milestones, Nesterov with momentum alone."""
    if fields.get("warmup_share"):
        fields.pop("warmup_steps", None)
    if "milestones" in fields:
        fields["milestones"] = sorted(set(fields["milestones"]))
    if fields.get("nesterov") and fields["name"] == "sgd":
        fields |= {"momentum": 0.9, "dampening": 0.0}
    if fields.get("steps") and fields.get("schedule", {}).get("warmup_steps"):
        fields["steps"] += fields["schedule"]["warmup_steps"]
    return fields


recipes = fields_of(Recipe).map(lambda fields: Recipe(**fields))
