"""The classical ramp, on curves whose shape is known and in loops of one's own."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import trainwell
from trainwell.errors import UsageError
from trainwell.recipe import Recipe
from trainwell.tune import lr_range, read_ramp

from .small import made

RATES = np.geomspace(1e-7, 10, 120)


def ramp_curve(centre: float, noise: float, seed: int) -> np.ndarray:
    """Flat, a smooth fall by the logarithm of the rate around `centre`, an explosion 30 times above."""
    x = np.log10(RATES / centre)
    loss = 2.3 - 1.8 / (1 + np.exp(-5 * x)) + np.exp(np.clip(6 * (x - 1.5), -50, 8))
    return loss + noise * np.random.default_rng(seed).standard_normal(len(RATES))


def steepest_by_the_rate_itself(losses: np.ndarray) -> float:
    """What a slope against the rate, in place of its logarithm, takes for the steepest."""
    return float(RATES[np.argmin(np.gradient(losses, RATES))])


@settings(max_examples=60)
@given(st.floats(-4, -1.5), st.integers(0, 10_000))
def test_slopes_are_taken_against_the_logarithm_of_the_rate(exponent, seed):
    centre = 10**exponent
    losses = ramp_curve(centre, 0.05, seed)
    test = read_ramp(RATES.tolist(), losses.tolist())
    assert abs(math.log10(test.steepest / centre)) < 0.6
    assert abs(math.log10(test.suggestion / centre)) < 1.0
    assert test.interval[0] <= test.suggestion <= test.interval[1] <= test.largest_stable


def test_slopes_against_the_rate_itself_would_suggest_rates_thousands_of_times_too_small():
    losses = ramp_curve(1e-2, 0.05, 0)
    assert steepest_by_the_rate_itself(losses) < 1e-2 / 1000
    assert read_ramp(RATES.tolist(), losses.tolist()).suggestion > 1e-3


@settings(max_examples=60)
@given(st.floats(0.001, 0.3), st.integers(0, 10_000))
def test_a_flat_ramp_gets_no_suggestion_whatever_its_noise(noise, seed):
    losses = 2.3 + noise * np.random.default_rng(seed).standard_normal(len(RATES))
    test = read_ramp(RATES.tolist(), losses.tolist())
    assert test.suggestion is None
    assert "flat" in test.reason


def test_a_ramp_over_a_problem_stops_where_it_diverges_and_suggests_a_rate_that_learns():
    recipe = Recipe(optimizer="sgd", batch_size=32)
    test = lr_range(made(), recipe, method="ramp", rates=[1e-5, 1e4], steps=120, seeds=(0, 1))
    assert test.method == "ramp"
    assert math.isnan(test.losses[-1])
    if test.suggestion is not None:
        assert test.suggestion < test.largest_stable


def loop():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    x = torch.randn(256, 4)
    y = x[:, :1] * 2 - x[:, 1:2]
    return model, x, y


def test_in_a_loop_of_ones_own_the_rate_rises_and_everything_is_as_before():
    model, x, y = loop()
    optimizer = torch.optim.Adam(
        [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 2e-3}], lr=1e-3
    )
    before = [p.detach().clone() for p in model.parameters()]
    backward, rates = torch.Tensor.backward, []
    with trainwell.lr_range(model, optimizer, steps=100) as test:
        for k in itertools.count():
            batch = slice(32 * (k % 8), 32 * (k % 8) + 32)
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x[batch]), y[batch]).backward()
            rates.append([group["lr"] for group in optimizer.param_groups])
            optimizer.step()
    assert 1e-3 < test.suggestion < 0.3
    assert [r[0] for r in rates] == pytest.approx(list(np.geomspace(1e-6, 10, 100))[: len(rates)])
    assert all(r[1] == pytest.approx(2 * r[0]) for r in rates)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 2e-3]
    assert not optimizer.state
    assert torch.Tensor.backward is backward


def test_an_error_inside_the_block_is_the_persons_own():
    model, _, _ = loop()
    with pytest.raises(ZeroDivisionError), trainwell.lr_range(model, torch.optim.SGD(model.parameters(), lr=0.1)):
        1 / 0  # noqa: B018
    assert torch.Tensor.backward.__name__ == "backward"


def test_a_block_without_steps_is_refused():
    model, _, _ = loop()
    with (
        pytest.raises(UsageError, match="at least 8 steps"),
        trainwell.lr_range(model, torch.optim.SGD(model.parameters())),
    ):
        pass


@pytest.mark.parametrize("rates", [[], [1.0, 0.1], [0.0, 1.0], [1.0, math.inf]])
def test_rates_that_do_not_rise_are_refused(rates):
    with pytest.raises(UsageError, match="rising numbers"):
        lr_range(made(), rates=rates)


def test_an_optimizer_without_a_rate_and_an_unknown_method_are_refused():
    with pytest.raises(UsageError, match="Did you mean 'ramp'"):
        lr_range(made(), method="ramps")  # type: ignore[call-overload]
