"""A few well-named moments of a training, for users and for our own parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainwell.records import Evaluation, RunRecord

if TYPE_CHECKING:
    from trainwell.train.training import Training


class Callback:
    """Override the moments you need; the training passes itself.

    `training.model`, `.optimizer`, `.step`, `.epoch`, `.recorder` and `.stop(reason)` may be used.
    """

    def on_start(self, training: Training) -> None:
        """Before the first step."""

    def on_step(self, training: Training, loss: float) -> None:
        """After an update; `loss` is NaN where reading it would make the device wait."""

    def on_evaluation(self, training: Training, rows: Sequence[Evaluation]) -> None:
        """After the evaluation splits were evaluated."""

    def on_epoch(self, training: Training) -> None:
        """After an epoch."""

    def on_end(self, training: Training, run: RunRecord) -> None:
        """After the last record was written."""


def overriding(callbacks: Sequence[Callback], moment: str) -> list[Callback]:
    """Those callbacks that override a moment: others cost nothing."""
    return [c for c in callbacks if getattr(type(c), moment, None) is not getattr(Callback, moment)]
