"""Turn pydantic's list of errors into the house's sentences: all mistakes of one recipe in one message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trainwell.errors import unknown_name

_CONDITIONS = {
    "greater_than": "be above {gt:g}",
    "greater_than_equal": "be at least {ge:g}",
    "less_than": "be below {lt:g}",
    "less_than_equal": "be at most {le:g}",
    "int_parsing": "be a whole number",
    "int_type": "be a whole number",
    "int_from_float": "be a whole number",
    "float_parsing": "be a number",
    "float_type": "be a number",
    "finite_number": "be a finite number",
    "bool_parsing": "be true or false",
    "bool_type": "be true or false",
    "literal_error": "be {expected}",
    "string_type": "be a string",
    "dict_type": "be a table of names and values",
    "model_type": "be a table of its fields",
    "model_attributes_type": "be a name or a table of its fields",
    "tuple_type": "be a list",
    "string_too_short": "not be empty",
}


def explain(error: ValidationError, root: type[BaseModel], kinds: Mapping[str, Mapping[str, type[BaseModel]]]) -> str:
    """Say every mistake of a recipe, one a line.

    Args:
        error: What pydantic raised.
        root: The model that was validated.
        kinds: For each field that is a union of named parts, its members by name.
    """
    lines = _united([_sentence(detail, root, kinds) for detail in error.errors()])
    head = "the recipe has a mistake:" if len(lines) == 1 else f"the recipe has {len(lines)} mistakes:"
    return "\n".join([head, *(f"  - {line}" for line in lines)])


def _united(lines: list[str]) -> list[str]:
    """Make one line of several that say what one field could have been."""
    united: dict[str, str] = {}
    for line in lines:
        subject, _, rest = line.partition(" must ")
        if subject in united and rest:
            united[subject] = united[subject].replace(", got ", f" or {rest.split(', got ')[0]}, got ", 1)
        else:
            united[subject if rest else line] = line
    return list(united.values())


def _sentence(detail: ErrorDetails, root: type[BaseModel], kinds: Mapping[str, Mapping[str, type[BaseModel]]]) -> str:
    path, owner = _walk(detail["loc"], root, kinds)
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        parent, _, name = path.rpartition(".")
        label = f"field of `{parent}`" if parent else "field of a recipe"
        return f"`{path}`: {unknown_name(label, name, owner)}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        family = path.split(".")[0]
        named = value.get("name") if isinstance(value, dict) else value
        if named is None:
            return f"`{path}` must have a name, got {_short(value)}. Known: {', '.join(sorted(kinds[family]))}"
        return f"`{path}`: {unknown_name(family, str(named), kinds[family])}, or an import path 'package.module:Class'"
    if kind == "value_error":
        text = str(context.get("error", detail["msg"]))
        return f"`{path}`: {text}" if path else text
    if kind == "string_pattern_mismatch":
        return f"`{path}` must match {context['pattern']}, got {_short(value)}. See `trainwell fit --help`"
    condition = _CONDITIONS.get(kind)
    wanted = condition.format(**context) if condition else f"be valid ({detail['msg']})"
    return f"`{path}` must {wanted}, got {_short(value)}."


def _walk(
    location: Iterable[int | str], root: type[BaseModel], kinds: Mapping[str, Mapping[str, type[BaseModel]]]
) -> tuple[str, list[str]]:
    """Follow a location through the model: its dotted path without union tags, and the fields known at its end."""
    parts: list[str] = []
    fields: list[str] = list(root.model_fields)
    current: type[BaseModel] | None = root
    family: Mapping[str, type[BaseModel]] | None = None
    inner: Any
    for step in location:
        if family is not None and (step in family or step == "custom"):
            current = family.get(str(step))
            fields = list(current.model_fields) if current else ["name", "lr", "weight_decay", "arguments"]
            family = None
            continue
        if isinstance(step, str) and "[" in step:  # a member of a union of types
            continue
        parts.append(str(step))
        if isinstance(step, str):
            if step in kinds:
                family, fields = kinds[step], []
            elif current is not None and step in current.model_fields:
                inner = current.model_fields[step].annotation
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    current, fields = inner, list(inner.model_fields)
    return ".".join(parts), fields


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
