"""The learning-rate range test: many constant rates from the same initial weights, loss after n steps.

Source: after Smith 2017, Cyclical learning rates; constant rates in place of one ramp, so that the loss at a
rate is not the echo of the rates before it. Slopes are taken against log(rate).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import RateTest
from trainwell.train import Training
from trainwell.train.knowledge import baseline_facts

DEFAULT_RANGE = (1e-6, 10.0)
_DIVERGED = 1.5  # times the loss at the start
_FLAT = 0.02  # least fall of the loss, as a share of the loss at the start
_EQUAL = 0.02  # rates whose loss lies within this share of the fall above the lowest are equals
_PART = 512  # training examples on which the loss is read
_FEWEST_RATES = 9  # a test that is out of time still tries these, spread over the range
_AS_GOOD = 0.1  # a rate is as good if its loss lies within this share of the largest fall above the lowest


def lr_range(
    problem: Problem,
    recipe: Recipe | None = None,
    *,
    seeds: Sequence[int] = (0,),
    rates: Sequence[float] | None = None,
    steps: int = 100,
    listener: Callable[[int, int], None] | None = None,
    out_of_time: Callable[[], bool] | None = None,
) -> RateTest:
    """Train a few steps at each of many rates and suggest one.

    Args:
        problem: What is to be learned.
        recipe: All but the rate and its schedule is taken from it.
        seeds: Runs per rate; equal for all rates, so that the curves are paired.
        rates: Rising rates; by default 25 from 1e-6 to 10, log-spaced.
        steps: Updates at each rate. [optimizer updates]
        listener: Told (rates done, rates) after each.
        out_of_time: Asked after each rate; where true, the test ends with the rates done so far.

    Returns:
        The curve with its suggestion; no suggestion where the curve is flat or all rates diverge.
    """
    if not isinstance(seeds, Sequence) or not seeds:
        raise UsageError(f"`seeds` must be a sequence of seeds, got {seeds!r}. Say seeds=(0, 1)")
    recipe = recipe or Recipe()
    grid = [float(r) for r in (np.geomspace(*DEFAULT_RANGE, 25) if rates is None else rates)]
    start = float(np.mean([_training(problem, recipe, grid[0], seed, steps).loss_on_part(_PART) for seed in seeds]))
    losses = {}
    order = _coarse_to_fine(len(grid))
    for done, index in enumerate(order, 1):
        losses[index] = [_loss_at(problem, recipe, grid[index], seed, steps) for seed in seeds]
        if listener:
            listener(done, len(grid))
        if done >= _FEWEST_RATES and out_of_time and out_of_time():
            break
    tried = sorted(losses)
    guess = baseline_facts(problem).uninformed_loss if recipe.targets.scaling == "none" else None
    return read_curve([grid[i] for i in tried], np.array([losses[i] for i in tried]), start, guess)


def read_curve(
    rates: Sequence[float], losses: np.ndarray, start_loss: float, uninformed_loss: float | None = None
) -> RateTest:
    """Read a suggestion off a curve.

    Args:
        rates: Rising rates, (R,).
        losses: Loss after training at each rate, float (R, S) over S seeds; non-finite where it diverged.
        start_loss: Loss before training.
        uninformed_loss: Loss of the best guess that ignores the inputs: only a fall below it is learning.

    Returns:
        Suggested is the middle of the rates around the lowest loss of the curve (smoothed over three neighbours) that
        are as low but for 2 % of the fall; where a run of any seed diverged, a rate is unstable.
    """
    scores_RS = np.where(np.isfinite(losses), losses, np.nan)
    stable = np.isfinite(losses).all(1) & (np.nan_to_num(scores_RS, nan=math.inf).max(1) < _DIVERGED * start_loss)
    mean = np.where(stable, np.nanmean(np.where(stable[:, None], scores_RS, 0.0), 1), math.nan)
    curve = RateTest(
        rates=tuple(rates),
        losses=tuple(float(v) for v in mean),
        low=tuple(float(v) for v in np.where(stable, np.nan_to_num(scores_RS, nan=math.inf).min(1), math.nan)),
        high=tuple(float(v) for v in np.where(stable, np.nan_to_num(scores_RS, nan=-math.inf).max(1), math.nan)),
        start_loss=start_loss,
        largest_stable=_largest_stable(np.array(rates), stable),
    )
    reference = start_loss if uninformed_loss is None else min(start_loss, uninformed_loss)
    return _suggest(curve, np.array(rates), mean, stable, reference)


def _largest_stable(rates: np.ndarray, stable: np.ndarray) -> float | None:
    """The end of the longest run of stable rates, so that a lucky rate above a diverged one does not count."""
    best: tuple[int, float | None] = (0, None)
    length = 0
    for rate, good in zip(rates, stable, strict=True):
        length = length + 1 if good else 0
        if length > best[0]:
            best = (length, float(rate))
    return best[1]


def _suggest(curve: RateTest, rates: np.ndarray, mean: np.ndarray, stable: np.ndarray, reference: float) -> RateTest:
    from dataclasses import replace

    if not stable.any():
        return replace(curve, reason="every rate diverged: try lower ones, or look at the data")
    smooth = _smoothed(mean, stable)
    best = int(np.nanargmin(smooth))
    fall = reference - float(smooth[best])
    if fall < _FLAT * abs(reference):
        return replace(
            curve, reason="the curve is flat: no rate made the loss fall below that of a guess, so none is suggested"
        )
    good = np.flatnonzero(stable & (smooth <= smooth[best] + _AS_GOOD * fall))
    low, high = _connected(good, best)
    first, last = _connected(np.flatnonzero(stable & (smooth <= smooth[best] + _EQUAL * fall)), best)
    chosen = (first + last) // 2
    slopes = np.gradient(np.where(np.isfinite(smooth), smooth, curve.start_loss), np.log(rates))
    steepest = rates[int(np.argmin(np.where(stable, slopes, math.inf)))]
    return replace(
        curve,
        suggestion=float(rates[chosen]),
        interval=(float(rates[low]), float(rates[high])),
        reason=f"lowest loss after the test; steepest fall at {steepest:.2g}, stable up to {curve.largest_stable:.2g}",
    )


def _training(problem: Problem, recipe: Recipe, rate: float, seed: int, steps: int) -> Training:
    """A training at a constant rate that never evaluates by itself: its planned end lies beyond the test's."""
    changes = {
        "optimizer.lr": rate,
        "schedule": "constant",
        "steps": steps + 1,
        "stopping": {"keep": "last"},
        "recording": {"initial": False, "gradients_every": 1_000_000, "evaluations_per_epoch": 0.001},
    }
    return Training(problem, recipe.with_(changes), seed=seed)


