"""`fit` against a loop written by hand, and the laws of a run."""

from __future__ import annotations

import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.train.small_problems import diabetes, digit_images, digits, exploding
from trainwell import Problem, Recipe, fit
from trainwell.data.batches import epoch_order
from trainwell.errors import ProblemError, RecipeError, UsageError
from trainwell.problem.models import mlp
from trainwell.seeding import Streams
from trainwell.train import Callback, Run

QUICK = Recipe(epochs=3, batch_size=32)


def losses_by_hand(seed: int, epochs: int, lr: float, momentum: float) -> list[float]:
    problem, streams = digits(), Streams(seed)
    with torch.random.fork_rng():
        torch.manual_seed(streams.weights)
        model = problem.build({})
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    losses = []
    for epoch in range(epochs):
        for index in epoch_order(len(problem.train), streams.order(epoch)).split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(problem.train.inputs[index]), problem.train.targets[index])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def test_losses_are_those_of_a_loop_written_by_hand():
    recipe = QUICK.with_({"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9}})
    run = fit(digits(), recipe, seed=3)
    # fused SGD rounds differently from the plain one
    np.testing.assert_allclose(run.steps.loss, losses_by_hand(3, 3, 0.1, 0.9), rtol=1e-4)


def test_a_run_is_a_function_of_problem_recipe_and_seed():
    first, second = (fit(digits(), QUICK.with_({"model.dropout": 0.3}), seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.steps.loss, second.steps.loss)
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


def test_another_seed_gives_another_run():
    assert fit(digits(), QUICK, seed=0).steps.loss[0] != fit(digits(), QUICK, seed=1).steps.loss[0]


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    fit(digits(), QUICK)
    assert torch.equal(torch.rand(3), expected)


def test_evaluations_do_not_move_the_noise_stream():
    recipe = QUICK.with_({"model.dropout": 0.5})
    often = fit(digits(), recipe.with_({"recording.evaluations_per_epoch": 5}))
    np.testing.assert_array_equal(often.steps.loss, fit(digits(), recipe).steps.loss)


def test_the_best_weights_are_kept():
    run = fit(digits(), QUICK.with_({"optimizer.lr": 0.01, "epochs": 8}))
    accuracies = run.evaluations("val").metric("accuracy")
    model, val = run.model(), digits().val
    measured = (model(val.inputs).argmax(1) == val.targets).double().mean()
    assert run.info.best.metrics["accuracy"] == accuracies.max()
    assert float(measured) == pytest.approx(accuracies.max())


def test_early_stopping_counts_evaluations_without_a_gain():
    run = fit(digits(), QUICK.with_({"epochs": 50, "optimizer.lr": 1e-7, "stopping.patience": 2}))
    assert run.status == "stopped"
    assert "patience" in run.info.reason
    assert len(run.evaluations()) < 20


def test_the_schedule_is_applied_at_every_step():
    run = fit(digits(), QUICK.with_({"schedule": "cosine", "optimizer.lr": 0.01}))
    total = run.info.planned_steps
    expected = [0.01 * 0.5 * (1 + math.cos(math.pi * t / total)) for t in range(total)]
    np.testing.assert_allclose(run.steps.lr, expected, rtol=1e-9)


def test_accumulating_two_batches_is_one_batch_of_twice_the_size():
    sgd = QUICK.with_({"optimizer": {"name": "sgd", "lr": 0.1}})
    whole = fit(digits(), sgd.with_({"batch_size": 64}))
    halves = fit(digits(), sgd.with_({"batch_size": 32, "accumulate": 2}))
    assert halves.info.steps == whole.info.steps
    np.testing.assert_allclose(halves.steps.loss, whole.steps.loss, rtol=1e-3)


def test_a_run_loads_back_from_its_folder(tmp_path):
    run = fit(digits(), QUICK, folder=tmp_path / "run")
    loaded = Run.load(tmp_path / "run", digits())
    np.testing.assert_array_equal(loaded.steps.loss, run.steps.loss)
    assert loaded.all_evaluations == run.all_evaluations
    assert loaded.findings == run.findings
    assert loaded.info == run.info
    assert torch.equal(loaded.model()(digits().val.inputs), run.model()(digits().val.inputs))


def test_scaled_inputs_and_targets_are_part_of_the_exported_model():
    recipe = QUICK.with_({"inputs.scaling": "standardize", "targets.scaling": "standardize", "epochs": 20})
    run = fit(diabetes(), recipe)
    val = diabetes().val
    rmse = float(((run.model()(val.inputs).squeeze(1) - val.targets) ** 2).mean().sqrt().detach())
    assert rmse == pytest.approx(run.info.best.metrics["rmse"], rel=1e-4)
    assert rmse < float(val.targets.std())


def test_divergence_is_a_recorded_result():
    run = fit(exploding(), QUICK)
    assert run.status == "diverged"
    assert "step 4" in run.info.reason
    assert run.info.best is not None


@pytest.mark.parametrize("policy", ["skip", "rollback"])
def test_a_non_finite_update_can_be_left_out(policy):
    run = fit(exploding(), QUICK.with_({"stopping.on_nonfinite": policy}))
    assert run.status == "completed"
    assert [note["step"] for note in run.notes] == [4]
    assert all(torch.isfinite(value).all() for value in run.weights.values())


def test_a_batch_larger_than_the_data_is_refused_before_training():
    with pytest.raises(RecipeError, match=r"`batch_size` must be at most the 320 training examples, got 4000"):
        fit(digits(), Recipe(batch_size=4000))


def test_callbacks_see_the_moments_and_can_stop():
    class Stop(Callback):
        def __init__(self):
            self.seen = []

        def on_start(self, training):
            self.seen.append("start")

        def on_step(self, training, loss):
            if training.step == 7:
                training.stop("seen enough")

        def on_end(self, training, run):
            self.seen.append(run.status)

    callback = Stop()
    run = fit(digits(), QUICK, callbacks=[callback])
    assert run.info.steps == 7
    assert run.info.reason == "seen enough"
    assert callback.seen == ["start", "stopped"]


def test_an_interrupt_keeps_what_was_recorded(tmp_path):
    class Interrupt(Callback):
        def on_step(self, training, loss):
            if training.step == 12:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(digits(), QUICK, folder=tmp_path, callbacks=[Interrupt()])
    loaded = Run.load(tmp_path, digits())
    assert loaded.status == "interrupted"
    assert len(loaded.steps.loss) == 12
    assert loaded.model() is not None


PARTS = {
    "ema": {"averaging": {"name": "ema", "decay": 0.9}},
    "swa": {"averaging": {"name": "swa", "start": 0.3}},
    "sam": {"regularization.sam_rho": 0.05},
    "penalties": {"regularization.l1": 1e-5, "regularization.l2": 1e-4},
    "max norm": {"regularization.max_norm": 1.0},
    "gradient noise": {"regularization.gradient_noise": 1e-4},
    "clip norm": {"clipping": "norm"},
    "clip value": {"clipping": "value"},
    "adaptive clipping": {"clipping": "adaptive"},
    "label smoothing": {"loss.label_smoothing": 0.1},
    "focal": {"loss.focal_gamma": 2.0},
    "class weights": {"loss.class_weights": "balanced"},
    "balanced sampling": {"sampling": "balanced"},
    "bf16": {"precision.dtype": "bf16"},
    "lsuv": {"initialization": "lsuv"},
    "plateau": {"schedule": {"name": "plateau", "patience": 0}},
    "lbfgs": {"optimizer": {"name": "lbfgs", "lr": 0.5, "max_iter": 5}, "batch_size": 320},
    "muon": {"optimizer": "muon", "model.depth": 2},
    "mixup": {"augmentation": ["mixup"]},
    "noise": {"augmentation": [{"name": "noise", "std": 0.05}]},
}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_a_recipe_learns(part):
    run = fit(digits(), Recipe(epochs=12, batch_size=32, optimizer={"name": "adamw", "lr": 0.01}).with_(PARTS[part]))
    assert run.status == "completed"
    assert run.info.best.metrics["accuracy"] > 0.7


@pytest.mark.parametrize("augmentation", ["crop", "flip", "rotate", "erase", "cutmix", "mixup"])
def test_image_augmentations_train(augmentation):
    run = fit(digit_images(), Recipe(epochs=2, augmentation=[augmentation]))
    assert np.isfinite(run.steps.loss).all()


@pytest.mark.parametrize(
    ("problem", "recipe", "callbacks", "message"),
    [
        ("digits", None, (), "`problem` must be a Problem, got str.*load_problem"),
        (digits, {"epochs": 1}, (), "`recipe` must be a Recipe, got dict"),
        (digits, QUICK, (print,), "`callbacks` must be instances of Callback, got <built-in"),
    ],
)
def test_arguments_of_the_wrong_kind_are_named(problem, recipe, callbacks, message):
    with pytest.raises(UsageError, match=message):
        fit(problem() if callable(problem) else problem, recipe, callbacks=callbacks)


def test_a_model_without_parameters_is_refused_as_such():
    problem = Problem(torch.nn.Flatten, (np.eye(3, dtype="float32").repeat(9, 0), np.arange(3).repeat(9)))
    with pytest.raises(ProblemError, match="`model` must have parameters to train, got none"):
        fit(problem, Recipe(batch_size=8))


def test_a_run_is_shown_in_one_line():
    assert re.fullmatch(r"Run\(digits, seed 0: completed, best val accuracy 0\.\d+\)", repr(fit(digits(), QUICK)))


def test_a_last_batch_of_one_example_is_refused_before_batch_norm_meets_it():
    images = digit_images()
    X, y = images.train.inputs[:33].flatten(1), images.train.targets[:33]
    whole = (X[torch.arange(41) % 33], y[torch.arange(41) % 33])
    problem = Problem(partial(mlp, 64, 10, norm="batch"), whole, val=(X, y), test=None)
    with pytest.raises(RecipeError, match=r"no batch of 1 example for batch norm, got 8 with 41 .*drop_last = true"):
        fit(problem, Recipe(epochs=1, batch_size=8))
    assert fit(problem, Recipe(epochs=1, batch_size=8, sampling={"drop_last": True})).status == "completed"


def test_each_evaluation_has_the_confusion_matrix_and_the_recall_of_each_class():
    run = fit(digits(), QUICK)
    row = run.evaluations("val")[-1]
    table = np.array(row.extra["confusion"])
    assert table.sum() == row.examples
    assert np.trace(table) / table.sum() == pytest.approx(row.metrics["accuracy"])
    np.testing.assert_allclose(row.extra["recall"], np.diag(table) / table.sum(1))


def test_throughput_waiting_and_memory_are_recorded_each_epoch():
    run = fit(digits(), QUICK)
    for name in ("examples_per_second", "loader_seconds", "memory_bytes"):
        assert len(run.steps[name]) == 3
    assert (run.steps["examples_per_second"].value > 0).all()
    assert run.steps["memory_bytes"].value.min() > 1e7


def test_the_last_weights_of_an_averaged_run_are_the_average():
    recipe = Recipe(epochs=2, batch_size=32, averaging={"name": "ema", "decay": 0.9}, stopping={"keep": "last"})
    run = fit(digits(), recipe)
    with torch.no_grad():
        scores = run.model()(digits().val.inputs)
    loss = torch.nn.functional.cross_entropy(scores, digits().val.targets)
    assert float(loss) == pytest.approx(run.evaluations("val").loss[-1], rel=1e-6)


def test_the_training_split_is_evaluated_unless_the_recipe_says_no(tmp_path):
    problem = digits()
    for wanted in (True, False):
        run = fit(problem, Recipe(epochs=2, recording={"train": wanted}), folder=tmp_path / str(wanted))
        assert bool(len(run.evaluations("train"))) == wanted
        assert len(run.evaluations("val")) == 3


def test_a_run_without_findings_is_not_diagnosed_and_says_so(tmp_path, capsys):
    from trainwell.cli import _run

    settings = ["--set", "steps=3", "--set", "recording.findings=false"]
    assert _run(["fit", "digits", *settings, "--out", str(tmp_path / "run")]) == 0
    assert "not diagnosed" in capsys.readouterr().out
    assert not (tmp_path / "run" / "findings.json").exists()
