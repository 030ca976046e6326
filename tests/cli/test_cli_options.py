"""What several commands share: times, output folders, how mistakes end."""

from __future__ import annotations

import io
import re

import click
import pytest

from trainwell.cli import _run
from trainwell.cli.options import DURATION, output_folder
from trainwell.cli.progress import shown_progress
from trainwell.errors import UsageError
from trainwell.improve import Progress


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("3m", 180), ("1.5h", 5400), ("2 min", 120), ("250ms", 0.25), ("7", 7), (3, 3)]
)
def test_times_are_read_in_seconds(text, seconds):
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-3s", "soon", "3 days", "1e3", "nan"])
def test_what_is_no_time_is_refused_with_examples(text):
    with pytest.raises(click.BadParameter, match="must be a time above 0 such as 90s, 3m or 1h, got"):
        DURATION.convert(text, None, None)


def test_folders_are_numbered_where_none_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = [output_folder(None, "fit", spec) for spec in ("digits", "digits", "a/my file.py:problem")]
    assert [str(folder) for folder in made] == ["runs/fit-digits-1", "runs/fit-digits-2", "runs/fit-my-file-1"]
    assert all(folder.is_dir() and not list(folder.iterdir()) for folder in made)


@pytest.mark.parametrize("name", ["run.json", "improve.json"])
def test_a_folder_with_earlier_results_is_refused(tmp_path, name):
    assert output_folder(tmp_path, "improve", "digits") == tmp_path
    (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match=r"must be a folder without earlier results, got .*--resume"):
        output_folder(tmp_path, "improve", "digits")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "inner"):
        with pytest.raises(UsageError, match="`--out` must be a folder that can be written to, got"):
            output_folder(out, "fit", "digits")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "digits", "--set", "optimizer=adamww"], "Did you mean 'adamw'?"),
        (["fit", "digits", "--set", "optimizer.lr=-1"], "`optimizer.lr` must be above 0, got -1"),
        (["fit", "digits", "--set", "optimizer.lr"], "`--set` must be PATH=VALUE, got 'optimizer.lr'"),
        (["fit", "digits", "--recipe", "none.toml"], "none.toml must be a readable file"),
        (["improve", "digits", "--budget", "soon"], "must be a time above 0"),
        (["improve"], "`PROBLEM` must be given"),
        (["fitt"], "unknown command 'fitt'. Did you mean 'fit'?"),
    ],
)
def test_usage_mistakes_end_with_2_and_a_sentence(arguments, message, capsys):
    assert _run(arguments) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""
    assert "Traceback" not in said.err


def test_the_line_of_the_proof_says_the_verdict_and_leaves_the_sentence_to_the_end(capsys):
    with shown_progress(quiet_output=False) as listen:
        listen(Progress("proof", 7, 7, 1.0, "Verdict: better. On digits, ...", "accuracy 97.4 %", 10.0, finished=True))
    assert capsys.readouterr().out == "7/7 proof: Verdict: better [best accuracy 97.4 %] (0:10 left)\n"


def test_on_a_terminal_each_outcome_stands_behind_its_step(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", screen)
    with shown_progress(quiet_output=False) as listen:
        listen(Progress("audit", 1, 7, 1.0, "Go on.", "", 10.0, finished=True))
    assert re.search(r"1/7 \S*audit the data +\S*Go on\.", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()))
