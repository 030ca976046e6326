"""A small problem on which a study takes a moment."""

from __future__ import annotations

import torch
from torch import nn

from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.space import Space, log_uniform

RATES = Space.of({"optimizer.lr": log_uniform(1e-4, 1.0)})
BASE = Recipe(optimizer="sgd", epochs=4, batch_size=32)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def made(seed: int = 0) -> Problem:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(320, 4, generator=generator)
    y = (x[:, 0] * x[:, 1] + 0.3 * torch.randn(320, generator=generator) > 0).long()
    return Problem(Net, (x[:192], y[:192]), (x[192:256], y[192:256]), (x[256:], y[256:]))


class Regressor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)
