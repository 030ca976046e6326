"""The public API: one table, lazily loaded, quick to ask for help."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import trainwell

PROJECT = Path(__file__).parent.parent
SOURCE = ast.parse(Path(trainwell.__file__).read_text(encoding="utf-8"))
CONTRACTS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
TORCH_FREE = next(c for c in CONTRACTS if c["type"] == "forbidden" and "torch" in c["forbidden_modules"])
ASK = "import sys; print('torch' in sys.modules)"


def typed_imports() -> dict[str, str]:
    """Name to module, from the imports that type checkers read."""
    (block,) = (node for node in SOURCE.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {alias.name: line.module for line in block.body for alias in line.names}


def python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_exports_the_lazy_table_and_the_typed_imports_agree():
    assert set(trainwell.__all__) == {*trainwell._HOME, "__version__"}
    assert typed_imports() == trainwell._HOME
    assert dir(trainwell) == trainwell.__all__ == sorted(trainwell.__all__)
    assert trainwell.__version__ == importlib.metadata.version("trainwell")


@pytest.mark.parametrize("name", sorted(trainwell._HOME))
def test_every_export_is_there_public_at_home_and_explained(name):
    home = importlib.import_module(trainwell._HOME[name])
    assert getattr(trainwell, name) is getattr(home, name)
    assert name in getattr(home, "__all__", dir(home))
    assert getattr(trainwell, name).__doc__


def test_an_export_stays_itself_after_its_package_of_the_same_name_was_imported():
    program = """
import trainwell.report
from trainwell import report
from trainwell.report import write_report
print(callable(trainwell.report), callable(report), callable(write_report))"""
    assert python(program) == "True True True\n"


def test_an_unknown_export_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'trainwell' has no attribute 'fitt'"):
        _ = trainwell.fitt


def test_importing_trainwell_imports_no_torch():
    assert python(f"import trainwell; trainwell.Recipe; trainwell.Finding; {ASK}") == "False\n"


def test_help_and_version_and_a_slip_import_no_torch():
    program = f"""
from trainwell.cli import _run
assert [_run([word]) for word in ("--help", "--version", "improv")] == [0, 0, 2]
{ASK}"""
    assert python(program).endswith("False\n")


def test_the_waist_and_its_readers_import_no_torch():
    program = f"""
import importlib, pkgutil
for name in {TORCH_FREE["source_modules"]!r}:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(getattr(package, "__path__", []), name + "."):
        importlib.import_module(module.name)
{ASK}"""
    assert {"trainwell.recipe", "trainwell.records", "trainwell.stats", "trainwell.errors"} <= {
        *TORCH_FREE["source_modules"]
    }
    assert python(program) == "False\n"
