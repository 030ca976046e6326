"""`trainwell tune` as a person would use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainwell.cli import _run as run_command
from trainwell.recipe import Recipe
from trainwell.records.study import load_study

QUICK = ["--epochs", "2", "--trials", "9", "--confirm", "2"]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tune") / "a"
    assert run_command(["tune", "digits", *QUICK, "--out", str(folder)]) == 0
    return folder


def test_a_study_leaves_recipe_runs_journal_and_page(study):
    record = load_study(study)
    assert record.result.trials == 9
    assert Recipe.from_toml(study / "recipe.toml").to_dict() == record.result.recipe
    page = (study / "report.html").read_text()
    assert record.result.sentence in page
    assert "optimizer.lr" in page


def test_json_is_one_object_and_nothing_else(study, capsys, tmp_path):
    space = tmp_path / "space.toml"
    space.write_text('"optimizer.lr" = {log_uniform = [1e-3, 1e-1]}\nbatch_size = {choice = [64, 128]}\n')
    out = ["--out", str(tmp_path / "b"), "--space", str(space), "--confirm", "0", "--json", "--method", "random"]
    assert run_command(["tune", "digits", "--epochs", "1", "--trials", "4", *out]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["changes"]) == {"optimizer.lr", "batch_size"}
    assert told["trials"] == 4


def test_a_study_is_continued_with_a_larger_budget(study, capsys):
    assert run_command(["tune", "--resume", str(study), "--trials", "12"]) == 0
    assert "12 trials" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tune"], "`PROBLEM` must be given"),
        (["tune", "digits", "--method", "sobbol"], "Did you mean 'sobol'"),
        (["tune", "digits", "--halving", "halvin"], "Did you mean 'halving'"),
        (["tune", "digits", "--proxy", "outside"], "kind of short run"),
        (["tune", "digits", "--steps", "5"], "one full trial"),
        (["tune", "digits", "--budget", "1ms"], "one full trial"),
        (["tune", "digits", "--space", "nowhere.toml"], "readable file"),
        (["tune", "--resume", "nowhere"], "folder of a study"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_command(arguments) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))
