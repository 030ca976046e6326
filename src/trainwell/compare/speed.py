"""How long an update takes, measured alone, so that a race of equal seconds gives each contender its steps."""

from __future__ import annotations

import statistics
from typing import Any

from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.train import fit

_SECONDS = 0.25  # of the longer of the two trainings: beyond what a clock or a first call costs
_FIRST, _MOST = 8, 4096  # updates
_ROUNDS = 3


def seconds_per_step(problem: Problem, recipe: Recipe) -> float:
    """Seconds of training an update, evaluations aside: the slope between a training and one twice as long.

    Args:
        problem: What is learned.
        recipe: How; its length is replaced.

    Returns:
        Median of three slopes. [seconds, > 0]
    """
    steps = _FIRST
    _trained(problem, recipe, steps)  # what a first call costs
    while (spent := _trained(problem, recipe, 2 * steps)) < _SECONDS and steps < _MOST:
        steps *= 2
    slopes = [(_trained(problem, recipe, 2 * steps) - _trained(problem, recipe, steps)) / steps for _ in range(_ROUNDS)]
    middle = statistics.median(slopes)
    return middle if middle > 0 else spent / (2 * steps)  # a clock disturbed: with its fixed costs, careful


def _trained(problem: Problem, recipe: Recipe, steps: int) -> float:
    quiet: dict[str, Any] = {
        "steps": steps,
        "recording": {"initial": False, "gradients_every": 1_000_000, "evaluations_per_epoch": 0.001},
        "stopping": {"keep": "last"},
    }
    return float(fit(problem, recipe.with_(quiet)).info.seconds)
