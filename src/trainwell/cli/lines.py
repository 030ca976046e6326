"""One line per evaluation while a single training runs."""

from __future__ import annotations

from collections.abc import Sequence

import click

from trainwell.cli.interrupts import raise_if_lost
from trainwell.records import Best, Evaluation
from trainwell.train import Callback, Training


class EpochLines(Callback):
    """Print loss and metrics of each evaluation."""

    def __init__(self, *, to_stderr: bool) -> None:
        self.to_stderr = to_stderr

    def on_evaluation(self, training: Training, rows: Sequence[Evaluation]) -> None:
        """Print a line."""
        raise_if_lost()
        parts = [f"epoch {rows[-1].epoch:6.2f}", f"step {training.step:>6}"]
        parts += [f"{row.split} {' '.join(values_of(row))}" for row in rows]
        click.echo("  ".join(parts), err=self.to_stderr)


def values_of(row: Evaluation | Best) -> list[str]:
    """Loss and metrics of an evaluation in words; a metric that is the loss is said once."""
    return [f"{name} {value:.4g}" for name, value in {"loss": row.loss, **row.metrics}.items()]
