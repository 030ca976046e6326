"""Time: what a run costs, what the budget allows, and how long a training may be."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from trainwell.errors import BudgetError

BASELINE_SEEDS = 5
PROOF_SEEDS = 10
FEWEST_PROOF_SEEDS = 6  # below it no paired p-value is given
_PROOF_SHARE = 0.42
_SAFETY = 1.15  # runs are slower now and then on a shared machine
_RESERVE = 1.4  # the proof must not run short of seeds because the search took long
REPORT_SECONDS = 2.0


@dataclass
class Budget:
    """A time budget and what is left of it.

    Attributes:
        total: Seconds allowed.
        earlier: Seconds spent before a resume.
    """

    total: float
    earlier: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self.earlier + time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds left, not below 0."""
        return max(0.0, self.total - self.spent)


@dataclass(frozen=True)
class Horizon:
    """How long every training of an improvement is, and how many seeds the proof has.

    Attributes:
        epochs: Length of each run; before and after alike.
        steps: Set instead where not even one epoch fits.
        proof_seeds: Fresh seeds of the proof.
        seconds_per_run: Estimated cost of a full run.
        shortened: Whether the recipe's own length did not fit.
    """

    epochs: int
    steps: int | None
    proof_seeds: int
    seconds_per_run: float
    shortened: bool

    def proof_seconds(self, seconds_per_run: float) -> float:
        """Time to set aside for the proof, if a run takes so long."""
        return 2 * self.proof_seeds * seconds_per_run * _RESERVE


def choose_horizon(
    budget: Budget, *, epochs: int, steps_per_epoch: int, seconds_per_step: float, seconds_fixed: float, explicit: bool
) -> Horizon:
    """Fit the length of a run to the budget.

    Args:
        epochs: Length that the recipe states.
        seconds_per_step: Measured, evaluations included.
        seconds_fixed: Cost of a run beside its steps.
        explicit: Whether the user stated the length; then it is kept, and the proof gets fewer seeds instead.

    Raises:
        BudgetError: If not even the fewest seeds at the stated length fit.
    """

    def cost(length: float) -> float:
        return seconds_fixed + length * steps_per_epoch * seconds_per_step

    limit = _PROOF_SHARE * budget.total / (2 * PROOF_SEEDS * _SAFETY)
    if cost(epochs) <= limit:
        return Horizon(epochs, None, PROOF_SEEDS, cost(epochs), shortened=False)
    if explicit:
        seeds = int(0.6 * budget.total / (2 * cost(epochs) * _SAFETY))
        if seeds >= FEWEST_PROOF_SEEDS:
            return Horizon(epochs, None, min(seeds, PROOF_SEEDS), cost(epochs), shortened=False)
        needed = 2 * FEWEST_PROOF_SEEDS * cost(epochs) * _SAFETY / 0.6
        raise BudgetError(
            f"`--budget` must be at least {math.ceil(needed)}s for {epochs} epochs a run "
            f"(about {cost(epochs):.1f} s each, {2 * FEWEST_PROOF_SEEDS} in the proof alone), got {budget.total:g}s. "
            "Raise it, or set fewer epochs"
        )
    whole = int((limit - seconds_fixed) / (steps_per_epoch * seconds_per_step))
    if whole >= 1:
        return Horizon(whole, None, PROOF_SEEDS, cost(whole), shortened=True)
    steps = int((limit - seconds_fixed) / seconds_per_step)
    if steps < 20:
        needed = (seconds_fixed + 20 * seconds_per_step) * 2 * PROOF_SEEDS * _SAFETY / _PROOF_SHARE
        raise BudgetError(
            f"`--budget` must be at least {math.ceil(needed)}s for this problem "
            f"(a step takes {seconds_per_step * 1000:.0f} ms), got {budget.total:g}s. Raise it"
        )
    return Horizon(1, steps, PROOF_SEEDS, cost(steps / steps_per_epoch), shortened=True)
