"""A contender: an optimizer or recipe together with the space it is tuned over, A(space, budget)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwell.errors import RecipeError, UsageError, unknown_name
from trainwell.recipe import Recipe
from trainwell.records.comparison import ContenderFacts
from trainwell.space import Space, default_space

BASE = Recipe(schedule="cosine")
"""What is fixed for contenders named by their optimizer: the defaults, and a rate that falls to zero."""
SPLIT_BASE = Recipe().with_({"inputs.scaling": "standardize", "stopping.keep": "last"})
"""What is fixed for recipes over splits: the defaults, inputs standardised by the training part of each split."""

_CLASSICAL = {"depth": 2, "width": 100}
REGULARISATIONS: dict[str, dict[str, Any]] = {
    "plain": {"model": _CLASSICAL},
    "dropout": {"model": {**_CLASSICAL, "dropout": 0.5}},
    "batchnorm": {"model": {**_CLASSICAL, "norm": "batch"}},
    "both": {"model": {**_CLASSICAL, "dropout": 0.5, "norm": "batch"}},
}
"""Fixed recipes of the classical exercise: two hidden layers of 100 with ReLU, and what is put between them."""


@dataclass(frozen=True)
class Contender:
    """What takes part in a comparison.

    Attributes:
        recipe: What is fixed; the length of the runs is the protocol's.
        space: What is tuned; None for a fixed recipe, of which only C1 can be claimed.
        spec: As it was named.
    """

    name: str
    recipe: Recipe
    space: Space | None
    spec: str = ""

    def facts(self) -> ContenderFacts:
        """In plain values."""
        return ContenderFacts(
            name=self.name,
            spec=self.spec or self.name,
            optimizer=_kind(self.recipe),
            recipe=self.recipe.to_dict(),
            space={} if self.space is None else self.space.to_plain(),
            space_lines=() if self.space is None else tuple(self.space.describe()),
            space_hash="" if self.space is None else self.space.hash,
        )

    @classmethod
    def of(cls, name: str, spec: Any = None, *, base: Recipe | None = None) -> Contender:
        """Make a contender of what a person wrote.

        Args:
            name: How it is called in the results.
            spec: An optimizer, a named default (`sgd-momentum`, `nesterov`; `plain`, `dropout`, `batchnorm`, `both`),
                a recipe file in TOML with a `[space]`, a table of the same, a `Recipe`, or a `Contender`. The
                name itself where None. `sgd` alone is without momentum.
            base: What is fixed for all contenders.

        Raises:
            UsageError: If it is none of these.
            RecipeError: If the recipe or the space has mistakes.
        """
        spec = name if spec is None else spec
        base = base or Recipe()
        if isinstance(spec, Contender):
            return cls(name, spec.recipe, spec.space, spec.spec)
        if isinstance(spec, Recipe):
            return cls(name, spec, _default(str(spec.optimizer.name)), name)
        if isinstance(spec, Mapping):
            return cls._of_table(name, spec, base, name)
        text = str(spec)
        if text.endswith(".toml") or Path(text).is_file():
            return cls._of_table(name, _table(Path(text)), base, text)
        if text in REGULARISATIONS:
            return cls(name, base.with_(REGULARISATIONS[text]), None, text)
        known = Recipe.families["optimizer"]
        if text not in known:
            known_specs = [*known, *REGULARISATIONS]
            raise UsageError(
                f"`contenders.{name}`: {unknown_name('optimizer or recipe', text, known_specs)}, or a recipe file "
                "in TOML with a [space]"
            )
        return cls(name, base.with_({"optimizer": text}), _default(text), text)

    @classmethod
    def _of_table(cls, name: str, table: Mapping[str, Any], base: Recipe, spec: str) -> Contender:
        fields = {key: value for key, value in table.items() if key != "space"}
        recipe = base.with_(fields) if fields else base
        space = Space.from_plain(table["space"]) if "space" in table else _default(_shorthand(fields, recipe))
        mistakes = [
            f"`contenders.{name}.{path}` must be left to the protocol, got {fields[path]}. Say --epochs or --horizons"
            for path in ("epochs", "steps")
            if path in fields
        ]
        if mistakes:
            raise RecipeError("\n".join(mistakes), mistakes)
        return cls(name, recipe, space, spec)


def _kind(recipe: Recipe) -> str:
    """Name of the optimizer, momentum and Nesterov's told apart from plain SGD."""
    optimizer = recipe.optimizer
    if optimizer.name != "sgd":
        return str(optimizer.name)
    if getattr(optimizer, "nesterov", False):
        return "nesterov"
    return "sgd-momentum" if getattr(optimizer, "momentum", 0.0) else "sgd"


def _shorthand(fields: Mapping[str, Any], recipe: Recipe) -> str:
    optimizer = fields.get("optimizer")
    return optimizer if isinstance(optimizer, str) else _kind(recipe)


def _default(optimizer: str) -> Space | None:
    """The sourced default space; that of plain SGD is without momentum."""
    if ":" in optimizer:
        return None
    space = default_space(optimizer)
    if optimizer != "sgd":
        return space
    without = {path: d for path, d in space.dimensions.items() if path != "optimizer.momentum"}
    return Space(without, source=f"{space.source}; without momentum")


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise UsageError(f"the contender {path} must be a readable file, got: {reason}. Check the path") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the contender {path} must be TOML, got: {error}") from None
