"""`trainwell compare` and `trainwell claim` as a person types them."""

import json
import signal
import subprocess
import sys
import time
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
    for wrong in ("80", "70/20", "100/0", "a/b"):
        with pytest.raises(UsageError, match="80/20"):
            _share(wrong)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("problems = 5", "`problems` must be names"),
        ('problems = ["wine"]\ncontenders = "adamw"', "`contenders` must be a table"),
        ('problems = ["wine"]\nfixed = 3', "`fixed` must be a table"),
        ('problems = ["wine"]\ntrials = "20"', "`trials` must be a whole number"),
        ('problems = ["wine"]\ntarget = "high"', "`target` must be a number"),
        ('problems = ["wine"]\nlevel = 95', "`level` must lie between 0 and 1"),
        ('problems = ["wine"]\nmethod = "tpe"', "hides the luck of tuning"),
        ('problems = ["wine"]\nseconds = 0.5', "`seconds` must be a whole number"),
        ("problems = [", "must be TOML"),
        ("trials = 3", "at least one problem"),
    ],
)
def test_a_wrong_protocol_file_is_refused_before_anything_runs(tmp_path, capsys, written, said):
    file = tmp_path / "protocol.toml"
    file.write_text(written)
    assert run("compare", str(file)) == 2
    assert said in capsys.readouterr().err


def test_all_wrong_contenders_are_named_at_once(capsys):
    assert run("compare", "wine", "a=adamww", "b=sdg") == 2
    said = capsys.readouterr().err
    assert "contenders.a" in said
    assert "contenders.b" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epochs", "1", "--horizons", "1,2"], "must be left out with"),
        (["--epochs", "1", "--seconds", "3"], "must be left out with"),
        (["--horizons", "a,b"], "whole numbers of epochs"),
        (["--horizons", "0"], "at least 1"),
        (["--claim", "C1", "--seeds", "3"], "at least 6"),
        (["--seconds", "0"], "at least 1"),
        (["--margin", "-1"], "above 0"),
        (["--set", "epochs=3"], "Say --epochs"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(capsys, tmp_path, options, said):
    assert run("compare", "wine", "sgd", "adamw", "--out", str(tmp_path / "x"), *options) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_another_length_of_a_stored_comparison_is_refused_with_the_command_that_would_find_out(printed, folder, capsys):
    assert run("compare", "--resume", str(folder), "--epochs", "40") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "not best for another" in said
    assert "trainwell compare wine sgd=sgd-momentum adamw --trials 2 --studies 4 --seeds 1 --horizons 40" in said
    assert "--set inputs.scaling=standardize" in said


def test_another_protocol_in_the_same_folder_is_refused_with_the_difference(printed, folder, capsys):
    assert run("compare", "wine", "sgd", "adamw", "--studies", "5", "--trials", "2", "--out", str(folder)) == 2
    assert "studies was 4, now 5" in " ".join(capsys.readouterr().err.split())


def test_what_is_shown_says_spaces_power_verdicts_and_where_everything_is(printed, folder, capsys):
    assert run("compare", "--resume", str(folder)) == 0
    said = " ".join(capsys.readouterr().out.split())
    for text in (
        "optimizer.lr log-uniform",
        "source: rate",
        "With 4 independent studies",
        "test accuracy",
        "report.html",
    ):
        assert text in said


def test_plain_runs_can_be_claimed_about_and_every_fault_is_named(tmp_path, capsys):
    for name in ("sgd", "adamw"):
        run("fit", "wine", "--set", f"optimizer={name}", "--set", "epochs=1", "--out", str(tmp_path / name))
    capsys.readouterr()
    assert run("claim", "A trains faster and should be preferred for 80 epochs or less", str(tmp_path)) == 1
    said = capsys.readouterr().out
    for fault in ("horizon", "tuning", "single run", "significance", "contenders", "performance"):
        assert f"\n{fault}: " in said


@pytest.mark.slow
def test_an_interrupted_command_goes_on_where_it_was(tmp_path):
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "trainwell", "compare", "digits", "sgd=sgd-momentum", "adamw", "--trials", "6",
        "--studies", "4", "--seeds", "1", "--epochs", "10", "--out", str(out),
    ]  # fmt: skip
    first = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    journal, deadline = out / "runs.jsonl", time.monotonic() + 120
    while not (journal.is_file() and journal.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    said = first.communicate(timeout=60)[1]
    assert first.returncode == 130, said
    assert "the same command goes on" in " ".join(said.split())
    kept = journal.read_text().count("\n")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 < kept < 2 * 4 * 7 == journal.read_text().count("\n")


@pytest.mark.slow
def test_equal_seconds_from_the_command_line(tmp_path, capsys):
    options = ["--trials", "1", "--studies", "4", "--seeds", "1", "--seconds", "1", "--out", str(tmp_path / "x")]
    assert run("compare", "wine", "sgd", "adamw", *options, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "1 seconds a run" in found["sentence"]
    assert any("updates" in note for note in found["notes"])


def test_nothing_is_left_behind_by_a_refused_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("compare", "wine", "sgd")
    assert not Path("runs").exists() or not list(Path("runs").iterdir())
