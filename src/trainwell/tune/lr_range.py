"""The learning-rate range test: many constant rates from the same initial weights, or one run with a rising rate.

Source: Smith 2017, Cyclical learning rates. Constant rates take the place of one ramp by default, so that the loss at a
rate is not the echo of the rates before it; all of them are trained side by side as fused stacks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, get_args, overload

import numpy as np
from torch import nn
from torch.optim import Optimizer

from trainwell.errors import UsageError, unknown_name
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import RateTest
from trainwell.train import loss_after
from trainwell.train.knowledge import baseline_facts
from trainwell.tune.loop_ramp import LoopRamp
from trainwell.tune.ramp import ramp
from trainwell.tune.rate_curve import read_curve

Method = Literal["rates", "ramp"]
DEFAULT_RANGE = (1e-6, 10.0)
_RATES = 32
_PART = 512  # training examples on which the loss is read
_FEWEST_RATES = 9  # a test that is out of time still tries these, spread over the range
_CHUNK = 12  # rates between two looks at the clock


@overload
def lr_range(
    problem: Problem,
    recipe: Recipe | None = None,
    *,
    method: Method = "rates",
    seeds: Sequence[int] = (0,),
    rates: Sequence[float] | None = None,
    steps: int = 100,
    listener: Callable[[int, int], None] | None = None,
    out_of_time: Callable[[], bool] | None = None,
) -> RateTest: ...


@overload
def lr_range(
    problem: nn.Module, recipe: Optimizer, *, rates: Sequence[float] | None = None, steps: int = 100
) -> LoopRamp: ...


def lr_range(
    problem: Problem | nn.Module,
    recipe: Recipe | Optimizer | None = None,
    *,
    method: Method = "rates",
    seeds: Sequence[int] = (0,),
    rates: Sequence[float] | None = None,
    steps: int = 100,
    listener: Callable[[int, int], None] | None = None,
    out_of_time: Callable[[], bool] | None = None,
) -> RateTest | LoopRamp:
    """Train a few steps at each of many rates and suggest one.

    With a model and its optimizer in place of a problem it is a context for a person's own loop, see `LoopRamp`:
    `with trainwell.lr_range(model, optimizer) as test: ...`

    Args:
        problem: What is to be learned; or a model.
        recipe: All but the rate and its schedule is taken from it; or the model's optimizer.
        method: `rates` trains at constant rates from the same weights; `ramp` is one run for each seed, of rising rate.
        seeds: Runs per rate; equal for all rates, so that the curves are paired.
        rates: Rising rates; by default 32 from 1e-6 to 10, log-spaced. A ramp runs from the first to the last.
        steps: Updates at each rate, or of the ramp. [optimizer updates]
        listener: Told (rates done, rates) as they are done.
        out_of_time: Asked in between; where true, the test ends with the rates done so far.

    Returns:
        The curve with its suggestion; no suggestion where the curve is flat or all rates diverge.

    Raises:
        UsageError: If an argument cannot be meant, or the optimizer has no learning rate.
        RecipeError: If the recipe does not fit the problem.
    """
    if not isinstance(seeds, Sequence) or not seeds:
        raise UsageError(f"`seeds` must be a sequence of seeds, got {seeds!r}. Say seeds=(0, 1)")
    if method not in get_args(Method):
        raise UsageError(f"`method`: {unknown_name('kind of range test', method, get_args(Method))}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise UsageError(f"`steps` must be a whole number of at least 1, got {steps!r}")
    grid = _grid(rates)
    if isinstance(problem, nn.Module):
        if not isinstance(recipe, Optimizer):
            raise UsageError(f"`optimizer` must be the model's torch optimizer, got a {type(recipe).__name__}")
        return LoopRamp(problem, recipe, grid[0], grid[-1], steps)
    if isinstance(recipe, Optimizer):
        raise UsageError("`recipe` must be a Recipe for a problem, got a torch optimizer. Pass the model with it")
    recipe = recipe or Recipe()
    if not hasattr(recipe.optimizer, "lr"):
        raise UsageError(f"`optimizer` must have a learning rate, got {recipe.optimizer.name}")
    if method == "ramp":
        return ramp(problem, recipe, grid[0], grid[-1], steps, seeds)
    return _constant_rates(problem, recipe, grid, steps, seeds, listener, out_of_time)


def _grid(rates: Sequence[float] | None) -> list[float]:
    grid = [float(r) for r in (np.geomspace(*DEFAULT_RANGE, _RATES) if rates is None else rates)]
    if not grid or grid != sorted(set(grid)) or not all(0 < r < math.inf for r in grid):
        raise UsageError(f"`rates` must be rising numbers above 0, got {grid}. Use numpy.geomspace(1e-6, 10, 32)")
    return grid


def _constant_rates(
    problem: Problem,
    recipe: Recipe,
    grid: list[float],
    steps: int,
    seeds: Sequence[int],
    listener: Callable[[int, int], None] | None,
    out_of_time: Callable[[], bool] | None,
) -> RateTest:
    starts: list[float] = []
    losses: dict[int, list[float]] = {}
    for chunk in _chunks(len(grid), whole=out_of_time is None):
        recipes = [recipe.with_({"optimizer.lr": grid[i], "schedule": "constant"}) for i in chunk]
        for seed in seeds:
            found = loss_after(problem, recipes, seed=seed, steps=steps, examples=_PART)
            starts += [before for before, _ in found]
            for index, (_, after) in zip(chunk, found, strict=True):
                losses.setdefault(index, []).append(after)
        if listener:
            listener(len(losses), len(grid))
        if out_of_time and out_of_time():
            break
    tried = sorted(losses)
    guess = baseline_facts(problem).uninformed_loss if recipe.targets.scaling == "none" else None
    test = read_curve([grid[i] for i in tried], np.array([losses[i] for i in tried]), float(np.mean(starts)), guess)
    return replace(test, steps=steps, seeds=len(seeds))


def _chunks(count: int, *, whole: bool) -> list[list[int]]:
    """Indices in an order that covers the range early, so that a test cut short is still one."""
    if whole:
        return [list(range(count))]
    order: list[int] = []
    stride = 1 << max(0, (count - 1).bit_length() - 1)
    while stride >= 1:
        order += [i for i in range(0, count, stride) if i not in order]
        stride //= 2
    first, rest = sorted(order[:_FEWEST_RATES]), order[_FEWEST_RATES:]
    return [first, *(sorted(rest[k : k + _CHUNK]) for k in range(0, len(rest), _CHUNK))]
