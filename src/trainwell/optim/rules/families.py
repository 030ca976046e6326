"""Which runs can share one stacked update, and the rule and hyper-parameters that optimizers of recipes mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from trainwell.errors import RecipeError
from trainwell.optim.rules.adadelta import Adadelta
from trainwell.optim.rules.adafactor import Adafactor
from trainwell.optim.rules.adagrad import Adagrad
from trainwell.optim.rules.adam import Adam
from trainwell.optim.rules.lion import Lion
from trainwell.optim.rules.muon import Muon
from trainwell.optim.rules.nadam import NAdam
from trainwell.optim.rules.radam import RAdam
from trainwell.optim.rules.rmsprop import RMSprop
from trainwell.optim.rules.rule import Hyper, Rule, State, Value
from trainwell.optim.rules.sgd import SGD
from trainwell.recipe.optimizers import Optimizer

RULES: dict[str, type[Rule]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": Adam,
    "nadam": NAdam,
    "radam": RAdam,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "adafactor": Adafactor,
    "lion": Lion,
    "muon": Muon,
}

# Fields that change the program rather than a number in it.
_SWITCHES = ("nesterov", "amsgrad", "decoupled", "centered", "ns_steps")
_ADAMW_OF_MUON = ("adamw_lr", "adamw_betas", "adamw_weight_decay")


def family_of(spec: Optimizer) -> tuple[Any, ...]:
    """What two optimizers must have in common to run in one stack; compare with `==`.

    Raises:
        RecipeError: If the optimizer has no update rule here.
    """
    if spec.name not in RULES:
        raise RecipeError(
            f"`optimizer.name` must be one of {', '.join(RULES)} to train runs as one stack, got {spec.name}. "
            "Train these runs one by one"
        )
    return (spec.name, *((switch, getattr(spec, switch)) for switch in _SWITCHES if hasattr(spec, switch)))


def rule_of(spec: Optimizer, *, stacked: bool = False) -> Rule:
    """The update rule that an optimizer of a recipe means (for Muon the one of its hidden matrices).

    Raises:
        RecipeError: If the optimizer has no update rule here.
    """
    name, *switches = family_of(spec)
    fields = {"decoupled": True} if name == "adamw" else {}
    return RULES[name](stacked=stacked, **fields, **dict(switches))


def hyper_of(
    specs: Sequence[Optimizer], *, equal_as_number: bool = True, device: torch.device | str = "cpu"
) -> dict[str, Value]:
    """The hyper-parameters of a rule, from the optimizers of one or several runs.

    Args:
        specs: One for a single run, K of one family for a stack.
        equal_as_number: Give what is equal in all runs as a number, which is a little quicker; a compiled step
            is compiled anew for other numbers, not for other tensors.
        device: Where the tensors lie.

    Returns:
        By name; tensors are float64 (K,).

    Raises:
        RecipeError: If the optimizers are not of one family.
    """
    families = dict.fromkeys(family_of(spec) for spec in specs)
    if len(families) != 1:
        raise RecipeError(
            f"`optimizer` must be of one family to train runs as one stack, got {'; '.join(map(str, families))}. "
            "Group the runs by family"
        )
    columns: dict[str, list[float]] = {}
    for spec in specs:
        for field, value in spec:
            if field == "betas":
                columns.setdefault("beta1", []).append(value[0])
                columns.setdefault("beta2", []).append(value[1])
            elif field != "name" and field not in _SWITCHES and field not in _ADAMW_OF_MUON:
                columns.setdefault(field, []).append(value)
    return {name: as_value(values, equal_as_number=equal_as_number, device=device) for name, values in columns.items()}


def as_value(values: Sequence[float], *, equal_as_number: bool = True, device: torch.device | str = "cpu") -> Value:
    """One number per run as a hyper-parameter: a number where all are equal (and that is asked), else float64 (K,)."""
    if equal_as_number and len(set(values)) == 1:
        return values[0]
    return torch.tensor(values, dtype=torch.float64, device=device)


def select_hyper(hyper: Hyper, runs: Tensor) -> dict[str, Value]:
    """The hyper-parameters of some of the runs of a stack, by index or mask."""
    return {name: value[runs] if isinstance(value, Tensor) else value for name, value in hyper.items()}


def select_state(state: State, runs: Tensor) -> State:
    """The state of some of the runs of a stack, by index or mask."""
    return {name: [t[runs] if t.ndim and t.numel() else t for t in tensors] for name, tensors in state.items()}
