"""The number of intra-op threads: small networks get one, a user's setting stays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from tests.train.small_problems import digits
from trainwell import Recipe, fit
from trainwell.train import threads
from trainwell.train.threads import choose_threads, threads_set


def loss(model: nn.Module) -> torch.Tensor:
    return model(torch.ones(4, 8)).sum()


@pytest.fixture
def eight(monkeypatch):
    """A machine of eight threads on which the user set nothing."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TRAINWELL_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(threads, "_DEFAULT", 8)


@pytest.mark.usefixtures("eight")
def test_a_small_network_gets_one():
    assert choose_threads(0, nn.Linear(8, 4), loss, 32, "small") == 1


@pytest.mark.usefixtures("eight")
def test_a_large_one_is_measured_once(monkeypatch):
    measured = []
    monkeypatch.setattr(threads, "_fastest", lambda model, loss, available: measured.append(available) or available)
    monkeypatch.setattr(threads, "_SMALL_WORK", 1)
    assert [choose_threads(0, nn.Linear(8, 4), loss, 32, "large") for _ in range(2)] == [8, 8]
    assert measured == [8]


@pytest.mark.usefixtures("eight")
def test_the_recipe_decides():
    assert choose_threads(3, nn.Linear(8, 4), loss, 32, "wanted") == 3


@pytest.mark.usefixtures("eight")
def test_the_users_environment_stays(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert choose_threads(0, nn.Linear(8, 4), loss, 32, "environment") == 8


def test_the_callers_setting_comes_back():
    before = torch.get_num_threads()
    with threads_set(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    fit(digits(), Recipe(epochs=1, precision={"threads": before + 1}))
    assert torch.get_num_threads() == before


def test_a_setting_in_the_program_stays():
    code = (
        "import torch\n"
        "from torch import nn\n"
        "from trainwell.train.threads import choose_threads\n"
        "torch.set_num_threads(torch.get_num_threads() + 1)\n"
        "print(choose_threads(0, nn.Linear(8, 4), None, 32, 'key') == torch.get_num_threads())\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "True"
