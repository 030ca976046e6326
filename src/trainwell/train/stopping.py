"""Which weights to keep, and when to stop: judged by the validation split alone."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from torch import Tensor, nn

from trainwell.errors import RecipeError, unknown_name
from trainwell.problem import Problem
from trainwell.recipe.parts import Stopping
from trainwell.records import Best, Evaluation


@dataclass
class Keeper:
    """Keeps the best weights and counts evaluations without a gain.

    The deciding value is the watched one; equal values are decided by the lower validation loss.
    """

    settings: Stopping
    watch: str
    higher_is_better: bool
    best: Best | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)
    without_gain: int = 0
    key: tuple[float, float] = (-math.inf, -math.inf)

    def observe(self, evaluation: Evaluation, model: nn.Module) -> bool:
        """Look at an evaluation of the validation split; returns whether its weights are the best so far."""
        key = self._key_of(evaluation)
        gained = key[0] > self.key[0] + self.settings.min_delta or self.best is None
        self.without_gain = 0 if gained else self.without_gain + 1
        better = self.best is None or key > self.key
        if better or self.settings.keep == "last":
            self.best = Best(evaluation.step, evaluation.epoch, evaluation.loss, dict(evaluation.metrics))
            if self.settings.keep == "best":
                self.weights = copy_state(model, self.weights)
        self.key = max(self.key, key)
        return better

    @property
    def exhausted(self) -> bool:
        """Whether the patience is used up."""
        return self.settings.patience is not None and self.without_gain >= self.settings.patience

    def value(self, evaluation: Evaluation) -> float:
        """The watched value of an evaluation."""
        return evaluation.loss if self.watch == "loss" else evaluation.metrics.get(self.watch, math.nan)

    def _key_of(self, evaluation: Evaluation) -> tuple[float, float]:
        value = self.value(evaluation)
        signed = value if self.higher_is_better else -value
        loss = -evaluation.loss
        return (
            signed if math.isfinite(signed) else -math.inf,
            loss if math.isfinite(loss) else -math.inf,
        )

    def load(self, best: Best | None, without_gain: int, key: tuple[float, float], weights: dict[str, Tensor]) -> None:
        """Continue from a checkpoint."""
        self.best, self.without_gain, self.key, self.weights = best, without_gain, key, weights


def keeper_for(problem: Problem, settings: Stopping) -> Keeper:
    """Make the keeper of a run.

    Raises:
        RecipeError: If `stopping.watch` names nothing that is measured.
    """
    directions = {metric.name: metric.direction for metric in problem.metrics}
    watch = problem.metric.name if settings.watch == "metric" else settings.watch
    if watch != "loss" and watch not in directions:
        raise RecipeError(f"`stopping.watch`: {unknown_name('metric', watch, ['metric', 'loss', *directions])}")
    return Keeper(settings, watch, watch != "loss" and directions[watch] == "max")


def copy_state(model: nn.Module, into: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Copy a model's state, into tensors of an earlier copy where they fit."""
    state = model.state_dict()
    if into and into.keys() == state.keys():
        for name, value in state.items():
            into[name].copy_(value)
        return into
    return {name: value.detach().clone() for name, value in state.items()}


@dataclass
class Clock:
    """Seconds of a run, with those before a resume."""

    earlier_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self.earlier_seconds + time.monotonic() - self.started
