"""A study as runs of MLflow: one for each trial (extra `trainwell[mlflow]`)."""

from __future__ import annotations

import math
from typing import Any

from trainwell.errors import MissingExtraError, UsageError
from trainwell.records.study import StudyRecord


def export(record: StudyRecord, uri: str | None, experiment: str = "trainwell tune") -> int:
    """Send the trials of a study to an MLflow server or folder.

    Returns:
        Number of trials sent.

    Raises:
        MissingExtraError: If mlflow (or mlflow-skinny) is not installed.
        UsageError: If MLflow refuses the address.
    """
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise MissingExtraError("mlflow-skinny", "mlflow") from None
    try:
        client: Any = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        number = found.experiment_id if found else client.create_experiment(experiment)
    except Exception as error:  # of MLflow's own kinds
        raise UsageError(f"`mlflow` must be an address that MLflow knows, got {uri}: {error}") from None
    plan = record.plan
    tags = {"study": plan.started, "problem": plan.problem.name, "method": plan.method, "halving": plan.halving}
    for look in record.latest:
        run = client.create_run(number, run_name=f"trial {look.trial}", tags=tags).info.run_id
        for path, value in look.changes.items():
            client.log_param(run, path, value)
        for epoch, loss, value in look.curve:
            for name, point in (("val/loss", loss), (f"val/{plan.watch}", value)):
                if math.isfinite(point):
                    client.log_metric(run, name, point, step=round(1000 * epoch))
        client.set_terminated(run, status="FINISHED" if look.counts else "FAILED")
    return len(record.latest)
