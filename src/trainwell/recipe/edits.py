"""Dotted paths into a recipe's tree of plain values: read one step, or set a field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trainwell.errors import RecipeError, unknown_name


def apply(tree: dict[str, Any], full: dict[str, Any], path: str, value: Any, fields: Iterable[str]) -> None:
    """Set a field in the tree of set fields.

    Args:
        tree: Changed in place.
        full: The same recipe with its defaults; tables and lists on the way that the tree lacks begin as there.
        path: Two steps or more, e.g. `optimizer.betas.0`.
        value: Plain.
        fields: Names of the first step.

    Raises:
        RecipeError: If the path leads nowhere. A last step that names no field of a part is left to the validation.
    """
    steps = path.split(".")
    if not all(steps):
        raise RecipeError(f"`{path}` must be a dotted path such as optimizer.lr, got an empty step in it")
    if steps[0] not in fields:
        raise RecipeError(f"`{path}`: {unknown_name('field of a recipe', steps[0], fields)}")
    node: Any = tree
    shadow: Any = full
    for depth, key in enumerate(steps[:-1]):
        shadow = shadow.get(key) if isinstance(shadow, dict) else None
        if isinstance(node, dict) and key not in node:
            node[key] = _beginning(shadow)
        node = descend(node, steps, depth)
    if isinstance(node, list):
        descend(node, steps, len(steps) - 1)
        node[int(steps[-1])] = value
    elif isinstance(node, dict):
        node[steps[-1]] = value
    else:
        raise _leaf(node, steps, len(steps) - 1)


def descend(node: Any, steps: Sequence[str], depth: int) -> Any:
    """Go one step of a path down.

    Raises:
        RecipeError: If there is no such field or index; says the known ones.
    """
    key, path = steps[depth], ".".join(steps)
    if isinstance(node, list):
        if not (key.isdecimal() and int(key) < len(node)):
            parent = ".".join(steps[:depth])
            if not node:
                raise RecipeError(f"`{path}` must name an item, got an empty `{parent}`. Set `{parent}` as a whole")
            raise RecipeError(f"`{path}` must have an index from 0 to {len(node) - 1} after `{parent}`, got '{key}'")
        return node[int(key)]
    if not isinstance(node, dict):
        raise _leaf(node, steps, depth)
    if key not in node:
        owner = f"`{'.'.join(steps[:depth])}`" if depth else "a recipe"
        raise RecipeError(f"`{path}`: {unknown_name(f'field of {owner}', key, node)}")
    return node[key]


def _leaf(value: Any, steps: Sequence[str], depth: int) -> RecipeError:
    path, place = ".".join(steps), ".".join(steps[:depth])
    return RecipeError(f"`{path}` must lead through tables and lists, got the value {value!r} at `{place}`")


def _beginning(shadow: Any) -> Any:
    """What an unset field on the way begins as: a list or value as it is, a table with its name alone."""
    if shadow is None:
        return {}
    if isinstance(shadow, dict):
        return {"name": shadow["name"]} if "name" in shadow else {}
    return list(shadow) if isinstance(shadow, list) else shadow
