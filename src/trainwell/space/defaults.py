"""Spaces to begin with, one for each optimizer, with their sources.

The rates span what published searches span; a range test narrows them for a problem. Momenta and betas are searched on
the logarithm of 1 - x, weight decay on its own logarithm.
"""

from __future__ import annotations

from trainwell.errors import RecipeError, UnknownNameError
from trainwell.recipe import Recipe
from trainwell.space.dimension import Dimension, log_uniform, reverse_log_uniform
from trainwell.space.space import Space

_SCHMIDT = "after Schmidt et al. 2021, Descending through a crowded valley"
_CHOI = "Choi et al. 2019, On empirical comparisons of optimizers"
_PLAYBOOK = "Godbole et al. 2023, Deep Learning Tuning Playbook"


def _adam_like(rate: tuple[float, float], decay: tuple[float, float]) -> dict[str, Dimension]:
    return {
        "optimizer.lr": log_uniform(*rate),
        "optimizer.betas.0": reverse_log_uniform(0.5, 0.99),
        "optimizer.weight_decay": log_uniform(*decay),
    }


_COUPLED, _DECOUPLED = (1e-6, 1e-2), (1e-3, 1.0)

_DIMENSIONS: dict[str, tuple[dict[str, Dimension], str]] = {
    "sgd": (
        {
            "optimizer.lr": log_uniform(1e-4, 1.0),
            "optimizer.momentum": reverse_log_uniform(0.5, 0.99),
            "optimizer.weight_decay": log_uniform(*_COUPLED),
        },
        f"rate and momentum {_SCHMIDT}; 1 - momentum on a log scale: {_CHOI}",
    ),
    "adam": (
        _adam_like((1e-5, 1e-1), _COUPLED),
        f"rate and first beta {_SCHMIDT}, a decade lower; 1 - beta on a log scale: {_CHOI}; second beta and epsilon "
        f"are left for large searches: {_PLAYBOOK}",
    ),
    "adamw": (
        _adam_like((1e-5, 1e-1), _DECOUPLED),
        f"rate and first beta {_SCHMIDT}, a decade lower; 1 - beta on a log scale: {_CHOI}; decoupled weight decay "
        "around the values of Loshchilov & Hutter 2019; second beta and epsilon are left for large searches: "
        f"{_PLAYBOOK}",
    ),
    "nadam": (_adam_like((1e-5, 1e-1), _COUPLED), f"as adam, {_SCHMIDT}; {_CHOI}"),
    "radam": (_adam_like((1e-5, 1e-1), _COUPLED), f"as adam, {_SCHMIDT}; {_CHOI}"),
    "adagrad": (
        {"optimizer.lr": log_uniform(1e-4, 1.0), "optimizer.weight_decay": log_uniform(*_COUPLED)},
        f"rate {_SCHMIDT}",
    ),
    "adadelta": (
        {"optimizer.lr": log_uniform(1e-2, 10.0), "optimizer.rho": reverse_log_uniform(0.5, 0.99)},
        f"{_SCHMIDT}; the rate around Zeiler 2012's 1",
    ),
    "rmsprop": (
        {
            "optimizer.lr": log_uniform(1e-5, 1e-1),
            "optimizer.alpha": reverse_log_uniform(0.8, 0.999),
            "optimizer.momentum": reverse_log_uniform(0.01, 0.99),
        },
        f"rate {_SCHMIDT}; decay and momentum as {_CHOI}",
    ),
    "adafactor": (
        {"optimizer.lr": log_uniform(1e-4, 1.0), "optimizer.weight_decay": log_uniform(*_COUPLED)},
        "rate around the relative step of 1e-2 of Shazeer & Stern 2018",
    ),
    "lion": (
        {
            "optimizer.lr": log_uniform(1e-6, 1e-2),
            "optimizer.betas.0": reverse_log_uniform(0.8, 0.98),
            "optimizer.weight_decay": log_uniform(1e-2, 10.0),
        },
        "Chen et al. 2023, Symbolic discovery: rates 3 to 10 times lower and decays as much higher than AdamW's",
    ),
    "muon": (
        {
            "optimizer.lr": log_uniform(1e-3, 1e-1),
            "optimizer.adamw_lr": log_uniform(1e-4, 3e-2),
            "optimizer.momentum": reverse_log_uniform(0.8, 0.99),
            "optimizer.weight_decay": log_uniform(1e-3, 1.0),
        },
        "around the values of Jordan et al. 2024; AdamW's part as its own space",
    ),
    "lbfgs": ({"optimizer.lr": log_uniform(1e-2, 1.0)}, "around the full step 1 (Nocedal & Wright 2006)"),
    "schedulefree": (
        {
            "optimizer.lr": log_uniform(1e-4, 1e-1),
            "optimizer.momentum": reverse_log_uniform(0.8, 0.99),
            "optimizer.weight_decay": log_uniform(*_COUPLED),
        },
        "Defazio et al. 2024, The road less scheduled: rates up to ten times those of a schedule, momentum 0.9 to 0.98",
    ),
}


def default_space(optimizer: str) -> Space:
    """The space to begin with for an optimizer, with its source.

    Args:
        optimizer: A name that a recipe takes, such as `adamw`, `sgd` or `nesterov`.

    Raises:
        UnknownNameError: If there is none; write one for a custom optimizer.
    """
    families = Recipe.families["optimizer"]
    if optimizer in families and optimizer not in _DIMENSIONS:  # a shorthand of another, such as nesterov
        try:
            optimizer = Recipe(optimizer=optimizer).optimizer.name
        except RecipeError:
            raise UnknownNameError("default space", optimizer, _DIMENSIONS) from None
    if optimizer not in _DIMENSIONS:
        raise UnknownNameError("default space", optimizer, _DIMENSIONS)
    dimensions, source = _DIMENSIONS[optimizer]
    return Space(dimensions, source=source)
