"""`trainwell compare` and `trainwell claim` as a person types them."""

import json
from pathlib import Path

import pytest

from trainwell.cli import main
from trainwell.cli.compare import _parted, _share
from trainwell.errors import UsageError


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return stop.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compare") / "out"


@pytest.fixture(scope="module")
def printed(folder):
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run(
            "compare", "wine", "sgd=sgd-momentum", "adamw", "--trials", "2", "--studies", "4", "--seeds", "1",
            "--epochs", "1", "--set", "inputs.scaling=standardize", "--out", str(folder), "--json",
        )  # fmt: skip
    assert code == 0
    return out.getvalue()


def test_json_is_one_object_with_the_promised_fields(printed, folder):
    found = json.loads(printed)
    assert found["folder"] == str(folder)
    assert {"a", "b", "verdict", "claim", "difference", "sentence"} <= set(found["pairs"][0])
    assert isinstance(found["fair"], bool)
    assert (folder / "report.html").is_file()


def test_resume_goes_by_the_stored_protocol(printed, folder, capsys):
    assert run("compare", "--resume", str(folder), "--json") == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == json.loads(printed)["pairs"]
    assert run("compare", "--resume", str(folder), "--trials", "3") == 2
    assert "stored protocol" in capsys.readouterr().err


def test_a_claim_is_checked_and_the_exit_code_says_so(printed, folder, capsys):
    assert run("claim", "adamw is always better than sgd", str(folder), "--json") == 1
    assert "scope" in {fault["name"] for fault in json.loads(capsys.readouterr().out)["faults"]}


def test_one_study_is_refused_with_the_reason(capsys, tmp_path):
    assert run("compare", "wine", "sgd", "adamw", "--studies", "1", "--out", str(tmp_path / "x")) == 2
    assert "luck of tuning" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_two_contenders_of_one_name_are_refused(capsys):
    assert run("compare", "wine", "a=sgd", "a=adamw") == 2
    assert "different names" in capsys.readouterr().err


def test_unknown_words_say_the_nearest(capsys):
    assert run("compare", "wine", "adamww", "sgd") == 2
    assert "adamw" in capsys.readouterr().err


def test_a_protocol_file_stands_for_all_of_it(tmp_path, capsys):
    file = tmp_path / "protocol.toml"
    file.write_text(
        'problems = ["wine"]\ntrials = 2\nstudies = 2\nhorizons = [1]\n'
        '[contenders]\nadamw = "adamw"\n[contenders.mine]\noptimizer = "sgd"\n'
    )
    assert run("compare", str(file)) == 2  # two studies
    assert "`studies` must be at least 4" in capsys.readouterr().err
    file.write_text("trial = 2\n" + file.read_text())
    assert run("compare", str(file)) == 2
    assert "Did you mean 'trials'" in capsys.readouterr().err


def test_splits_go_with_fixed_recipes_only(capsys):
    assert run("compare", "wine", "plain", "dropout", "--repeats", "6", "--trials", "3") == 2
    assert "nothing is tuned" in capsys.readouterr().err
    assert run("compare", "wine", "plain", "dropout", "--split", "80/20") == 2
    assert "--repeats" in capsys.readouterr().err


def test_problems_and_contenders_are_told_apart():
    problems, specs = _parted(("digits", "mine.py", "sgd=sgd-momentum", "adamw", "own.toml"))
    assert problems == ["digits", "mine.py"]
    assert specs == {"sgd": "sgd-momentum", "adamw": "adamw", "own": "own.toml"}


def test_a_split_is_train_slash_test():
    assert _share("80/20") == pytest.approx(0.2)
    assert _share(None) == pytest.approx(0.2)
    with pytest.raises(UsageError, match="80/20"):
        _share("80")


def test_nothing_is_left_behind_by_a_refused_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("compare", "wine", "sgd")
    assert not Path("runs").exists() or not list(Path("runs").iterdir())
