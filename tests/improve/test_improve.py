"""The whole checklist on small real problems."""

from __future__ import annotations

import json
import shutil
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from trainwell import Problem, Recipe, improve
from trainwell.errors import BudgetError, DataStop, ResumeError, UsageError
from trainwell.improve.budget import Budget, Horizon, choose_horizon
from trainwell.improve.checklist import CHECKLIST
from trainwell.improve.session import Job, Session
from trainwell.problem.models import mlp
from trainwell.records import load_improvement, load_run
from trainwell.train import Run

POOR = Recipe(epochs=3, optimizer={"name": "sgd", "lr": 1e-4})


def small_digits(**kwargs) -> Problem:
    X, y = load_digits(return_X_y=True)
    return Problem(partial(mlp, 64, 10, width=16), (X[:600] / 16, y[:600]), name="small digits", **kwargs)


@pytest.fixture(scope="module")
def improved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("improve") / "out"
    return improve(small_digits(), POOR, budget=14, folder=folder)


def test_a_poor_recipe_becomes_better_and_the_claim_has_n_interval_and_p(improved):
    result = improved.to_dict()
    assert result["verdict"] == "better"
    assert result["difference"]["n"] >= 6
    assert result["difference"]["interval"][0] > 0.3
    assert result["difference"]["p_value"] < 0.05
    assert result["after"]["mean"] - result["before"]["mean"] == pytest.approx(result["difference"]["mean"])
    assert "3 epochs" in result["sentence"]


def test_the_folder_holds_what_a_person_needs(improved):
    names = {path.name for path in improved.folder.iterdir()}
    assert {"logbook.md", "recipe.toml", "weights.safetensors", "report.html", "improve.json", "runs"} <= names
    assert Recipe.from_toml(improved.folder / "recipe.toml") == improved.recipe


def test_every_step_of_the_checklist_is_in_the_logbook(improved):
    assert {entry.step for entry in improved.record.entries} == set(CHECKLIST)


def test_proof_seeds_are_fresh_and_shared_by_both_sides(improved):
    record = improved.record
    assert record.before.seeds == record.after.seeds
    folders = [path for path in (improved.folder / "runs").iterdir() if not path.name.startswith(("before", "after"))]
    assert not set(record.before.seeds) & {load_run(folder).seed for folder in folders}


def test_the_numbers_of_the_proof_can_be_measured_again_from_the_runs(improved):
    problem, record = small_digits(), improved.record
    model = Run.load(improved.folder / record.after.folders[0], problem).model()
    accuracy = (model(problem.test.inputs).argmax(1) == problem.test.targets).double().mean()
    assert float(accuracy) == pytest.approx(record.after.values[0])


def test_pairs_of_the_proof_are_trained_together(improved):
    run = load_run(improved.folder / improved.record.after.folders[0])
    assert "fused" in [note["event"] for note in run.notes if "event" in note]


def test_a_run_that_was_not_finished_is_trained_anew(improved, tmp_path):
    folder = tmp_path / "again"
    shutil.copytree(improved.folder, folder)
    start, horizon = Recipe(**improved.record.recipe_before), Horizon(3, None, 6, 0.1, shortened=False)
    session = Session(small_digits(), start, improved.recipe, 0, folder, Budget(20), improved.record, horizon=horizon)
    jobs = [Job(improved.recipe, seed, "after") for seed in improved.record.after.seeds[:3]]
    broken = folder / improved.record.after.folders[1]
    info = json.loads((broken / "run.json").read_text())
    (broken / "run.json").write_text(json.dumps(info | {"status": "running"}))
    again = session.train(jobs)
    assert [run.best_metric() for run in again] == pytest.approx(
        [load_run(improved.folder / f).best_metric() for f in improved.record.after.folders[:3]], abs=0.02
    )


