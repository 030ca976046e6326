"""The recipe: how a problem is trained, as one frozen, validated value. No torch in it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from trainwell.errors import RecipeError, unknown_name
from trainwell.recipe import augmentations, optimizers, schedules
from trainwell.recipe.mistakes import explain
from trainwell.recipe.part import Count, Part
from trainwell.recipe.parts import (
    Averaging,
    Checkpoints,
    Clipping,
    Initialization,
    Inputs,
    Loss,
    Parameters,
    Precision,
    Recording,
    Regularization,
    Sampling,
    Stopping,
    Targets,
)


@dataclass(frozen=True)
class Change:
    """One field that differs between two recipes."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_show(self.before)} -> {_show(self.after)}"


def _named(shorthands: Mapping[str, Mapping[str, Any]]) -> BeforeValidator:
    """Let a bare name stand for a part, and a shorthand for a name with some fields."""

    def expand(value: Any) -> Any:
        fields = {"name": value} if isinstance(value, str) else value
        if isinstance(fields, Mapping) and fields.get("name") in shorthands:
            return {**shorthands[fields["name"]], **{k: v for k, v in fields.items() if k != "name"}}
        return fields

    return BeforeValidator(expand)


def _list_of_named(value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    return [{"name": v} if isinstance(v, str) else v for v in value] if isinstance(value, list | tuple) else value


_NAME = _named({})


class Recipe(Part):
    """How a problem is trained.

    Parts may be given by name (`optimizer="adamw"`), as a table of fields, or as objects
    (`optimizer=AdamW(lr=3e-4)`). The length is `epochs`, or `steps` where it is given. [optimizer updates]

    Raises:
        RecipeError: With every mistake in one message.
    """

    epochs: Count = 20
    steps: Count | None = None
    batch_size: Count = 64
    accumulate: Count = 1
    optimizer: Annotated[optimizers.Optimizer, _named(optimizers.SHORTHANDS)] = optimizers.AdamW()
    schedule: Annotated[schedules.Schedule, _named(schedules.SHORTHANDS)] = schedules.Constant()
    loss: Annotated[Loss, _NAME] = Loss()
    inputs: Inputs = Inputs()
    targets: Targets = Targets()
    parameters: Parameters = Parameters()
    regularization: Regularization = Regularization()
    averaging: Annotated[Averaging, _NAME] = Averaging()
    augmentation: Annotated[tuple[augmentations.Augmentation, ...], BeforeValidator(_list_of_named)] = ()
    sampling: Annotated[Sampling, _NAME] = Sampling()
    initialization: Annotated[Initialization, _NAME] = Initialization()
    clipping: Annotated[Clipping, _NAME] = Clipping()
    precision: Precision = Precision()
    stopping: Stopping = Stopping()
    recording: Recording = Recording()
    checkpoints: Checkpoints = Checkpoints()
    model: Annotated[dict[str, Any], Field(description="keywords of the model factory")] = {}

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise RecipeError(explain(error, Recipe, KINDS)) from None

    @model_validator(mode="after")
    def _warmup_fits(self) -> Recipe:
        warmup = getattr(self.schedule, "warmup_steps", 0)
        if self.steps is not None and warmup >= self.steps:
            raise ValueError(
                f"`schedule.warmup_steps` must be below steps = {self.steps}, got {warmup}. Shorten the warm-up"
            )
        return self

    def with_(self, edits: Mapping[str, Any]) -> Recipe:
        """Return a recipe with fields changed by dotted path.

        Args:
            edits: For example `{"optimizer.lr": 3e-4, "schedule": "cosine"}`. Whole parts are replaced
                before single fields, so `{"optimizer": "sgd", "optimizer.lr": 0.1}` works in any order.

        Raises:
            RecipeError: If a path or a value is wrong; lists all.
        """
        tree: dict[str, Any] = self.model_dump(mode="json", exclude_unset=True)
        full = self.to_dict()
        mistakes: list[str] = []
        for path, value in sorted(edits.items(), key=lambda edit: edit[0].count(".")):
            try:
                _assign(tree, full, path, _plain(value))
            except KeyError as error:
                mistakes.append(str(error.args[0]))
        if mistakes:
            raise RecipeError("\n".join(["the edits have mistakes:", *(f"  - {m}" for m in mistakes)]))
        return Recipe(**tree)

    def get(self, path: str) -> Any:
        """Read a field by dotted path, e.g. `recipe.get("optimizer.lr")`."""
        value: Any = self.to_dict()
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                known = value if isinstance(value, dict) else ()
                raise RecipeError(f"`{path}`: {unknown_name('field', key, known)}")
            value = value[key]
        return value

    def diff(self, other: Recipe) -> list[Change]:
        """List the fields in which `other` differs, by dotted path."""
        before, after = _flatten(self.to_dict()), _flatten(other.to_dict())
        paths = dict.fromkeys([*before, *after])
        return [
            Change(path, before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain JSON values, defaults included."""
        return self.model_dump(mode="json")

    def to_toml(self) -> str:
        """Every field that is set, defaults included, as TOML."""
        return tomli_w.dumps(_without_none(self.to_dict()))

    @classmethod
    def from_toml(cls, source: str | Path) -> Recipe:
        """Read a recipe from TOML text or from a file.

        Raises:
            RecipeError: If the file is missing, is no TOML, or has mistakes.
        """
        if isinstance(source, Path):
            try:
                source = source.read_text()
            except OSError as error:
                raise RecipeError(f"the recipe file must be readable, got {source}: {error.strerror}") from None
        try:
            return cls(**tomllib.loads(source))
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"the recipe must be TOML: {error}") from None

    def key(self) -> str:
        """A short hash of all values: equal recipes have equal keys."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.key())

    def __str__(self) -> str:
        changes = Recipe().diff(self)
        return ", ".join(f"{c.path}={_show(c.after)}" for c in changes) or "default recipe"


KINDS: dict[str, Mapping[str, Any]] = {
    "optimizer": {**optimizers.KINDS, **dict.fromkeys(optimizers.SHORTHANDS, optimizers.SGD)},
    "schedule": schedules.KINDS,
    "augmentation": augmentations.KINDS,
}


def _assign(tree: dict[str, Any], full: dict[str, Any], path: str, value: Any) -> None:
    """Set a value in the tree of set fields; what lies on the way and is not set is taken from the full tree."""
    *parents, last = path.split(".")
    if not all([*parents, last]):
        raise KeyError(f"`{path}` must be a dotted path such as optimizer.lr")
    if parents and parents[0] not in Recipe.model_fields:
        raise KeyError(f"`{path}`: {unknown_name('field of a recipe', parents[0], Recipe.model_fields)}")
    node: Any = tree
    shadow: Any = full
    for key in parents:
        shadow = shadow.get(key) if isinstance(shadow, dict) else None
        if isinstance(node, dict) and key not in node:
            node[key] = list(shadow) if isinstance(shadow, list) else _name_of(shadow)
        elif isinstance(node, dict) and isinstance(node[key], str):  # a shorthand that an edit has just set
            node[key] = {"name": node[key]}
        node = _child(node, key, path)
    if isinstance(node, list):
        node[_index(node, last, path)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise KeyError(f"`{path}` must lead through tables, got a value at `{'.'.join(parents)}`")


def _name_of(part: Any) -> dict[str, Any]:
    return {"name": part["name"]} if isinstance(part, dict) and "name" in part else {}


def _child(node: Any, key: str, path: str) -> Any:
    return node[_index(node, key, path)] if isinstance(node, list) else node[key]


def _index(node: list[Any], key: str, path: str) -> int:
    if not key.isdigit() or int(key) >= len(node):
        raise KeyError(f"`{path}` must have an index from 0 to {len(node) - 1} in place of '{key}'")
    return int(key)


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.model_dump(mode="json", exclude_unset=True)
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _without_none(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {k: _without_none(v) for k, v in tree.items() if v is not None}
    return [_without_none(v) for v in tree] if isinstance(tree, list) else tree


def _show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
