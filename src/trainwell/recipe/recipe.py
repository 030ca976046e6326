"""The recipe: how a problem is trained, as one frozen, validated value. No torch in it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import tomli_w
from pydantic import BeforeValidator, Field, model_validator

from trainwell.errors import RecipeError
from trainwell.recipe import augmentations, optimizers, schedules
from trainwell.recipe.edits import apply, descend
from trainwell.recipe.mistakes import Families, listed
from trainwell.recipe.part import Count, Part, Table
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
    values = [value] if isinstance(value, str | Mapping | Part) else value
    return [{"name": v} if isinstance(v, str) else v for v in values] if isinstance(values, list | tuple) else values


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
    model: Annotated[Table, Field(description="keywords of the model factory")] = {}

    families: ClassVar[Families] = {
        "optimizer": {**optimizers.KINDS, **dict.fromkeys(optimizers.SHORTHANDS, optimizers.SGD)},
        "schedule": schedules.KINDS,
        "augmentation": augmentations.KINDS,
    }

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
        mistakes: list[str] = []
        depth = {path: path.count(".") for path in edits}
        for path in (path for path in edits if not depth[path]):
            tree[path] = _opened(path, _plain(edits[path]))
        full = self.to_dict() | {path: _filled(path, tree[path]) for path in edits if not depth[path]}
        for path in sorted((path for path in edits if depth[path]), key=lambda path: depth[path]):
            try:
                apply(tree, full, path, _plain(edits[path]), Recipe.model_fields)
            except RecipeError as error:
                mistakes.append(str(error))
        try:
            changed = Recipe(**tree)
        except RecipeError as error:
            mistakes += error.mistakes
        if mistakes:
            raise RecipeError(listed("the recipe", mistakes), mistakes)
        return changed

    def get(self, path: str) -> Any:
        """Read a field by dotted path, e.g. `recipe.get("optimizer.lr")` or `recipe.get("optimizer.betas.0")`."""
        value: Any = self.to_dict()
        steps = path.split(".")
        for depth in range(len(steps)):
            value = descend(value, steps, depth)
        return value

    def diff(self, other: Recipe) -> list[Change]:
        """List the fields in which `other` differs, by dotted path; None stands for a field that one lacks."""
        return list(_changes(self.to_dict(), other.to_dict()))

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain JSON values, defaults included."""
        return self.model_dump(mode="json")

    def to_toml(self) -> str:
        """Every field, defaults included, as TOML; None is the string "none"."""
        return tomli_w.dumps(_none_by_name(self.to_dict()))

    @classmethod
    def from_toml(cls, source: str | Path) -> Recipe:
        """Read a recipe from TOML text or from a file.

        Raises:
            RecipeError: If the file is missing, is no TOML, or has mistakes.
        """
        text, name = source, "the recipe"
        if isinstance(source, Path):
            name = f"the recipe {source}"
            try:
                text = source.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
                raise RecipeError(f"{name} must be a readable file, got: {reason}") from None
        try:
            return cls(**tomllib.loads(str(text)))
        except tomllib.TOMLDecodeError as error:
            remedy = "" if "=" in str(text) else ". To read a file, pass a Path"
            raise RecipeError(f"{name} must be TOML, got: {error}{remedy}") from None

    def key(self) -> str:
        """A short hash of all values: equal recipes have equal keys."""
        return hashlib.sha256(_text(self.to_dict()).encode()).hexdigest()[:12]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and _text(self.to_dict()) == _text(other.to_dict())

    def __hash__(self) -> int:
        return hash(_text(self.to_dict()))

    def __str__(self) -> str:
        changes = Recipe().diff(self)
        return ", ".join(f"{c.path}={_show(c.after)}" for c in changes) or "default recipe"


def _opened(field: str, value: Any) -> Any:
    """Write a shorthand of a part as a table, so that edits of its fields find one."""
    if field == "augmentation":
        return _list_of_named(value)
    kind = Recipe.model_fields[field].annotation if field in Recipe.model_fields else None
    named = field in Recipe.families or "name" in getattr(kind, "model_fields", {})
    return {"name": value} if named and isinstance(value, str) else value


def _filled(field: str, value: Any) -> Any:
    """A new part with its defaults; as it is where it is wrong, which is said later."""
    try:
        return Recipe(**{field: value}).to_dict()[field]
    except RecipeError:
        return value


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """What differs between two trees; 1 and 1.0 and true differ, as they do in TOML."""
    tables = [tree for tree in (before, after) if isinstance(tree, dict)]
    if len(tables) == 2 or (any(tables) and None in (before, after)):
        for key in dict.fromkeys(key for table in tables for key in table):
            yield from _changes((before or {}).get(key), (after or {}).get(key), f"{path}.{key}" if path else key)
    elif _text(before) != _text(after):
        yield Change(path, before, after)


def _text(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True)


def _none_by_name(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _none_by_name(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_none_by_name(value) for value in tree]
    return "none" if tree is None else tree


def _show(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