def test_so_many_runs_are_trained_as_one_as_a_kill_may_cost(improved, tmp_path):
    told = []
    horizon = Horizon(3, None, 6, 50.0, shortened=False)
    session = Session(
        small_digits(), POOR, POOR, 0, tmp_path, Budget(900), improved.record, listener=told.append, horizon=horizon
    )
    session.begin("baseline")
    runs = session.runs(POOR, [0, 1, 2], "baseline", "start")
    words = {event.text for event in told if event.text}
    assert len(runs) == 3
    assert "start, runs 1 to 2 of 3" in words
    assert "start, run 3 of 3" in words


def test_a_second_improvement_does_not_overwrite_the_first(improved):
    with pytest.raises(UsageError, match="must not hold another improvement"):
        improve(small_digits(), POOR, budget=14, folder=improved.folder)


def test_a_resume_with_another_seed_is_refused(improved):
    with pytest.raises(ResumeError, match="another seed"):
        improve(small_digits(), POOR, budget=14, folder=improved.folder, resume=True, seed=5)


@cache
def leaking() -> Problem:
    X, y = load_digits(return_X_y=True)
    return Problem(partial(mlp, 64, 10), (X[:600] / 16, y[:600]), val=(X[500:700] / 16, y[500:700]), test=0.1)


def test_overlapping_splits_stop_before_training_with_the_finding(tmp_path):
    with pytest.raises(DataStop, match="train-eval-overlap") as stop:
        improve(leaking(), budget=10, folder=tmp_path)
    assert stop.value.rules == ("train-eval-overlap",)
    assert load_improvement(tmp_path).status == "stopped"
    assert not (tmp_path / "runs").exists()
    assert (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_an_allowed_finding_does_not_stop(tmp_path):
    result = improve(leaking(), POOR.with_({"epochs": 1}), budget=8, folder=tmp_path, allow=["train-eval-overlap"])
    assert result.record.status == "completed"


def test_without_test_data_nothing_is_claimed(tmp_path):
    result = improve(small_digits(test=None), POOR.with_({"epochs": 1}), budget=6, folder=tmp_path)
    assert result.verdict == "cannot tell"
    assert "no test data" in result.sentence


def test_an_interrupted_improvement_goes_on_without_repeating_runs(tmp_path):
    def interrupt(progress):
        if progress.step == "learning-rate" and progress.finished:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="--resume"):
        improve(small_digits(), POOR, budget=14, folder=tmp_path, listener=interrupt)
    before = {path: path.stat().st_mtime_ns for path in Path(tmp_path / "runs").glob("baseline*/run.json")}
    result = improve(small_digits(), POOR, budget=14, folder=tmp_path, resume=True)
    assert before
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert result.record.status == "completed"
    assert len([e for e in result.record.entries if e.step == "baseline"]) == 1


HORIZON = {"steps_per_epoch": 50, "seconds_fixed": 0.05}


def test_a_length_that_fits_is_kept():
    horizon = choose_horizon(Budget(90), epochs=20, seconds_per_step=0.0005, explicit=False, **HORIZON)
    assert (horizon.epochs, horizon.proof_seeds, horizon.shortened) == (20, 10, False)


def test_a_default_length_that_does_not_fit_is_shortened_for_both_sides():
    horizon = choose_horizon(Budget(90), epochs=20, seconds_per_step=0.01, explicit=False, **HORIZON)
    assert horizon.shortened
    assert 20 * horizon.seconds_per_run < 0.5 * 90
    assert horizon.proof_seeds == 10


def test_a_stated_length_is_kept_and_the_proof_gets_fewer_seeds():
    horizon = choose_horizon(Budget(90), epochs=20, seconds_per_step=0.003, explicit=True, **HORIZON)
    assert horizon.epochs == 20
    assert 6 <= horizon.proof_seeds < 10


def test_a_budget_that_allows_no_proof_is_refused_with_the_one_that_does():
    with pytest.raises(BudgetError, match=r"`--budget` must be at least \d+s"):
        choose_horizon(Budget(5), epochs=50, seconds_per_step=0.01, explicit=True, **HORIZON)


def test_the_start_of_a_run_name_shows_its_purpose(improved):
    purposes = {path.name.split("-")[0] for path in (improved.folder / "runs").iterdir()}
    assert {"baseline", "before", "after"} <= purposes
    assert np.isfinite(improved.record.before.mean)
