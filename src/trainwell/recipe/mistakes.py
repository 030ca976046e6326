"""Turn pydantic's list of errors into the house's sentences: all mistakes of one recipe in one message."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trainwell.errors import unknown_name

Families = Mapping[str, Mapping[str, type[BaseModel]]]  # field that is a union of named parts -> name -> part

_CONDITIONS = {
    "missing": "be given",
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
    "too_short": "have at least {min_length} items",
    "too_long": "have at most {max_length} items",
}
IMPORT_PATH = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
DEVICE = r"^(auto|cpu|mps|cuda(:\d+)?)$"
_PATTERNS = {IMPORT_PATH: "be an import path 'package.module:Name'", DEVICE: "be auto, cpu, mps, cuda or cuda:N"}

_OPEN_FAMILIES = ("optimizer", "augmentation")


def explain(error: ValidationError, root: type[BaseModel], families: Families) -> tuple[str, list[str]]:
    """Say every mistake of a recipe or of one part, one a line.

    Args:
        error: What pydantic raised.
        root: The model that was validated.
        families: For each field that is a union of named parts, its members by name.

    Returns:
        The message, and its lines.
    """
    lines = _united([_sentence(detail, root, families) for detail in error.errors()])
    return listed("the recipe" if "optimizer" in root.model_fields else root.__name__, lines), lines


def listed(subject: str, mistakes: list[str]) -> str:
    """Join mistakes to one message."""
    count = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return "\n".join([f"{subject} has {count}:", *(f"  - {mistake}" for mistake in mistakes)])


def _united(lines: list[str]) -> list[str]:
    """Make one line of several that say what one field could have been, and none where its items say more."""
    united: dict[str, str] = {}
    for line in lines:
        subject, _, rest = line.partition(" must ")
        if subject in united and rest:
            united[subject] = united[subject].replace(", got ", f" or {rest.split(', got ')[0]}, got ", 1)
        else:
            united[subject if rest else line] = line
    return [line for key, line in united.items() if not any(other.startswith(f"{key[:-1]}.") for other in united)]


def _sentence(detail: ErrorDetails, root: type[BaseModel], families: Families) -> str:
    path, owner = _walk(detail["loc"], root, families)
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_field(path, owner, root)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_kind(path, value, families)
    if kind == "value_error":
        text = str(context.get("error", detail["msg"]))
        return f"`{path}.{text[1:]}" if path and text.startswith("`") else f"`{path}`: {text}" if path else text
    if kind == "string_pattern_mismatch":
        wanted = _PATTERNS[str(context["pattern"])]
    elif kind in _CONDITIONS:
        wanted = _CONDITIONS[kind].format(**context)
    else:
        wanted = f"be valid ({detail['msg']})"
    return f"`{path}` must {wanted}, got {_short(value)}{_nearest(value, context)}"


def unknown_field(path: str, known: Iterable[str], root: type[BaseModel] | None = None) -> str:
    """Say that the last field of a path is unknown, and the fields beside it."""
    parent, _, name = path.rpartition(".")
    whole = "a recipe" if root is None or "optimizer" in root.model_fields else root.__name__
    return f"`{path}`: {unknown_name(f'field of `{parent}`' if parent else f'field of {whole}', name, known)}"


def _unknown_kind(path: str, value: Any, families: Families) -> str:
    family = path.split(".")[0]
    known = families[family]
    named = value.get("name") if isinstance(value, dict) else value
    if isinstance(value, dict) and named is None:
        return f"`{path}` must have a name, got {_short(value)}. Known: {', '.join(sorted(known))}"
    if not isinstance(named, str):
        return f"`{path}` must be a name or a table with a name, got {_short(value)}. Known: {', '.join(sorted(known))}"
    other = ", or an import path 'package.module:Name'" if family in _OPEN_FAMILIES else ""
    return f"`{path}`: {unknown_name(family, named, known)}{other}"


def _walk(location: Iterable[int | str], root: type[BaseModel], families: Families) -> tuple[str, list[str]]:
    """Follow a location through the model: its dotted path without union tags, and the fields known at its end."""
    parts: list[str] = []
    fields: list[str] = list(root.model_fields)
    current: type[BaseModel] | None = root
    family: Mapping[str, type[BaseModel]] | None = None
    for step in location:
        if family is not None and (step in family or step == "custom"):
            current = family.get(str(step))
            fields = list(current.model_fields) if current else ["name", "lr", "weight_decay", "arguments"]
            family = None
            continue
        if isinstance(step, str) and ("[" in step or step == "constrained-str"):  # a member of a union of types
            continue
        parts.append(str(step))
        if isinstance(step, str):
            if current is root and step in families:
                family, fields = families[step], []
            elif current is not None and step in current.model_fields:
                inner = _part_in(current.model_fields[step].annotation)
                current, fields = inner, list(inner.model_fields) if inner else []
    return ".".join(parts), fields


def _part_in(annotation: Any) -> type[BaseModel] | None:
    """The part that a field holds, alone or in a list."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _nearest(value: Any, context: Mapping[str, Any]) -> str:
    """Say the nearest of the names that a field takes, if one is near."""
    names = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    close = difflib.get_close_matches(value, names, n=1, cutoff=0.6) if isinstance(value, str) else []
    return f". Did you mean '{close[0]}'?" if close else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
