import subprocess
import sys
from pathlib import Path

import pytest

from trainwell.check import check


@pytest.fixture
def checked(tmp_path: Path):
    """Write a program and check it; its output is discarded."""

    def run(source: str, name: str = "train.py", **options):
        path = tmp_path / name
        path.write_text(source)
        return check(path, output="discard", **options)

    return run


@pytest.fixture
def alone(tmp_path: Path):
    """Run a program as `python FILE` would, and return what it printed."""

    def run(source: str, name: str = "train.py") -> str:
        path = tmp_path / name
        path.write_text(source)
        done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True, cwd=tmp_path)
        return done.stdout

    return run
