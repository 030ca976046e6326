"""A study in MLflow; skipped where it is not installed."""

from __future__ import annotations

import pytest

from trainwell.errors import MissingExtraError, UsageError
from trainwell.tune import tune

from .small import BASE, RATES, made


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # of MLflow's own use of SQLAlchemy
def test_trials_are_runs_with_their_curves_and_are_sent_once(tmp_path):
    client_of = pytest.importorskip("mlflow.tracking").MlflowClient
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    ended = tune(made(), RATES, recipe=BASE, trials=9, confirm=0, mlflow=uri, folder=tmp_path / "a")
    tune(made(), RATES, recipe=BASE, trials=9, confirm=0, mlflow=uri, folder=tmp_path / "a", resume=True)
    client = client_of(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("trainwell tune").experiment_id])
    assert len(runs) == 9
    best = ended.record.full[0]
    (run,) = [run for run in runs if run.data.tags["trial"] == str(best.trial)]
    assert float(run.data.params["optimizer.lr"]) == best.changes["optimizer.lr"]
    history = client.get_metric_history(run.info.run_id, "val/loss")
    assert [(m.step, m.value) for m in history] == [(round(e * 6), loss) for e, loss, _ in best.curve]


def test_an_address_that_mlflow_does_not_know_is_refused_before_any_work(tmp_path):
    pytest.importorskip("mlflow.tracking")
    with pytest.raises(UsageError, match="`mlflow` must be an address"):
        tune(made(), RATES, recipe=BASE, trials=4, mlflow="nothing://here", folder=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_without_mlflow_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mlflow.tracking", None)
    with pytest.raises(MissingExtraError, match=r"trainwell\[mlflow\]"):
        tune(made(), RATES, recipe=BASE, trials=4, mlflow="sqlite:///a.db")
