"""Channels last: chosen where it pays and works, with the same results, and resumed to the bit."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest
import torch
from torch import nn

from tests.train.test_resume import assert_same, killed_and_resumed
from trainwell import Problem, Recipe, fit
from trainwell.errors import RecipeError
from trainwell.problem.models import cnn
from trainwell.train import Training

BASE = Recipe(batch_size=32, epochs=3, optimizer="adamw")


@cache
def halves(model=None) -> Problem:
    X = torch.rand(200, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    y = (X[:, 0, :8].mean((1, 2)) > X[:, 0, 8:].mean((1, 2))).long()
    return Problem(model or partial(cnn, 1, 16, 2, width=4), (X, y), name="halves")


def is_last(problem: Problem, recipe: Recipe = BASE) -> bool:
    weight = next(p for p in Training(problem, recipe).model.parameters() if p.ndim == 4 and p.shape[1] > 1)
    return not weight.is_contiguous() and weight.is_contiguous(memory_format=torch.channels_last)


class Viewing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
        self.head = nn.Linear(4 * 12 * 12, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).view(len(x), -1))


def group_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(4 * 12 * 12, 2)
    )


def test_it_is_chosen_where_it_pays():
    assert is_last(halves())
    assert not is_last(halves(), BASE.with_({"precision.channels_last": False}))
    assert not is_last(halves(group_norm))
    assert not is_last(halves(), BASE.with_({"optimizer": "lbfgs"}))


def test_a_network_that_views_its_maps_is_left_alone():
    assert not is_last(halves(Viewing))
    with pytest.raises(RecipeError, match=r"channels_last.*view"):
        fit(halves(Viewing), BASE.with_({"precision.channels_last": True}))


def test_an_optimizer_that_flattens_weights_refuses_it():
    with pytest.raises(RecipeError, match=r"channels_last.*lbfgs"):
        fit(halves(), BASE.with_({"precision.channels_last": True, "optimizer": "lbfgs"}))


@pytest.mark.parametrize("optimizer", ["sgd-momentum", "adamw", "adagrad", "adafactor", "lion"])
def test_the_losses_are_those_of_the_usual_layout(optimizer):
    recipe = BASE.with_({"optimizer": optimizer})
    usual = fit(halves(), recipe.with_({"precision.channels_last": False}))
    np.testing.assert_allclose(fit(halves(), recipe).steps.loss, usual.steps.loss, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd-momentum", "adamw", "adagrad", "lion", "muon"])
def test_it_resumes_to_the_bit(tmp_path, optimizer):
    recipe = BASE.with_({"optimizer": optimizer, "averaging": "ema", "checkpoints.every_steps": 1})
    whole = fit(halves(), recipe, seed=1)
    assert_same(killed_and_resumed(halves(), recipe, tmp_path, 7), whole)
