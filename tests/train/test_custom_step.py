"""A user's own update, k-fold runs, and exporters."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.train.small_problems import digits
from trainwell import Problem, Recipe, fit, fit_folds
from trainwell.errors import RecipeError, UsageError
from trainwell.train import Callback

RECIPE = Recipe(epochs=3, batch_size=32, optimizer={"name": "sgd", "lr": 0.1})


def plain_step(model, batch, optimizers):
    optimizers["model"].zero_grad()
    loss = F.cross_entropy(model(batch.inputs), batch.targets)
    loss.backward()
    optimizers["model"].step()
    return loss


def test_a_step_that_does_the_usual_gives_the_usual_losses():
    own = fit(digits(), RECIPE, step=plain_step)
    np.testing.assert_allclose(own.steps.loss, fit(digits(), RECIPE).steps.loss, rtol=1e-5)


class Adversaries(nn.Module):
    """A generator of points on a line and its critic; forward returns how far the generator is off."""

    def __init__(self):
        super().__init__()
        self.generator = nn.Linear(1, 1)
        self.critic = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, real):
        made = self.generator(torch.zeros(len(real), 1))
        return {"loss": (made.mean() - real.mean()).abs()}


def adversarial_step(model, batch, optimizers):
    real = batch.inputs["real"]
    made = model.generator(torch.randn(len(real), 1))
    truth, lie = torch.ones(len(real), 1), torch.zeros(len(real), 1)
    logits = F.binary_cross_entropy_with_logits
    optimizers["critic"].zero_grad()
    critic = logits(model.critic(real), truth) + logits(model.critic(made.detach()), lie)
    critic.backward()
    optimizers["critic"].step()
    optimizers["generator"].zero_grad()
    generator = logits(model.critic(made), truth)
    generator.backward()
    optimizers["generator"].step()
    return {"critic": critic, "generator": generator}


def points() -> Problem:
    values = 3 + 0.5 * np.random.default_rng(0).standard_normal((400, 1)).astype("float32")
    return Problem(Adversaries, {"real": values}, name="points")


def test_two_adversaries_train_with_an_optimizer_each_and_record_both_losses():
    recipe = Recipe(epochs=15, batch_size=32, optimizer={"name": "adam", "lr": 0.02, "betas": [0.5, 0.9]})
    run = fit(points(), recipe, step=adversarial_step, parts=("generator", "critic"))
    assert len(run.steps["loss.critic"]) == len(run.steps["loss.generator"]) == run.info.steps
    assert run.info.best.loss < 0.5


def test_a_custom_step_resumes_to_the_bit(tmp_path):
    class Kill(Callback):
        def on_step(self, training, loss):
            if training.step == 7:
                raise RuntimeError("killed")

    arguments = {"step": adversarial_step, "parts": ("generator", "critic"), "seed": 4}
    recipe = Recipe(epochs=2, optimizer="adam", checkpoints={"every_steps": 2})
    whole = fit(points(), recipe, **arguments)
    with pytest.raises(RuntimeError, match="killed"):
        fit(points(), recipe, folder=tmp_path, callbacks=[Kill()], **arguments)
    resumed = fit(points(), recipe, folder=tmp_path, resume=True, **arguments)
    np.testing.assert_array_equal(resumed.steps["loss.critic"].value, whole.steps["loss.critic"].value)


def test_parts_that_the_model_lacks_are_refused():
    with pytest.raises(RecipeError, match=r"got actor\. Known: generator, critic"):
        fit(points(), Recipe(epochs=1), step=adversarial_step, parts=("actor",))


def test_folds_leave_each_example_out_once_and_the_mean_has_an_interval(tmp_path):
    result = fit_folds(digits(), RECIPE.with_({"optimizer.lr": 0.5}), k=4, folder=tmp_path)
    left_out = sum(run.problem.examples["val"] for run in result.runs)
    assert left_out == len(digits().train) + len(digits().val)
    assert result.estimate.mean == pytest.approx(np.mean(result.values))
    plain = 3.182 * np.std(result.values, ddof=1) / 2  # t quantile of 3 degrees, n = 4
    half = (result.estimate.interval.high - result.estimate.interval.low) / 2
    assert half == pytest.approx(plain * math.sqrt((1 / 4 + 1 / 3) / (1 / 4)), rel=1e-3)
    assert (tmp_path / "fold-04" / "run.json").exists()


def test_one_fold_is_refused():
    with pytest.raises(UsageError, match="`k` must be at least 2"):
        fit_folds(digits(), RECIPE, k=1)


def test_an_exporter_that_fails_is_noted_once_and_stops_nothing():
    from trainwell.train.exporters import _Exporter

    class Broken(_Exporter):
        name = "broken tracker"

        def _send(self, training, scalars, step):
            raise ConnectionError("no server")

    run = fit(digits(), RECIPE, callbacks=[Broken()])
    assert run.status == "completed"
    assert [note["event"] for note in run.notes] == ["broken tracker failed and was left out"]


def test_tensorboard_reads_what_was_recorded(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from trainwell.train import TensorBoard

    run = fit(digits(), RECIPE, callbacks=[TensorBoard(tmp_path)])
    events = EventAccumulator(str(tmp_path)).Reload()
    read = [scalar.value for scalar in events.Scalars("val/loss")]
    np.testing.assert_allclose(read, run.evaluations().loss, rtol=1e-5)
    assert len(events.Scalars("step/loss")) == run.info.steps
