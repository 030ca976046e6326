"""The budget of a study: trials, optimizer updates, or time; and what may still be begun."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from trainwell.errors import BudgetError, UsageError
from trainwell.tune.scheme import Scheme

_DEFAULT_TRIALS = 64
_FIRST = 0.1  # of the time for the search may go into the first group, whose cost is not known yet
_FEW = 8
_GROWTH = 8  # a group may be so many times as large as the one before
_RESERVE = 1.3  # runs are slower now and then on a shared machine
_CONFIRMING = 0.5  # of the time at most is kept for the confirmation
_UNCONFIRMED = 0.85  # of the time may go into the search where no trial was whole before
_RECORDING = 0.1  # seconds that the records and the diagnosis of a run of the confirmation take
_OVERTIME = 1.05  # a confirmation that has begun may take so much of the time, rather than end without a result
_SMALL_STACKS = 0.5  # confirmation runs are fused in small stacks and recorded: at least so much of the time alone


@dataclass
class Budget:
    """How much a study may spend, what the end of it needs, and what is left.

    Attributes:
        trials, steps, seconds: What was asked; one of them at least.
        confirming: Full runs that the confirmation needs.
        full_steps: Length of a full run. [optimizer updates]
        run_seconds: Estimate of a full run alone; replaced by what runs of a group are seen to take.
        whole: Whether some trial reached the full length.
        trial_seconds: What a trial takes beside its training: to build its model, to write it down.
        earlier: Seconds that earlier sessions took.
    """

    trials: int | None
    steps: int | None
    seconds: float | None
    confirming: int
    full_steps: int
    run_seconds: float
    trial_seconds: float
    whole: bool = False
    earlier: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._alone = self.run_seconds

    @property
    def spent(self) -> float:
        """Seconds since the study began."""
        return self.earlier + time.monotonic() - self.started

    @property
    def confirming_run_seconds(self) -> float:
        """Time that one run of the confirmation is expected to take, its record included."""
        training = max(self.run_seconds + self.trial_seconds, _SMALL_STACKS * self._alone)
        return _RESERVE * (training + _RECORDING)

    @property
    def search_end(self) -> float:
        """When the search must be over, so that the confirmation fits. [seconds since the study began]"""
        if self.seconds is None:
            return math.inf
        return self.seconds - min(_CONFIRMING * self.seconds, self.confirming * self.confirming_run_seconds)

    @property
    def confirming_runs(self) -> int:
        """How many runs of the confirmation fit into the time that is left."""
        if self.seconds is None:
            return self.confirming
        return min(self.confirming, int(max(0.0, self.seconds - self.spent) / max(1e-9, self.confirming_run_seconds)))

    def next_size(self, scheme: Scheme, group: int, asked: int, before: int, most: int, steps_done: int) -> int:
        """How many trials the next group may have; 0 where the budget is used up.

        Args:
            group: Number of the group.
            asked: Trials that were begun.
            before: Trials of the group before; 0 for the first.
            most: Trials that a group may have.
            steps_done: Updates that the search has made.
        """
        first = scheme.first_rung(group)
        if self.trials is not None:
            most = min(most, self.trials - asked)
        if self.steps is not None:
            left = (self.steps - steps_done) / self.full_steps - self.confirming
            most = _largest(lambda n: scheme.cost(n, first) <= left + 1e-9, most)
        if self.seconds is not None:
            left = self._end - self.spent
            if before:
                most = min(most, _GROWTH * before)
            else:
                left *= _FIRST
            least = 1 if asked == 0 else 0

            def fits(count: int) -> bool:
                return scheme.cost(count, first) * self.run_seconds + count * self.trial_seconds <= left

            most = max(least, _largest(fits, most))
        return max(0, most)

    def affordable(self, scheme: Scheme, rung: int, going: int, seconds_a_run: float) -> int:
        """How many trials may go on from a rung so that they come to their end in time; at least 1 of any.

        Args:
            going: Trials that are good enough to go on.
            seconds_a_run: What a full run takes, by what the group has taken so far.
        """
        if self.seconds is None or going < 2:
            return going
        a_run = max(seconds_a_run, _SMALL_STACKS * self._alone)
        left = self._end - self.spent
        return max(1, _largest(lambda n: scheme.cost_after(n, rung) * a_run <= left, going))

    def learn(self, seconds: float, training_seconds: float, steps: int, trials: int) -> None:
        """Take what a group took as the estimate for the next.

        Args:
            seconds: Of the whole group.
            training_seconds, steps, trials: Sums over its trials.
        """
        if steps > 0 and trials > 0:
            self.run_seconds = training_seconds / steps * self.full_steps
            if trials >= _FEW:  # fewer carry what happens but once, such as the first compilation
                self.trial_seconds = max(0.0, seconds - training_seconds) / trials

    def over(self) -> bool:
        """Whether the time for the search is over; until some trial was whole, it may take from the confirmation."""
        return self.seconds is not None and self.spent >= self._end

    def all_over(self) -> bool:
        """Whether the confirmation must end too."""
        return self.seconds is not None and self.spent > _OVERTIME * self.seconds

    @property
    def _end(self) -> float:
        if self.seconds is None:
            return math.inf
        return self.search_end if self.whole else max(self.search_end, _UNCONFIRMED * self.seconds)


def budget_of(
    trials: int | None,
    steps: int | None,
    seconds: float | None,
    *,
    confirming: int,
    full_steps: int,
    run_seconds: float,
    trial_seconds: float,
    started: float,
) -> Budget:
    """The budget that a person means; 64 trials where nothing is said.

    Raises:
        UsageError: If a value is no number above 0.
        BudgetError: If not even one full trial fits.
    """
    for name, value, whole in (("trials", trials, True), ("steps", steps, True), ("budget", seconds, False)):
        wrong = value is not None and (isinstance(value, bool) or not isinstance(value, int if whole else int | float))
        if wrong or (value is not None and not value > 0):
            what = "a whole number of at least 1" if whole else "a number of seconds above 0"
            raise UsageError(f"`{name}` must be {what}, got {value!r}")
    if trials is None and steps is None and seconds is None:
        trials = _DEFAULT_TRIALS
    if steps is not None and steps < full_steps * (1 + confirming):
        raise BudgetError(
            f"`steps` must be at least {full_steps * (1 + confirming):,} for one full trial of {full_steps:,} steps"
            + (f" and {confirming} runs that confirm the choice" if confirming else "")
            + f", got {steps:,}. Raise it, shorten the runs with epochs, or set confirm=0"
        )
    least = 2 * run_seconds if confirming else run_seconds
    if seconds is not None and seconds < least:
        raise BudgetError(
            f"`budget` must be at least {math.ceil(least)}s for one full trial (about "
            f"{run_seconds:.1f} s)"
            + (f" and {confirming} runs that confirm the choice" if confirming else "")
            + f", got {seconds:g}s. Raise it, shorten the runs with epochs, or set confirm=0"
        )
    return Budget(trials, steps, seconds, confirming, full_steps, run_seconds, trial_seconds, started=started)


def _largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest number up to `most` that fits; 0 where none does."""
    low, high = 0, max(0, most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
