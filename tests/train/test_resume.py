"""A killed run continues and ends with the weights and records of the uninterrupted one, to the bit."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from tests.train.small_problems import digit_images, digits
from trainwell import Recipe, fit
from trainwell.errors import ResumeError, UsageError
from trainwell.train import Callback

FULL = Recipe(
    epochs=6,
    batch_size=32,
    accumulate=2,
    optimizer={"name": "adamw", "lr": 0.01},
    schedule={"name": "cosine", "warmup_steps": 3},
    averaging={"name": "ema", "decay": 0.95},
    clipping={"name": "adaptive"},
    augmentation=["noise", "mixup"],
    stopping={"patience": 4},
    regularization={"gradient_noise": 1e-5},
    checkpoints={"every_steps": 3, "every_seconds": None},
    model={"dropout": 0.3},
)


class Killed(Exception):
    pass


class KillAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, training, loss):
        if training.step == self.step:
            raise Killed


def assert_same(resumed, whole):
    np.testing.assert_array_equal(resumed.steps.loss, whole.steps.loss)
    np.testing.assert_array_equal(resumed.steps["gradient_norm"].value, whole.steps["gradient_norm"].value)
    np.testing.assert_array_equal(resumed.evaluations().loss, whole.evaluations().loss)
    assert resumed.info.best == whole.info.best
    assert resumed.status == whole.status
    assert all(torch.equal(resumed.weights[name], whole.weights[name]) for name in whole.weights)


def killed_and_resumed(problem, recipe, folder, step):
    with pytest.raises(Killed):
        fit(problem, recipe, seed=1, folder=folder, callbacks=[KillAt(step)])
    return fit(problem, recipe, seed=1, folder=folder, resume=True)


@pytest.mark.parametrize("step", [1, 4, 11, 17])
def test_everything_at_once_resumes_to_the_bit(tmp_path, step):
    whole = fit(digits(), FULL, seed=1)
    assert_same(killed_and_resumed(digits(), FULL, tmp_path, step), whole)


@pytest.mark.parametrize(
    "optimizer",
    ["sgd-momentum", "adam", "nadam", "radam", "adagrad", "rmsprop", "adafactor", "lion", "muon", "adadelta"],
)
def test_every_optimizer_resumes_to_the_bit(tmp_path, optimizer):
    recipe = FULL.with_({"optimizer": optimizer, "epochs": 2, "model.depth": 2})
    whole = fit(digits(), recipe, seed=1)
    assert_same(killed_and_resumed(digits(), recipe, tmp_path, random.Random(optimizer).randrange(3, 9)), whole)


@pytest.mark.parametrize(
    "part",
    [
        {"schedule": {"name": "plateau", "patience": 0}},
        {"averaging": {"name": "swa", "start": 0.2}},
        {"sampling": "balanced"},
        {
            "optimizer": {"name": "lbfgs", "max_iter": 3, "lr": 0.3},
            "accumulate": 1,
            "regularization.gradient_noise": 0.0,
        },
        {"precision.dtype": "bf16"},
    ],
)
def test_every_kind_of_state_resumes_to_the_bit(tmp_path, part):
    recipe = FULL.with_({"epochs": 3, **part})
    whole = fit(digits(), recipe, seed=1)
    assert_same(killed_and_resumed(digits(), recipe, tmp_path, 7), whole)


def test_image_augmentation_and_batch_norm_resume_to_the_bit(tmp_path):
    recipe = FULL.with_({"augmentation": ["crop", "rotate", "cutmix"], "model": {"norm": "batch", "dropout": 0.2}})
    whole = fit(digit_images(), recipe, seed=1)
    assert_same(killed_and_resumed(digit_images(), recipe, tmp_path, 5), whole)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path):
    with pytest.raises(Killed):
        fit(digits(), FULL, seed=1, folder=tmp_path, callbacks=[KillAt(11)])
    newest = sorted((tmp_path / "checkpoints").glob("*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:-10] + b"0123456789")
    assert_same(fit(digits(), FULL, seed=1, folder=tmp_path, resume=True), fit(digits(), FULL, seed=1))


def test_damage_in_all_checkpoints_is_an_error_and_nothing_is_lost(tmp_path):
    with pytest.raises(Killed):
        fit(digits(), FULL, seed=1, folder=tmp_path, callbacks=[KillAt(11)])
    for path in (tmp_path / "checkpoints").glob("*.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(ResumeError, match="must be whole"):
        fit(digits(), FULL, seed=1, folder=tmp_path, resume=True)
    assert (tmp_path / "steps.jsonl").stat().st_size > 0


@pytest.mark.parametrize(
    ("problem", "recipe", "seed", "said"),
    [
        (digits, FULL.with_({"optimizer.lr": 0.02}), 1, r"optimizer.lr: 0.01 -> 0.02"),
        (digits, FULL, 2, r"seed: 1 -> 2"),
        (lambda: digits(300), FULL, 1, r"data: digits"),
    ],
)
def test_a_resume_with_something_else_is_refused_with_the_difference(tmp_path, problem, recipe, seed, said):
    with pytest.raises(Killed):
        fit(digits(), FULL, seed=1, folder=tmp_path, callbacks=[KillAt(5)])
    with pytest.raises(ResumeError, match=said):
        fit(problem(), recipe, seed=seed, folder=tmp_path, resume=True)


def test_a_run_that_has_ended_is_returned_as_it_is(tmp_path):
    first = fit(digits(), FULL, seed=1, folder=tmp_path)
    again = fit(digits(), FULL, seed=1, folder=tmp_path, resume=True)
    assert again.info == first.info


def test_a_full_disk_is_noted_and_the_training_goes_on(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainwell.train.checkpoint.write_atomically", full)
    with pytest.warns(UserWarning, match="could not be saved"):
        run = fit(digits(), FULL.with_({"epochs": 1}), seed=1, folder=tmp_path)
    assert run.status == "completed"
    assert any(note["event"] == "checkpoint failed" for note in run.notes)


def test_a_folder_with_a_run_is_not_written_over(tmp_path):
    fit(digits(), FULL.with_({"epochs": 1}), folder=tmp_path)
    with pytest.raises(UsageError, match="must not hold another run"):
        fit(digits(), FULL, folder=tmp_path)
