"""The classical range test: one run of a problem with an exponentially rising rate, stopped where it diverges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import RateTest
from trainwell.train import Training
from trainwell.tune.rate_curve import read_ramp

EXPLODED = 4.0  # times the lowest loss so far, smoothed over a few steps: the rest of the ramp shows nothing
_SMOOTH = 0.8


def ramp(problem: Problem, recipe: Recipe, low: float, high: float, steps: int, seeds: Sequence[int]) -> RateTest:
    """Train with a rate that rises from `low` to `high` and read the loss of each batch.

    Args:
        steps: Length of the ramp. [optimizer updates]
        seeds: One ramp for each; the mean of their losses is read, up to where the first of them diverged.
    """
    rates = np.geomspace(low, high, steps)
    losses_SR = np.full((len(seeds), steps), math.nan)
    for row, seed in enumerate(seeds):
        found = _one(problem, recipe, rates, seed)
        losses_SR[row, : len(found)] = found
    test = read_ramp(rates.tolist(), losses_SR.mean(0).tolist())
    return replace(
        test,
        low=tuple(float(v) for v in losses_SR.min(0)),
        high=tuple(float(v) for v in losses_SR.max(0)),
        steps=steps,
        seeds=len(seeds),
    )


def _one(problem: Problem, recipe: Recipe, rates: np.ndarray, seed: int) -> list[float]:
    edits = {
        "optimizer.lr": float(rates[0]),
        "schedule": "constant",
        "steps": len(rates) + 1,
        "stopping": {"keep": "last"},
        "recording": {"initial": False, "gradients_every": 1_000_000, "evaluations_per_epoch": 0.001},
    }
    training = Training(problem, recipe.with_(edits), seed=seed)
    factors = rates / rates[0]
    training.parts.schedule = lambda step: float(factors[min(step, len(factors) - 1)])
    watch = Explosion()
    losses: list[float] = []
    for step in range(1, len(rates) + 1):
        training.advance(step)
        losses.append(float(training.recorder.column("loss")[1][-1]))
        if watch.seen(losses[-1]):
            break
    return losses


class Explosion:
    """Tells when a loss has diverged: not finite, or several times the lowest so far."""

    def __init__(self) -> None:
        self._mean, self._weight, self._lowest = 0.0, 0.0, math.inf

    def seen(self, loss: float) -> bool:
        """Take the loss of a step."""
        if not math.isfinite(loss):
            return True
        self._mean = _SMOOTH * self._mean + (1 - _SMOOTH) * loss
        self._weight = _SMOOTH * self._weight + (1 - _SMOOTH)
        smooth = self._mean / self._weight
        self._lowest = min(self._lowest, smooth)
        return smooth > EXPLODED * abs(self._lowest) + 1e-12
