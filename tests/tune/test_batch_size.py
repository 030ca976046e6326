"""The batch size: an unbiased noise scale, memory that is not tried out, rates that follow."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.tune import batch_sizes, noise_scale
from trainwell.tune.batch_size import rescaled

from .small import made


def lengths(scale: float, draws: int, size: int, chunks: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared lengths for gradients of mean length 1 whose single-example noise has tr(S) = scale, in 20 dimensions."""
    random = np.random.default_rng(seed)
    mean = np.zeros(20)
    mean[0] = 1.0
    noise = random.standard_normal((draws, chunks, 20)) * math.sqrt(scale / 20 / size)
    gradients = mean + noise
    return (gradients**2).sum(-1).mean(1), (gradients.mean(1) ** 2).sum(-1)


@pytest.mark.parametrize("scale", [5.0, 50.0, 300.0])
def test_the_noise_scale_is_that_of_the_gradients(scale):
    small, large = lengths(scale, 4000, 16, 8, seed=0)
    value, interval = noise_scale(small, large, 16, 8)
    assert value == pytest.approx(scale, rel=0.1)
    assert interval[0] <= scale <= interval[1]


def test_its_interval_covers_the_truth_about_as_often_as_it_says():
    held, told = 0, 0
    for seed in range(300):
        _, interval = noise_scale(*lengths(50.0, 24, 16, 8, seed), 16, 8)
        if interval is not None:
            told += 1
            held += interval[0] <= 50.0 <= interval[1]
    assert told > 250
    assert held / told > 0.88


def test_a_gradient_that_is_all_noise_has_no_scale():
    random = np.random.default_rng(0)
    noise = random.standard_normal((24, 8, 20))
    _, interval = noise_scale((noise**2).sum(-1).mean(1), (noise.mean(1) ** 2).sum(-1), 16, 8)
    assert interval is None


def test_on_least_squares_the_measured_scale_agrees_with_the_closed_form():
    generator = torch.Generator().manual_seed(0)
    y = 3 + torch.randn(4096, 1, generator=generator)
    problem = Problem(Bias, (torch.zeros(4096, 1), y), 0.1, 0.1)
    found = batch_sizes(problem, Recipe(optimizer={"name": "sgd", "lr": 1e-9}, batch_size=32), steps=1)
    gradients = 2 * (0 - problem.train.targets.double())
    expected = float(gradients.var() / gradients.mean() ** 2)
    assert found.noise.value == pytest.approx(expected, rel=0.4)


class Bias(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias


def test_sizes_fit_the_data_and_the_suggestion_is_one_of_them():
    found = batch_sizes(made(), Recipe(batch_size=16), steps=10)
    assert found.largest == 128
    assert found.fastest in [size for size, _ in found.throughput]
    assert found.suggestion in (16, *(size for size, _ in found.throughput))


def test_the_rate_follows_the_batch_size_and_says_how():
    assert rescaled("sgd", 0.1, 32, 128)[0] == pytest.approx(0.4)
    rate, said = rescaled("adamw", 1e-3, 32, 128)
    assert rate == pytest.approx(2e-3)
    assert "Malladi" in said
