"""Finding problems by name and in files."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from trainwell.errors import ProblemError, UnknownNameError
from trainwell.problem import BUILT_INS, Problem, load_problem

DATA = Path(__file__).parents[3] / "shared" / "data"
TOY = """
from functools import partial
import numpy as np
import torch
from trainwell.problem import Problem

X = np.random.default_rng(0).normal(size=(60, 2))
toy = Problem(lambda width=4: torch.nn.Linear(2, 3), (X, np.arange(60) % 3))
"""


def _file(folder, text, name="my_problem.py"):
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return str(path)


def test_a_variable_named_problem_is_found(tmp_path):
    problem = load_problem(_file(tmp_path, TOY + "problem = toy"))
    assert isinstance(problem, Problem)
    assert problem.name == "my_problem"


def test_another_name_a_function_and_one_that_takes_the_data_folder(tmp_path):
    path = _file(
        tmp_path, TOY + "def make():\n    return toy\ndef read(data=None):\n    toy.name = data.name\n    return toy"
    )
    assert load_problem(f"{path}:toy").task == "multiclass"
    assert load_problem(f"{path}:make").classes == 3
    assert load_problem(f"{path}:read", tmp_path).name == tmp_path.name


def test_a_module_is_imported_by_name(tmp_path, monkeypatch):
    _file(tmp_path, TOY, "toy_module_of_tests.py")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_problem("toy_module_of_tests:toy").classes == 3


def test_a_file_may_import_its_neighbours_even_late(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    _file(tmp_path, "WIDTH = 3", "neighbour_of_tests.py")
    _file(tmp_path, "LATE = 5", "late_neighbour_of_tests.py")
    text = (
        TOY + "from neighbour_of_tests import WIDTH\ndef problem():\n    import late_neighbour_of_tests\n    return toy"
    )
    assert load_problem(_file(tmp_path, text)).classes == 3


@pytest.mark.parametrize(
    ("text", "spec", "words"),
    [
        (TOY, "", r"named `problem`, got none\. It holds toy: say .*:toy"),
        ("x = 1", "", r"Write `problem = "),
        ("problem = 3", "", "got int"),
        ("def problem(): return 3", "", "got int"),
        ("def problem(size): return 3", "", "needs size"),
        ("a = 1\nb = 1 / 0", "", r"ZeroDivisionError at .*my_problem.py:2: division by zero"),
        ("def problem():\n    return [][1]", "", r"IndexError at .*my_problem.py:2"),
        ("a = (", "", "SyntaxError at .*my_problem.py:1"),
        ("import no_such_package_here", "", "ModuleNotFoundError"),
        ("import sys\nsys.exit(3)", "", "SystemExit"),
        (TOY.replace("% 3)", "% 3 - 1)"), "", "my_problem.py:8: .*got -1 at index 0"),
        (TOY, ":tyo", "named `tyo`"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_where(tmp_path, text, spec, words):
    with pytest.raises(ProblemError, match=words) as error:
        load_problem(_file(tmp_path, text) + spec)
    assert "\n" not in str(error.value)


def test_the_cause_is_kept(tmp_path):
    with pytest.raises(ProblemError) as error:
        load_problem(_file(tmp_path, "1 / 0"))
    assert isinstance(error.value.__cause__, ZeroDivisionError)


def test_a_missing_file_says_the_nearest(tmp_path):
    _file(tmp_path, TOY)
    with pytest.raises(ProblemError, match=r"exists, got .*my_problm.py.*Did you mean 'my_problem.py'"):
        load_problem(str(tmp_path / "my_problm.py"))
    with pytest.raises(ProblemError, match="folder"):
        load_problem(str(tmp_path))


def test_unknown_names_and_modules_say_so():
    with pytest.raises(UnknownNameError, match="Did you mean 'digits'"):
        load_problem("digts")
    with pytest.raises(ProblemError, match="module that exists, got no_such_package"):
        load_problem("no_such_package.module:problem")


@pytest.mark.parametrize("name", [name for name, entry in BUILT_INS.items() if entry.embedded])
def test_embedded_problems_are_as_the_list_says(name):
    problem, entry = load_problem(name), BUILT_INS[name]
    assert (problem.name, problem.task) == (name, entry.task)
    size = sum(len(s) for s in problem.splits().values())
    assert f"{size:,} x {problem.input_shape[0]}" == entry.size
    assert problem.check_output(problem.build())


def test_digits_are_scaled_to_one():
    problem = load_problem("digits")
    assert (float(problem.train.inputs.min()), float(problem.train.inputs.max())) == (0, 1)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize(("name", "examples"), [("spambase", 4601), ("mnist", 10_000), ("tinyshakespeare", 17_428)])
def test_problems_with_data_of_their_own_read_the_folder(name, examples):
    problem = load_problem(name, DATA)
    assert sum(len(s) for s in problem.splits().values()) == examples
    assert problem.task == BUILT_INS[name].task
    assert problem.audit().overlaps == ()
    problem.check_output(problem.build())


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
def test_the_folder_may_be_named_by_the_environment(monkeypatch):
    monkeypatch.setenv("TRAINWELL_DATA", str(DATA))
    assert load_problem("spambase").facts().input_shape == (57,)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
def test_the_full_mnist_is_used_where_it_is(tmp_path):
    for kind in ("images-idx3", "labels-idx1"):
        raw = (DATA / f"mnist-t10k-{kind}-ubyte.gz").read_bytes()
        (tmp_path / f"t10k-{kind}-ubyte.gz").write_bytes(raw)
        (tmp_path / f"train-{kind}-ubyte.gz").write_bytes(raw)
    problem = load_problem("mnist", tmp_path)
    assert {part: len(s) for part, s in problem.splits().items()} == {"train": 9000, "val": 1000, "test": 10_000}


@pytest.mark.parametrize("name", ["spambase", "mnist", "tinyshakespeare"])
def test_missing_or_damaged_data_say_the_file_and_the_option(name, tmp_path):
    with pytest.raises(ProblemError, match="--data"):
        load_problem(name, tmp_path)
    with pytest.raises(ProblemError, match="must be a folder"):
        load_problem(name, tmp_path / "none")


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "spambase.data").write_text("1,2,x\n")
    with pytest.raises(ProblemError, match=r"spambase\.data` must hold"):
        load_problem("spambase", tmp_path)
    for kind in ("images-idx3", "labels-idx1"):
        (tmp_path / f"t10k-{kind}-ubyte").write_bytes(b"\x00\x00\x08\x01\x00\x00\x00\x09abc")
    with pytest.raises(ProblemError, match="t10k-images"):
        load_problem("mnist", tmp_path)


def test_listing_reads_no_data_and_loads_no_torch():
    code = "import sys; from trainwell.problem import BUILT_INS; print(len(BUILT_INS), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}, check=True)
    assert done.stdout.split() == [str(len(BUILT_INS)), "False"]
    assert all(entry.description and entry.size for entry in BUILT_INS.values())


def test_idx_files_are_read_plain_or_gzipped(tmp_path):
    import gzip

    from trainwell.problem.builtin import read_idx

    raw = b"\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03" + bytes(range(6))
    (tmp_path / "a").write_bytes(raw)
    (tmp_path / "b.gz").write_bytes(gzip.compress(raw))
    for name in ("a", "b.gz"):
        assert np.array_equal(read_idx(tmp_path / name), np.arange(6).reshape(2, 3))


def test_a_problem_without_a_name_is_called_after_its_file(tmp_path):
    body = "import numpy as np\nfrom torch import nn\nfrom trainwell import Problem\n"
    body += "def net():\n    return nn.Linear(3, 1)\nX = np.eye(3).repeat(9, 0)\n"
    (tmp_path / "prices.py").write_text(f"{body}problem = Problem(net, (X, X[:, 0] * 1.5))\n")
    assert load_problem(str(tmp_path / "prices.py")).name == "prices"


def test_a_package_in_the_current_folder_is_a_module(tmp_path, monkeypatch):
    body = "import numpy as np\nfrom torch import nn\nfrom trainwell import Problem\nX = np.eye(3).repeat(9, 0)\n"
    (tmp_path / "prices_package").mkdir()
    file = tmp_path / "prices_package" / "__init__.py"
    file.write_text(f"{body}task = Problem(lambda: nn.Linear(3, 1), (X, X[:, 0] * 1.5))\n")
    monkeypatch.chdir(tmp_path)
    assert load_problem("prices_package:task").name == "task"
