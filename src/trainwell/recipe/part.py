"""What every part of a recipe shares: frozen, strict about names, ready for shorthand strings."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from trainwell.errors import RecipeError
from trainwell.recipe.mistakes import IMPORT_PATH, Families, explain


class Part(BaseModel):
    """A frozen, validated piece of a recipe; unknown fields are mistakes.

    A field that may be None also takes the string "none", since TOML and the command line have no null.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=False)

    families: ClassVar[Families] = {}

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise RecipeError(*explain(error, type(self), self.families)) from None

    # As BaseModel's own: parts inside a recipe are validated without __init__, so that all mistakes are collected.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @model_validator(mode="before")
    @classmethod
    def _none_by_name(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        return {k: None if v == "none" and k in optional_fields(cls) else v for k, v in fields.items()}

    def model_post_init(self, context: Any, /) -> None:
        """Count the name as set, so that a part never loses it when only set fields are kept."""
        if "name" in type(self).model_fields:
            self.__pydantic_fields_set__.add("name")


def optional_fields(kind: type[BaseModel]) -> set[str]:
    """The fields of a part that may be None."""
    return {name for name, field in kind.model_fields.items() if types.NoneType in get_args(field.annotation)}


def _plain_values(table: dict[str, Any]) -> dict[str, Any]:
    return {key: _plain(value, key) for key, value in table.items()}


def _plain(value: Any, path: str) -> Any:
    """Copy a value that TOML can hold, NumPy's scalars as numbers and tuples as lists; refuse any other."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(inner, f"{path}.{key}") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{path}.{index}") for index, inner in enumerate(value)]
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    remedy = "Leave it out for the default" if value is None else "Give a name or numbers that the program can read"
    raise ValueError(f"`{path}` must be a string, finite number, truth value, list or table, got {value!r}. {remedy}")


Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
OpenShare = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]
ImportPath = Annotated[str, Field(pattern=IMPORT_PATH)]
Table = Annotated[dict[str, Any], AfterValidator(_plain_values)]


def kind_tag(value: object) -> str:
    """Tell which member of a union of parts a value means: its name, or custom for an import path."""
    name = value.get("name") if isinstance(value, dict) else getattr(value, "name", None)
    return "custom" if isinstance(name, str) and ":" in name else str(name)
