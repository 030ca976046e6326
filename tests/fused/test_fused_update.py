"""The update of a stack's rows, by torch's kernels where there are any, against an optimizer for each run."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwell.optim.build import build_optimizer
from trainwell.optim.stacks import stacked_groups
from trainwell.recipe import Recipe
from trainwell.train.fused.tensors import Tensors
from trainwell.train.fused.update import update_

RUNS, STEPS = 3, 60
rate = st.floats(1e-4, 0.05)
decay = st.just(0.0) | st.floats(1e-4, 0.2)
betas = st.tuples(st.floats(0.5, 0.95), st.floats(0.8, 0.999))
SHARED = {
    "adamw": st.fixed_dictionaries({"betas": betas, "amsgrad": st.booleans()}),
    "adam": st.fixed_dictionaries({"betas": betas, "eps": st.floats(1e-10, 1e-4)}),
    "sgd": st.fixed_dictionaries({"momentum": st.just(0.0) | st.floats(0.1, 0.95)}),
    "adagrad": st.fixed_dictionaries({"lr_decay": st.just(0.0) | st.floats(1e-4, 0.01)}),
}


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 2))


def assert_as_alone(recipes: list[Recipe], multipliers: list[float]) -> None:
    models = [model() for _ in recipes]
    groups = stacked_groups(models[0], [r.optimizer for r in recipes], [r.parameters for r in recipes])
    tensors = Tensors.of(models, groups)
    alone = [build_optimizer(r.optimizer, r.parameters, m) for r, m in zip(recipes, models, strict=True)]
    for optimizer, multiplier in zip(alone, multipliers, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * multiplier
    generator = torch.Generator().manual_seed(0)
    for step in range(STEPS):
        for name, view in tensors.gradients.items():
            view.copy_(torch.randn(view.shape, generator=generator))
            for k, own in enumerate(models):
                own.get_parameter(name).grad = view[k].clone()
        for block in tensors.blocks:
            update_(block, multipliers, step)
        for optimizer in alone:
            optimizer.step()
    for name, view in tensors.parameters.items():
        for k, own in enumerate(models):
            # float32: 60 roundings of values of about 1
            torch.testing.assert_close(view[k], own.get_parameter(name).detach(), rtol=2e-4, atol=2e-5)


def recipe(name: str, **fields) -> Recipe:
    return Recipe(optimizer={"name": name, **fields})


@pytest.mark.parametrize("name", SHARED)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_runs_that_differ_in_rate_and_decay_share_one_kernel(name, data):
    shared = data.draw(SHARED[name])
    recipes = [recipe(name, lr=data.draw(rate), weight_decay=data.draw(decay), **shared) for _ in range(RUNS)]
    assert_as_alone(recipes, [data.draw(st.floats(0.1, 1.0)) for _ in range(RUNS)])


@pytest.mark.parametrize("name", SHARED)
@settings(max_examples=2, deadline=None)
@given(data=st.data())
def test_runs_that_differ_in_all_have_a_kernel_each(name, data):
    amsgrad = {"amsgrad": True} if name == "adamw" else {}
    fields = [{**data.draw(SHARED[name]), **amsgrad} for _ in range(RUNS)]
    recipes = [recipe(name, lr=data.draw(rate), weight_decay=data.draw(decay), **own) for own in fields]
    assert_as_alone(recipes, [1.0] * RUNS)


def test_a_row_that_is_not_finite_leaves_the_others_as_they_are():
    recipes = [recipe("adamw", lr=lr) for lr in (1e-2, 1e-3)]
    with_nan, without = [], []
    for rows, poison in ((with_nan, True), (without, False)):
        torch.manual_seed(0)
        models = [model() for _ in recipes]
        groups = stacked_groups(models[0], [r.optimizer for r in recipes], [r.parameters for r in recipes])
        tensors = Tensors.of(models, groups)
        for step in range(3):
            for block in tensors.blocks:
                block.gradients_KP.normal_(generator=torch.Generator().manual_seed(step))
                if poison:
                    block.gradients_KP[0] = float("nan")
                update_(block, [1.0, 1.0], step)
        rows.extend(block.values_KP[1].clone() for block in tensors.blocks)
        assert bool(torch.isnan(tensors.blocks[0].values_KP[0]).any()) == poison
    assert all(torch.equal(a, b) for a, b in zip(with_nan, without, strict=True))