def _loss_at(problem: Problem, recipe: Recipe, rate: float, seed: int, steps: int) -> float:
    """Loss on a fixed part of the training split after some steps at a constant rate; NaN where it diverged."""
    training = _training(problem, recipe, rate, seed, steps)
    training.advance(steps)
    return math.nan if training.status == "diverged" else training.loss_on_part(_PART)


def _coarse_to_fine(count: int) -> list[int]:
    """An order of indices that covers the range early, so that a test cut short is still one."""
    order: list[int] = []
    stride = 1 << max(0, (count - 1).bit_length() - 1)
    while stride >= 1:
        order += [i for i in range(0, count, stride) if i not in order]
        stride //= 2
    return order


def _smoothed(mean: np.ndarray, stable: np.ndarray) -> np.ndarray:
    """Mean of each stable value and its stable neighbours, weights 1-2-1."""
    smooth = np.full_like(mean, math.nan)
    for i in np.flatnonzero(stable):
        near = [(j, w) for j, w in ((i - 1, 1.0), (i, 2.0), (i + 1, 1.0)) if 0 <= j < len(mean) and stable[j]]
        smooth[i] = sum(w * mean[j] for j, w in near) / sum(w for _, w in near)
    return smooth


def _connected(good: np.ndarray, best: int) -> tuple[int, int]:
    """The run of neighbouring good indices around the best."""
    chosen = set(good.tolist())
    low = high = best
    while low - 1 in chosen:
        low -= 1
    while high + 1 in chosen:
        high += 1
    return low, high
