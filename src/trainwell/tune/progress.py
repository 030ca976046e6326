"""What a study tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainwell.records.study import StudyRecord


@dataclass(frozen=True)
class TuneProgress:
    """Where a study stands.

    Attributes:
        stage: search, selection, measure or done.
        best: Best value at the longest rung that any trial reached; None where there is none.
        best_epochs: Length at which it was reached.
        running, done, dropped, diverged, failed: Numbers of trials.
        fraction: Share of the budget that is used. [0 to 1]
        seconds_left: Estimate until the end; None where too little has been done to tell.
    """

    stage: str
    text: str
    best: float | None
    best_epochs: float
    running: int
    done: int
    dropped: int
    diverged: int
    failed: int
    fraction: float
    seconds_left: float | None


Listener = Callable[[TuneProgress], None]


@dataclass(frozen=True)
class Counts:
    """Numbers of trials by what became of them."""

    running: int
    done: int
    dropped: int
    diverged: int
    failed: int

    @classmethod
    def of(cls, record: StudyRecord) -> Counts:
        """Count the trials of a study."""
        latest = record.latest
        dropped = {trial for decision in record.decisions for trial in decision.dropped}
        diverged = sum(look.status == "diverged" for look in latest)
        failed = sum(look.status == "failed" for look in latest)
        done = sum(look.full and look.status == "completed" for look in latest)
        lost = sum(look.trial in dropped and look.counts and not look.full for look in latest)
        asked = sum(len(group.trials) for group in record.asked)
        return cls(asked - diverged - failed - done - lost, done, lost, diverged, failed)
