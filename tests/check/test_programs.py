"""Programs of every kind end in findings and a plain sentence, never in a traceback of ours."""

import json
import subprocess
import sys

import nbformat
import pytest

from trainwell.check import check
from trainwell.errors import UnknownNameError, UsageError

LOOP = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for i in range({steps}):
    loss = model(torch.randn(8, 3)).pow(2).mean()
    loss.backward()
    optimizer.step()
"""


def rules(result):
    return [f.rule for f in result.findings]


def test_a_missing_zero_grad_is_named_with_its_line(checked):
    result = checked(LOOP.format(steps=20))
    assert rules(result)[0] == "missing-zero-grad"
    assert result.findings[0].place.line == 10
    assert result.exit_code == 1


def test_a_program_that_crashes_still_gives_its_findings(checked):
    result = checked(LOOP.format(steps=20) + "raise ValueError('boom')\n")
    assert "missing-zero-grad" in rules(result)
    assert (result.program.status, result.exit_code) == ("failed", 2)
    assert result.program.place.line == 11
    assert "boom" in result.program.error


def test_the_budget_of_steps_stops_and_runs_finally(checked, tmp_path):
    source = LOOP.format(steps=10_000).replace("for i", "try:\n  for i").replace("\n    ", "\n      ")
    result = checked(source + f"finally:\n  open({str(tmp_path / 'left')!r}, 'w').close()\n", steps=15)
    assert result.program.status == "stopped"
    assert (tmp_path / "left").exists()
    assert result.trace.steps == 15
    assert any("stopped" in note for note in result.notes)


@pytest.mark.parametrize(
    ("source", "status"),
    [("import sys; sys.exit(3)", "exited"), ("print('x' ;", "failed"), ("import nothing_of_the_kind", "failed")],
)
def test_a_program_that_ends_badly_is_said_to(checked, source, status):
    result = checked(source)
    assert (result.program.status, result.exit_code) == (status, 2)
    assert not result.findings


def test_a_hanging_program_is_ended(checked):
    result = checked("while True: pass", seconds=0.5)
    assert result.program.status in ("stopped", "killed")  # killed where it had not begun to listen


@pytest.mark.slow
def test_a_killed_program_leaves_what_was_seen(checked):
    tail = "    import time; time.sleep(0.012)\nimport os; os.kill(os.getpid(), 9)\n"
    result = checked(LOOP.format(steps=250) + tail)
    assert result.program.status == "killed"
    assert "missing-zero-grad" in rules(result)


def test_a_program_without_training_gets_a_sentence(checked):
    result = checked("print(1)")
    assert result.exit_code == 0
    assert any("No training" in note for note in result.notes)


def test_cells_of_a_notebook_are_named(tmp_path):
    notebook = nbformat.v4.new_notebook()
    head, _, loop = LOOP.format(steps=20).partition("for i")
    sources = ["%matplotlib inline\n!ls\n" + head.strip(), "%%time\nfor i" + loop]
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    path = tmp_path / "work.ipynb"
    nbformat.write(notebook, path)
    finding = check(path, output="discard").findings[0]
    assert (finding.rule, finding.place.cell, finding.place.line) == ("missing-zero-grad", 1, 5)


def test_a_broken_notebook_is_said_to_be_one(tmp_path):
    path = tmp_path / "work.ipynb"
    path.write_text("{not json")
    result = check(path, output="discard")
    assert result.exit_code == 2
    assert "must be a notebook" in result.program.error


def test_a_wrong_call_is_refused(tmp_path):
    with pytest.raises(UsageError, match="existing script"):
        check(tmp_path / "none.py")
    (tmp_path / "some.py").write_text("")
    with pytest.raises(UnknownNameError, match="missing-zero-grad"):
        check(tmp_path / "some.py", select=["missing-zero-gradd"])
    with pytest.raises(UsageError, match="positive"):
        check(tmp_path / "some.py", seconds=0)


def test_the_program_sees_its_own_arguments_and_main(checked, tmp_path):
    source = "import sys, os, json\nassert __name__ == '__main__'\n"
    source += "json.dump([sys.argv, __file__, os.getcwd(), sys.path[0]], open('seen.json', 'w'))\n"
    checked(source, arguments=["--depth", "3"])
    path, folder = str(tmp_path / "train.py"), str(tmp_path)
    assert json.loads((tmp_path / "seen.json").read_text()) == [[path, "--depth", "3"], path, folder, folder]


def test_json_stands_alone_on_standard_output(tmp_path):
    (tmp_path / "train.py").write_text("print('noise')\n" + LOOP.format(steps=8))
    command = "from trainwell.check.command import check_command; check_command()"
    done = subprocess.run(
        [sys.executable, "-c", command, str(tmp_path / "train.py"), "--format", "json"], capture_output=True, text=True
    )
    report = json.loads(done.stdout)
    assert report["findings"][0]["rule"] == "missing-zero-grad"
    assert set(report) == {"findings", "observed", "program"}
    assert "noise" in done.stderr
    assert done.returncode == 1
