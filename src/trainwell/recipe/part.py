"""What every part of a recipe shares: frozen, strict about names, ready for shorthand strings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A frozen, validated piece of a recipe; unknown fields are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=False)

    def model_post_init(self, context: Any, /) -> None:
        """Count the name as set, so that a part never loses it when only set fields are kept."""
        if "name" in type(self).model_fields:
            self.__pydantic_fields_set__.add("name")


Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
OpenShare = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]


def kind_tag(value: object) -> str:
    """Tell which member of a union of parts a value means: its name, or custom for an import path."""
    name = value.get("name") if isinstance(value, dict) else getattr(value, "name", None)
    return "custom" if isinstance(name, str) and ":" in name else str(name)
