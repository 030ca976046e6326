"""Reduce the rate when the watched value stops improving: the one schedule that has a state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwell.recipe.schedules import Plateau


@dataclass
class PlateauState:
    r"""The multiplier of a `plateau` schedule, moved by `observe`.

    $$ s = \max(f, \text{factor}^k) $$

    after k stretches of more than `patience` evaluations without an improvement by more than `min_delta`.
    The warm-up is a factor of its own: `schedule_of(part, total_steps)(step) * state.multiplier`.

    Args:
        part: `recipe.schedule`, a plateau.
        higher_is_better: Direction of the watched value.

    Source:
        `ReduceLROnPlateau` of torch.optim with an absolute threshold.
    """

    part: Plateau
    higher_is_better: bool = False
    best: float = math.inf
    evaluations_without_improvement: int = 0
    multiplier: float = 1.0

    def observe(self, value: float) -> float:
        """Take the value of one evaluation and return the multiplier from now on; NaN is no improvement."""
        loss = -value if self.higher_is_better else value
        if math.isfinite(loss) and loss < self.best - self.part.min_delta:
            self.best = loss
            self.evaluations_without_improvement = 0
        else:
            self.evaluations_without_improvement += 1
        if self.evaluations_without_improvement > self.part.patience:
            self.multiplier = max(self.part.floor, self.multiplier * self.part.factor)
            self.evaluations_without_improvement = 0
        return self.multiplier

    def state_dict(self) -> dict[str, Any]:
        """What changes, as plain JSON values."""
        return {
            "best": None if self.best == math.inf else self.best,
            "evaluations_without_improvement": self.evaluations_without_improvement,
            "multiplier": self.multiplier,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.best = math.inf if state["best"] is None else float(state["best"])
        self.evaluations_without_improvement = int(state["evaluations_without_improvement"])
        self.multiplier = float(state["multiplier"])
