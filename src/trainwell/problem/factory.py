"""Model factories: their keyword arguments are the knobs that recipes and searches set."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from torch import nn

from trainwell.errors import ProblemError, RecipeError, TrainwellError, unknown_name

Factory: TypeAlias = Callable[..., nn.Module]


def check_factory(model: Any) -> Factory:
    """Refuse what is no factory: a model instance, something that cannot be called, or one that needs arguments.

    Raises:
        ProblemError: With the remedy.
    """
    if isinstance(model, nn.Module):
        name = type(model).__name__
        raise ProblemError(
            f"`model` must be a factory that builds a new model each time, got an instance of {name}. "
            f"Pass model=lambda: {name}(...), or a function whose keyword arguments are the knobs"
        )
    if not callable(model):
        raise ProblemError(
            f"`model` must be a function or class that builds a model, got {model!r}. Pass model=lambda: Net()"
        )
    needed = [
        name
        for name, parameter in _parameters(model).items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise ProblemError(
            f"`model` must be callable without arguments, got one that needs {', '.join(needed)}. "
            f"Give defaults, or pass functools.partial(model, {needed[0]}=...)"
        )
    factory: Factory = model
    return factory


def knobs(model: Factory) -> dict[str, Any]:
    """Keyword arguments of a factory and their defaults."""
    return {
        name: parameter.default
        for name, parameter in _parameters(model).items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def takes_any_keyword(model: Factory) -> bool:
    """Whether a factory accepts keywords beyond those it names."""
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in _parameters(model).values())


def build(model: Factory, values: Mapping[str, Any]) -> nn.Module:
    """Build a model with some knobs set.

    Raises:
        RecipeError: For knobs the factory does not have; lists all.
        ProblemError: If the factory fails, or builds no `nn.Module`.
    """
    known = knobs(model)
    unknown = [name for name in values if name not in known]
    if unknown and not takes_any_keyword(model):
        if not known:
            raise RecipeError(
                f"`model.{unknown[0]}` must be a keyword of the model factory, which has none. "
                "Give the factory keyword arguments, or drop it"
            )
        raise RecipeError(
            "\n".join(
                f"`model.{name}`: {unknown_name('keyword of the model factory', name, known)}" for name in unknown
            )
        )
    try:
        built: Any = model(**values)
    except TrainwellError:
        raise
    except Exception as error:
        said = ", ".join(f"{name}={value!r}" for name, value in values.items())
        raise ProblemError(
            f"`model` must build with ({said}), got {type(error).__name__}: {error}. Change these values or the factory"
        ) from error
    if not isinstance(built, nn.Module):
        raise ProblemError(f"`model` must build a torch.nn.Module, got {type(built).__name__}. Return the module")
    return built


def _parameters(model: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(model).parameters
    except (TypeError, ValueError):  # some built-in callables have no signature
        return {}
