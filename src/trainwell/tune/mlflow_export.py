"""A study as runs of MLflow, one for each trial (extra `trainwell[mlflow]`)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from trainwell.errors import MissingExtraError, UsageError
from trainwell.records.study import Look, StudyPlan

_EXPERIMENT = "trainwell tune"


class MlflowExport:
    """Sends trials that have ended to an MLflow server, database or folder, each once.

    Args:
        uri: As MLflow knows it, such as `http://localhost:5000` or `sqlite:///mlflow.db`.

    Raises:
        MissingExtraError: If mlflow (or mlflow-skinny) is not installed.
        UsageError: If MLflow refuses the address.
    """

    def __init__(self, uri: str) -> None:
        try:
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise MissingExtraError("mlflow-skinny", "mlflow") from None
        try:
            self._client: Any = MlflowClient(tracking_uri=uri)
            found = self._client.get_experiment_by_name(_EXPERIMENT)
            self._experiment = found.experiment_id if found else self._client.create_experiment(_EXPERIMENT)
        except Exception as error:  # of MLflow's own kinds
            said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UsageError(f"`mlflow` must be an address that MLflow knows, got {uri}: {said}") from None

    def begin(self, plan: StudyPlan) -> None:
        """Read which trials of the study are there already."""
        self._plan = plan
        there = self._client.search_runs([self._experiment], f"tags.study = '{plan.started}'", max_results=10_000)
        self._sent = {run.data.tags.get("trial") for run in there}

    def add(self, looks: Iterable[Look]) -> int:
        """Send the last looks at trials, those that it has left out; returns how many were sent."""
        fresh = [look for look in looks if str(look.trial) not in self._sent]
        for look in fresh:
            self._send(look)
            self._sent.add(str(look.trial))
        return len(fresh)

    def _send(self, look: Look) -> None:
        plan, client = self._plan, self._client
        tags = {"study": plan.started, "trial": str(look.trial), "problem": plan.problem.name, "status": look.status}
        tags |= {"method": plan.method, "halving": plan.halving, "epochs": f"{look.epochs:g}"}
        run = client.create_run(self._experiment, run_name=f"trial {look.trial}", tags=tags).info.run_id
        for path, value in look.changes.items():
            client.log_param(run, path, value)
        for epoch, loss, value in look.curve:
            step = round(epoch * plan.full_steps / plan.epochs)
            for name, point in {"val/loss": loss, f"val/{plan.watch}": value}.items():
                if math.isfinite(point):
                    client.log_metric(run, name, point, step=step)
        client.set_terminated(run, status="FINISHED" if look.counts else "FAILED")
