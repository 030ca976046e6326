"""What a person is told while `improve` works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where the checklist stands.

    Attributes:
        step: Name of the step of the checklist; `number` of `of`.
        fraction: Share of this step that is done. [0 to 1]
        text: What is being done, or what came of a finished step.
        best: Best validation value so far, in words.
        seconds_left: Of the budget.
        finished: Whether this ends a step: `text` is its outcome.
    """

    step: str
    number: int
    of: int
    fraction: float
    text: str
    best: str
    seconds_left: float
    finished: bool = False


Listener = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Tell nobody."""
