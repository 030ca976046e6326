"""The command, as a person types it: output, exit codes, and clear refusals before any training."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainwell.cli import _run

PREFIX = """
import numpy as np
from torch import nn
from trainwell import Problem
X = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
y = (X[:, 0] > 0).astype(int)
def net(width=8, dropout=0.0):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 2))
"""


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = _run([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def write(tmp_path):
    def write(body: str) -> Path:
        path = tmp_path / "my_problem.py"
        path.write_text(PREFIX + body)
        return path

    return write


def test_fit_records_a_run_and_diagnose_and_report_read_it(capsys, write, tmp_path):
    problem, folder = write("problem = Problem(net, (X, y))"), tmp_path / "run"
    code, out, _ = run(capsys, "fit", problem, "--set", "epochs=2", "--set", "model.width=4", "--out", folder, "--json")
    result = json.loads(out)
    assert code in (0, 1)
    assert result["status"] == "completed"
    assert Path(result["report"]).is_file()
    assert run(capsys, "diagnose", folder)[0] == code
    assert run(capsys, "report", folder)[1].strip().endswith("report.html")


def test_fit_over_seeds_gives_the_mean_with_its_interval(capsys, write, tmp_path):
    problem = write("problem = Problem(net, (X, y))")
    small = ["--set", "epochs=1", "--set", "model.width=4"]
    code, out, _ = run(capsys, "fit", problem, *small, "--repeats", 3, "--test", "--out", tmp_path / "a", "--json")
    result = json.loads(out)
    assert code == 0
    assert [one["seed"] for one in result["runs"]] == [0, 1, 2]
    values = [one["val"] for one in result["runs"]]
    assert result["val"]["mean"] == pytest.approx(sum(values) / 3)
    assert result["val"]["interval"][0] <= result["val"]["mean"] <= result["val"]["interval"][1]
    assert len(result["test"]["values"]) == 3
    alone = json.loads(run(capsys, "fit", problem, *small, "--seed", 1, "--test", "--out", tmp_path / "b", "--json")[1])
    assert alone["test"] == pytest.approx(result["test"]["values"][1])


def test_fit_over_folds_leaves_the_test_data_alone(capsys, write, tmp_path):
    problem = write("problem = Problem(net, (X, y))")
    small = [problem, "--set", "epochs=1", "--set", "model.width=4", "--folds", 3, "--out", tmp_path / "a"]
    code, out, _ = run(capsys, "fit", *small)
    assert code == 0
    assert "fold 3" in out
    assert "95 % interval" in out
    assert run(capsys, "fit", *small, "--test")[0] == 2


def test_fit_resumes_an_ended_run_to_itself(capsys, write, tmp_path):
    problem, folder = write("problem = Problem(net, (X, y))"), tmp_path / "run"
    _, first, _ = run(capsys, "fit", problem, "--set", "epochs=1", "--out", folder, "--json")
    _, again, _ = run(capsys, "fit", "--resume", folder, "--json")
    assert json.loads(first)["best"] == json.loads(again)["best"]


def test_json_is_one_object_and_nothing_else(capsys, write, tmp_path):
    problem = write("problem = Problem(net, (X, y))")
    code, out, _ = run(
        capsys, "improve", problem, "--budget", "6s", "--set", "epochs=1", "--out", tmp_path / "o", "--json"
    )
    result = json.loads(out)
    assert code == 0
    assert set(result) >= {"verdict", "metric", "before", "after", "difference", "sentence", "findings", "folder"}
    assert set(result["before"]) == {"mean", "interval", "n"}
    assert set(result["difference"]) == {"mean", "interval", "p_value", "n"}


def test_a_problem_may_be_a_function_with_another_name(capsys, write, tmp_path):
    path = write("def task():\n    return Problem(net, (X, y))")
    assert run(capsys, "fit", f"{path}:task", "--set", "epochs=1", "--out", tmp_path / "o")[0] in (0, 1)


BAD = {
    "problem = Problem(net, (X, y[:-3]))": r"200.*197|197.*200",
    "X[3, 1] = np.nan\nproblem = Problem(net, (X, y))": r"NaN",
    "y[5] = -1\nproblem = Problem(net, (X, y))": r"class indices from 0, got -1",
    "y[5] = 7\nproblem = Problem(net, (X, y), classes=2)": r"below classes = 2, got 7",
    "problem = Problem(net, (X[:0], y[:0]))": r"must hold examples, got 0",
    "x = 3": r"problem",
    "problem = Problem(net, (X, y), loss='mce')": r"Did you mean 'mse'",
    "problem = Problem(nn.Linear(4, 2), (X, y))": r"factory|lambda",
    "raise RuntimeError('broken file')": r"broken file",
}


@pytest.mark.parametrize("body", BAD)
def test_a_bad_file_is_refused_with_a_clear_message(capsys, write, tmp_path, body):
    code, out, err = run(capsys, "improve", write(body), "--out", tmp_path / "o")
    assert code == 2
    assert re.search(BAD[body], err), err
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digitz"], r"Did you mean 'digits'"),
        (["nowhere.py"], r"nowhere.py"),
        (["digits", "--set", "optimizer=adamv"], r"Did you mean 'adam"),
        (["digits", "--set", "optimizer.lr=-1"], r"`optimizer.lr` must be above 0, got -1"),
        (["digits", "--set", "batch_size=5000"], r"`batch_size` must be at most the 1437 training examples"),
        (["digits", "--set", "optimizer.lrr=1", "--set", "epochs=0"], r"2 mistakes"),
        (["digits", "--set", "model.widht=3"], r"Did you mean 'width'"),
        (["digits", "--set", "noequals"], r"must be PATH=VALUE"),
        (["digits", "--budget", "soon"], r"must be a time"),
        (["digits", "--allow", "overfiting"], r"Did you mean 'overfitting'"),
        (["digits", "--recipe", "missing.toml"], r"missing.toml"),
        (["digits", "--out", "/proc/nothing/here"], r"`--out` must be a folder that can be written to"),
        ([], r"`PROBLEM` must be given"),
    ],
)
def test_bad_arguments_are_refused_with_exit_code_2(capsys, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "improve", *arguments)
    assert code == 2
    assert re.search(said, err), err
    assert "Traceback" not in err


def test_an_unknown_command_says_the_nearest(capsys):
    code, _, err = run(capsys, "imporve")
    assert code == 2
    assert "Did you mean 'improve'" in err


def test_explain_shows_the_page_and_lists_all(capsys):
    assert "## What to try" in run(capsys, "explain", "overfitting")[1]
    assert "train-eval-overlap" in run(capsys, "explain")[1]
    assert run(capsys, "explain", "overfiting")[0] == 2


def test_problems_and_schedules_are_shown(capsys):
    assert "digits" in run(capsys, "problems")[1]
    assert "cosine: 50 steps" in run(capsys, "plot", "schedule", "cosine", "--steps", 50)[1]


@pytest.mark.slow  # on a loaded machine the signal may arrive where Python drops it
def test_an_interrupt_says_how_to_go_on(write, tmp_path):
    problem, out = write("problem = Problem(net, (X, y))"), tmp_path / "o"
    command = [sys.executable, "-c", "from trainwell.cli import main; main()", "improve", problem, "--out", out]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "sanity" in line:
                process.send_signal(2)
                break
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"trainwell improve --resume {out}" in err
    assert json.loads((out / "improve.json").read_text())["status"] == "interrupted"


OWN_CODE_FAILS = {
    "problem = Problem(net, (X, y), loss=lambda o, t: o[:, 0])": "`loss` must return one number as a tensor, got shape",
    "problem = Problem(net, (X, y), metrics={'m': (lambda o, t: 1 / 0, 'max')})": "metric `m` must return one number",
    "class Picky(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.inner = net()\n"
    "    def forward(self, x):\n        assert not self.training, 'only for eval'\n        return self.inner(x)\n"
    "problem = Problem(Picky, (X, y))": r"AssertionError at .*my_problem.py:14: only for eval.*--debug",
}


@pytest.mark.parametrize("body", OWN_CODE_FAILS)
def test_what_a_persons_own_code_does_wrong_is_said_without_a_traceback(capsys, write, tmp_path, body):
    code, _, err = run(capsys, "fit", write(body), "--set", "epochs=1", "--out", tmp_path / "o")
    assert code == 2
    assert "Traceback" not in err
    assert re.search(OWN_CODE_FAILS[body], err)


def test_a_refused_fit_leaves_no_numbered_folder(capsys, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    problem = write("problem = Problem(net, (X, y))")
    assert run(capsys, "fit", problem, "--set", "batch_size=5000")[0] == 2
    assert not list((tmp_path / "runs").iterdir())


def test_a_metric_that_is_the_loss_is_said_once(capsys, write, tmp_path):
    body = """
class OwnLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = net()
    def forward(self, x):
        return {"loss": self.inner(x).square().mean()}
problem = Problem(OwnLoss, {"x": X})
"""
    _, out, _ = run(capsys, "fit", write(body), "--set", "epochs=1", "--out", tmp_path / "o")
    assert re.search(r"val loss [\d.e-]+$", out.splitlines()[0])


def test_the_range_test_names_its_columns(capsys, write):
    problem = write("problem = Problem(net, (X, y))")
    _, out, _ = run(capsys, "lr", problem, "--steps", "2", "--seeds", "1")
    assert re.match(r" +rate +loss +on training examples after 2 steps \(before: 0\.\d+\)\n 1\.00e-06 ", out)
