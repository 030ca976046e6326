"""Live exports to other trackers, as callbacks; an exporter's own failure is noted once and never stops a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwell.errors import MissingExtraError, UsageError
from trainwell.records import Evaluation, RunRecord
from trainwell.train.callbacks import Callback
from trainwell.train.training import Training


class _Exporter(Callback):
    """Shared part: sends scalars; after the first failure it is silent."""

    name = "exporter"

    def __init__(self) -> None:
        self._failed = False
        self._sent = 0

    def _send(self, training: Training, scalars: Mapping[str, float], step: int) -> None:
        raise AssertionError("each exporter sends in its own way")

    def _guarded(self, training: Training, work: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            work()
        except Exception as error:  # a tracker must not stop a training, whatever it raises
            self._failed = True
            training.recorder.note(event=f"{self.name} failed and was left out", error=str(error))

    def on_evaluation(self, training: Training, rows: Sequence[Evaluation]) -> None:
        """Send the evaluations, and the training loss and rate since the last time."""
        series = training.recorder.steps()

        def work() -> None:
            for row in rows:
                named = {"loss": row.loss, **row.metrics}
                self._send(training, {f"{row.split}/{key}": value for key, value in named.items()}, row.step)
            for name, values in series.series.items():
                for step, value in zip(values.step.tolist(), values.value.tolist(), strict=True):
                    if step >= self._sent:
                        self._send(training, {f"step/{name}": value}, step)
            self._sent = training.step

        self._guarded(training, work)


class TensorBoard(_Exporter):
    """Write TensorBoard event files while training, by the extra `trainwell[tensorboard]`.

    Args:
        folder: Where the event files go; `tensorboard --logdir` reads it.

    Raises:
        MissingExtraError: If tensorboard is not installed.
    """

    name = "tensorboard"

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError("tensorboard", "tensorboard") from None
        self._writer: Any = SummaryWriter(str(folder))

    def _send(self, training: Training, scalars: Mapping[str, float], step: int) -> None:
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, step)

    def on_epoch(self, training: Training) -> None:
        """Let a running TensorBoard see the epoch."""
        self._guarded(training, self._writer.flush)

    def on_end(self, training: Training, run: RunRecord) -> None:
        """Close the files."""
        self._guarded(training, self._writer.close)


class MLflow(_Exporter):
    """Send a run to an MLflow tracking server or folder while training, by the extra `trainwell[mlflow]`.

    Args:
        uri: Of the tracking server or folder; MLflow's own setting where None.
        experiment: Name of the experiment.

    Raises:
        MissingExtraError: If mlflow (or mlflow-skinny) is not installed.
        UsageError: If MLflow refuses the address.
    """

    name = "mlflow"

    def __init__(self, uri: str | None = None, experiment: str = "trainwell") -> None:
        super().__init__()
        try:
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise MissingExtraError("mlflow-skinny", "mlflow") from None
        try:
            self._client: Any = MlflowClient(tracking_uri=uri)
        except Exception as error:  # of MLflow's own kinds
            raise UsageError(f"`mlflow` must be an address that MLflow knows, got {uri}: {error}") from None
        self._experiment = experiment
        self._run: str = ""

    def on_start(self, training: Training) -> None:
        """Create the run with its recipe."""

        def work() -> None:
            found = self._client.get_experiment_by_name(self._experiment)
            number = found.experiment_id if found else self._client.create_experiment(self._experiment)
            self._run = self._client.create_run(number, run_name=training.problem.name).info.run_id
            for path, value in leaves(training.recipe.to_dict()).items():
                self._client.log_param(self._run, path, value)
            self._client.log_param(self._run, "seed", training.seed)

        self._guarded(training, work)

    def _send(self, training: Training, scalars: Mapping[str, float], step: int) -> None:
        for name, value in scalars.items():
            self._client.log_metric(self._run, name, value, step=step)

    def on_end(self, training: Training, run: RunRecord) -> None:
        """End the run with its status."""
        status = {"completed": "FINISHED", "stopped": "FINISHED", "interrupted": "KILLED"}.get(run.status, "FAILED")
        self._guarded(training, lambda: self._client.set_terminated(self._run, status=status))


def leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one table by dotted path."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat
