"""A last batch of one example, which batch norm cannot train on: said before training, not at the end of an epoch."""

from __future__ import annotations

import copy

import torch
from torch import nn

from trainwell.data.streamed import first
from trainwell.errors import RecipeError
from trainwell.problem import Problem
from trainwell.problem.forward import call
from trainwell.recipe import Recipe
from trainwell.train.plan import Plan


def refuse_lone_example(problem: Problem, recipe: Recipe, model: nn.Module, plan: Plan) -> None:
    """Refuse a batch of one example where batch norm sees one value per channel (images have many and pass).

    Raises:
        RecipeError: If an epoch has such a batch.
    """
    if plan.examples is None:
        return
    left = plan.examples % recipe.batch_size
    lone = recipe.batch_size == 1 or (left == 1 and not recipe.sampling.drop_last)
    if not lone or not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules()):
        return
    try:
        with torch.random.fork_rng(devices=()), torch.no_grad():
            call(copy.deepcopy(model).train(), first(problem.train, 1).inputs)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            return
        remedy = "Set batch_size = 32" if recipe.batch_size == 1 else "Set sampling.drop_last = true"
        raise RecipeError(
            "`batch_size` must leave no batch of 1 example for batch norm, got "
            f"{recipe.batch_size} with {plan.examples:,} training examples. {remedy}"
        ) from None
