"""How K runs of one model are updated as one stack: which parameters share a rule and hyper-parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.errors import RecipeError
from trainwell.optim.groups import Treatment, divide, trained, treatments
from trainwell.optim.rules.families import as_value, family_of, hyper_of, rule_of, select_hyper
from trainwell.optim.rules.rule import Rule, Value
from trainwell.recipe.optimizers import Optimizer
from trainwell.recipe.parts import Parameters


@dataclass(frozen=True)
class StackedGroup:
    """Parameters of a stack that are updated with one rule and the same hyper-parameters in each run.

    Attributes:
        rule: The update rule, for tensors (K, ...).
        names: Names of the parameters.
        hyper: Hyper-parameters; `lr` is the base rate, before the schedule, always float64 (K,).
        penalised: 1 where L1 and L2 penalties and max-norm apply, else 0 (as weight decay does).
    """

    rule: Rule
    names: tuple[str, ...]
    hyper: dict[str, Value]
    penalised: Value

    def at(self, multiplier: Value) -> dict[str, Value]:
        """The hyper-parameters of a step, for a multiplier of the rate or one per run (K,)."""
        return {**self.hyper, "lr": self.hyper["lr"] * multiplier}

    def select(self, runs: Tensor) -> StackedGroup:
        """The same for some of the runs, by index or mask."""
        chosen = select_hyper({"penalised": self.penalised}, runs)
        return replace(self, hyper=select_hyper(self.hyper, runs), penalised=chosen["penalised"])


def stacked_groups(
    model: nn.Module,
    specs: Sequence[Optimizer],
    parameters: Sequence[Parameters],
    *,
    equal_as_number: bool = True,
    device: torch.device | str = "cpu",
) -> list[StackedGroup]:
    """Plan the update of K runs as one stack, with the same result for each as its own `build_optimizer`.

    Args:
        model: The model of all runs (any weights; nothing in it changes).
        specs: `recipe.optimizer` of each run.
        parameters: `recipe.parameters` of each run.
        equal_as_number: Give hyper-parameters that are equal in all runs as numbers; see `hyper_of`.
        device: Where the stack lives.

    Raises:
        RecipeError: If the runs cannot be stacked, with the reason.
    """
    families = dict.fromkeys(family_of(spec) for spec in specs)
    if len(families) > 1:
        raise RecipeError(
            f"`optimizer` must be of one family to train runs as one stack, got {'; '.join(map(str, families))}. "
            "Group the runs by family"
        )
    by_part = {part.model_dump_json(): part for part in parameters}
    treated = {text: treatments(model, part) for text, part in by_part.items()}
    treated_by_run = [treated[part.model_dump_json()] for part in parameters]
    names = [tuple(t.name for t in trained(own)) for own in treated_by_run]
    if len(set(names)) > 1:
        raise RecipeError(
            "`parameters.overrides` must freeze the same parameters to train runs as one stack, got different ones. "
            "Group the runs by what they freeze"
        )
    divided = [divide(spec, trained(own)) for spec, own in zip(specs, treated_by_run, strict=True)]
    groups = []
    for parts in zip(*divided, strict=True):
        groups += _groups_of_rule([p[0] for p in parts], [p[1] for p in parts], equal_as_number, device)
    return groups


def _groups_of_rule(
    specs: Sequence[Optimizer], members: Sequence[Sequence[Treatment]], equal_as_number: bool, device: Any
) -> list[StackedGroup]:
    shared = hyper_of(specs, equal_as_number=equal_as_number, device=device)
    rule = rule_of(specs[0], stacked=True)
    columns: dict[tuple[Any, ...], list[str]] = {}
    for treated in zip(*members, strict=True):
        rates = tuple(spec.lr * t.lr_factor for spec, t in zip(specs, treated, strict=True))
        decays = tuple(t.decay(getattr(spec, "weight_decay", 0.0)) for spec, t in zip(specs, treated, strict=True))
        penalised = tuple(float(t.decays) for t in treated)
        columns.setdefault((rates, decays, penalised), []).append(treated[0].name)
    return [
        StackedGroup(
            rule=rule,
            names=tuple(names),
            hyper={
                **shared,
                "lr": as_value(rates, equal_as_number=False, device=device),
                "weight_decay": as_value(decays, equal_as_number=equal_as_number, device=device),
            },
            penalised=as_value(penalised, equal_as_number=equal_as_number, device=device),
        )
        for (rates, decays, penalised), names in columns.items()
    ]
