from __future__ import annotations

from pathlib import Path

import fabricate
import pytest


@pytest.fixture(scope="session")
def improvement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A completed improvement in which one run of the new recipe diverged."""
    folder = tmp_path_factory.mktemp("improvement")
    fabricate.make_improvement(folder, diverged_seeds=(4,))
    return folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An improvement whose every text is an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    fabricate.hostile_improvement(folder)
    return folder
