"""The compiled step: the same run, faster; where it cannot or does not pay, the eager one, with the reason noted."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from torch import nn

from tests.train.small_problems import digit_images, digits
from tests.train.test_resume import assert_same, killed_and_resumed
from trainwell import Problem, Recipe, fit
from trainwell.data import Examples
from trainwell.train import Run
from trainwell.train.compiled.obstacles import obstacle

BASE = Recipe(epochs=3, batch_size=32, optimizer={"name": "adamw", "lr": 0.003}, precision={"compile": "step"})
compiles = [pytest.mark.slow, pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")]


def notes(run: Run) -> list[str]:
    return [str(note["event"]) + ": " + str(note.get("reason", "")) for note in run.notes]


def same_as_eager(problem: Problem, recipe: Recipe) -> None:
    compiled = fit(problem, recipe, seed=1)
    assert notes(compiled)[0].startswith("the step is compiled")
    eager = fit(problem, recipe.with_({"precision.compile": "off"}), seed=1)
    np.testing.assert_allclose(compiled.steps.loss, eager.steps.loss, rtol=1e-3, atol=1e-4)
    for series in ("gradient_norm", "update_ratio"):
        theirs = eager.steps[series]
        np.testing.assert_array_equal(compiled.steps[series].step, theirs.step)
        np.testing.assert_allclose(compiled.steps[series].value, theirs.value, rtol=2e-2)
    assert compiled.evaluations("val").loss[-1] == pytest.approx(eager.evaluations("val").loss[-1], rel=1e-2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"accumulate": 2}, "accumulate is above 1"),
        ({"regularization.sam_rho": 0.05}, "two backward passes"),
        ({"clipping.name": "adaptive"}, "adaptive clipping"),
        ({"stopping.on_nonfinite": "skip"}, "on_nonfinite"),
        ({"optimizer": {"name": "lbfgs"}}, "lbfgs has no update rule"),
        ({"regularization.gradient_noise": 1e-3}, "random stream of its own"),
    ],
)
def test_what_cannot_be_compiled_runs_as_it_is(change, reason):
    recipe = BASE.with_({**change, "epochs": 1})
    assert reason in obstacle(recipe, torch.device("cpu"))
    run = fit(digits(), recipe)
    assert any(reason in note for note in notes(run))
    assert run.status == "completed"


def test_a_short_run_is_not_worth_compiling():
    run = fit(digits(), BASE.with_({"precision.compile": "auto"}))
    assert any("compiling takes up to" in note for note in notes(run))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, marks=compiles)
        for change in (
            {},
            {"optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True}},
            {"optimizer": {"name": "rmsprop", "lr": 0.001}},
            {"clipping": {"name": "norm", "limit": 0.5}, "regularization": {"l1": 1e-4, "l2": 1e-4}},
            {"model": {"norm": "batch", "dropout": 0.3}, "schedule": {"name": "cosine", "warmup_steps": 3}},
            {"averaging": {"name": "ema", "decay": 0.9}, "augmentation": ["noise"]},
        )
    ],
)
def test_the_compiled_step_gives_the_same_run(change):
    same_as_eager(digits(), BASE.with_(change))


@pytest.mark.slow
def test_a_convolutional_network_gives_the_same_run():
    same_as_eager(digit_images(), BASE)


@pytest.mark.slow
def test_a_compiled_run_resumes_to_the_bit(tmp_path):
    recipe = BASE.with_({"model.dropout": 0.3, "checkpoints": {"every_steps": 3, "every_seconds": None}})
    whole = fit(digits(), recipe, seed=1)
    assert_same(killed_and_resumed(digits(), recipe, tmp_path, 13), whole)


class Branching(nn.Module):
    """Its path depends on the values, which a trace does not follow."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.layer(x)
        return z if float(z.detach().sum()) > 0 else 2 * z


def test_a_model_whose_path_depends_on_values_runs_as_it_is():
    train = digits().train
    assert isinstance(train, Examples)
    problem = Problem(Branching, (train.inputs, train.targets), name="branching")
    run = fit(problem, BASE.with_({"epochs": 1}))
    assert any(note.startswith("the step is not compiled") for note in notes(run))
    eager = fit(problem, BASE.with_({"epochs": 1, "precision.compile": "off"}))
    np.testing.assert_array_equal(run.steps.loss, eager.steps.loss)


@pytest.mark.slow
def test_a_compiled_model_gives_the_same_run():
    recipe = BASE.with_({"precision.compile": "model"})
    run = fit(digits(), recipe)
    assert notes(run)[0].startswith("the model is compiled")
    eager = fit(digits(), recipe.with_({"precision.compile": "off"}))
    np.testing.assert_allclose(run.steps.loss, eager.steps.loss, rtol=1e-4, atol=1e-5)
