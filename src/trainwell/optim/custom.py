"""An optimizer class by import path, with errors that say what the class takes."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import torch

from trainwell.errors import RecipeError, unknown_name
from trainwell.recipe.optimizers import Custom


def build_custom(spec: Custom, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Import the class `package.module:Class` and build it on groups of parameters.

    Raises:
        RecipeError: If it cannot be imported, is no torch optimizer, or refuses its arguments.
    """
    kind = _import(spec.name)
    signature = inspect.signature(kind)
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())
    known = list(signature.parameters)[1:]
    unknown = [] if takes_any else [name for name in spec.arguments if name not in known]
    if unknown:
        raise RecipeError(f"`optimizer.arguments`: {unknown_name('argument', unknown[0], known)}")
    if spec.weight_decay and not takes_any and "weight_decay" not in known:
        raise RecipeError(
            f"`optimizer.weight_decay` must be 0, as {spec.name} takes none, got {spec.weight_decay:g}. Remove it"
        )
    arguments = dict(spec.arguments)
    if takes_any or "lr" in known:
        arguments.setdefault("lr", spec.lr)
    try:
        return kind(groups, **arguments)
    except (TypeError, ValueError) as error:
        raise RecipeError(
            f"`optimizer.arguments` must suit {spec.name}, got {arguments}: {error}. It takes {', '.join(known)}"
        ) from error


def _import(path: str) -> type[torch.optim.Optimizer]:
    module_name, _, class_name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise RecipeError(
            f"`optimizer.name` must be an import path that works, got {path}: {error}. "
            "Install the package, or put its folder on PYTHONPATH"
        ) from error
    kind = getattr(module, class_name, None)
    classes = [n for n, v in vars(module).items() if inspect.isclass(v) and issubclass(v, torch.optim.Optimizer)]
    if kind is None:
        raise RecipeError(f"`optimizer.name`: {unknown_name(f'optimizer of {module_name}', class_name, classes)}")
    if not (inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer)):
        raise RecipeError(
            f"`optimizer.name` must be a class derived from torch.optim.Optimizer, got {path}. "
            f"Such classes there: {', '.join(classes) or 'none'}"
        )
    return kind
