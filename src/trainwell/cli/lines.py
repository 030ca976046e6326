"""One line per evaluation while a single training runs."""

from __future__ import annotations

from collections.abc import Sequence

import click

from trainwell.records import Evaluation
from trainwell.train import Callback, Training


class EpochLines(Callback):
    """Print loss and metrics of each evaluation."""

    def __init__(self, *, to_stderr: bool) -> None:
        self.to_stderr = to_stderr

    def on_evaluation(self, training: Training, rows: Sequence[Evaluation]) -> None:
        """Print a line."""
        parts = [f"epoch {rows[-1].epoch:6.2f}", f"step {training.step:>6}"]
        for row in rows:
            values = " ".join(f"{name} {value:.4g}" for name, value in row.metrics.items())
            parts.append(f"{row.split} loss {row.loss:.4g} {values}")
        click.echo("  ".join(parts), err=self.to_stderr)
