"""Compiled updates, as `precision.compile` says: the model alone, or the whole step."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import nn

from trainwell.optim.groups import treatments
from trainwell.recipe import Recipe
from trainwell.train.compiled.forward import CompiledForward
from trainwell.train.compiled.graph import Ingredients
from trainwell.train.compiled.obstacles import NO_COMPILER, compiler, obstacle
from trainwell.train.compiled.step import CompiledUpdate
from trainwell.train.losses import LossFunction
from trainwell.train.update import Update

__all__ = ["update_of"]


def update_of(
    recipe: Recipe,
    model: nn.Module,
    loss: LossFunction,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    planned_steps: int,
    options: dict[str, Any],
) -> Update:
    """The update of a recipe, compiled as far as `precision.compile` says.

    Args:
        options: Of `Update`.
    """
    how = recipe.precision.compile
    if how == "off":
        return Update(model, loss, optimizer, **options)
    if how == "model":
        missing = NO_COMPILER if device.type == "cpu" and not compiler() else ""
        forward = CompiledForward(model, recipe.batch_size, missing)
        update = Update(forward, loss, optimizer, **options)
        forward.note = lambda **what: update.note(**what)
        return update
    part = recipe.regularization
    parts = Ingredients(
        model=model,
        loss=loss,
        optimizer=optimizer,
        spec=recipe.optimizer,
        clipping=recipe.clipping,
        l1=part.l1,
        l2=part.l2,
        penalised=[t.parameter for t in treatments(model, recipe.parameters) if t.decays and not t.frozen],
        autocast=options["autocast"] or nullcontext,
    )
    return CompiledUpdate(
        parts,
        planned_steps=planned_steps,
        batch_size=recipe.batch_size,
        always=how == "step",
        obstacle=obstacle(recipe, device),
        **options,
    )
