"""A training killed with SIGKILL at 30 random moments ends as the one that was left in peace, to the bit.

The training is forked from a process that has imported torch, killed after a random time, and resumed in a new
fork, until one ends; then its folder is compared with that of an undisturbed run.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.small_problems import digits
from trainwell import Recipe, fit
from trainwell.train import Run

pytestmark = pytest.mark.slow

RECIPE = Recipe(
    epochs=25,
    batch_size=16,
    accumulate=2,
    optimizer={"name": "adamw", "lr": 0.01},
    schedule={"name": "cosine", "warmup_steps": 3},
    averaging={"name": "ema", "decay": 0.95},
    clipping="adaptive",
    augmentation=["noise", "mixup"],
    checkpoints={"every_steps": 5},
    model={"dropout": 0.3},
)


def train_in_a_child(folder: Path, seconds: float) -> bool:
    """Fork, train, kill after some seconds; returns whether it ended by itself."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            fit(digits(), RECIPE, seed=7, folder=folder, resume=True)
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0
            return True
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.mark.parametrize("round_", range(3))
def test_thirty_kills_change_no_bit(tmp_path, round_):
    torch.set_num_threads(1)
    whole = fit(digits(), RECIPE, seed=7, folder=tmp_path / "whole")
    length = max(0.5, whole.info.seconds)
    draw = random.Random(round_)
    kills = 0
    while not train_in_a_child(tmp_path / "killed", draw.uniform(0.02, 0.35 * length) if kills < 10 else 60):
        kills += 1
    resumed = Run.load(tmp_path / "killed", digits())
    assert kills >= 5
    assert resumed.status == whole.status == "completed"
    np.testing.assert_array_equal(resumed.steps.loss, whole.steps.loss)
    np.testing.assert_array_equal(resumed.steps["gradient_norm"].value, whole.steps["gradient_norm"].value)
    assert [row.loss for row in resumed.all_evaluations] == [row.loss for row in whole.all_evaluations]
    assert (tmp_path / "killed" / "weights.safetensors").read_bytes() == (
        tmp_path / "whole" / "weights.safetensors"
    ).read_bytes()
