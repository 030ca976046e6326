"""Fused equals alone: the losses, evaluations and weights of each run of a stack are those of `fit`."""

from __future__ import annotations

import fused_problems as problems
import numpy as np
import pytest
import torch
from torch import nn

from trainwell.recipe import Recipe
from trainwell.train import fit
from trainwell.train.fused import fit_many

# Sums are taken in another order; 200 steps let float32 differences grow, the more the rougher the loss is.
TOLERANCE = {"rtol": 2e-3, "atol": 2e-4}
TIMED = ("examples_per_second", "loader_seconds", "memory_bytes")


def assert_equal_runs(fused, alone, **tolerance) -> None:
    tolerance = tolerance or TOLERANCE
    assert fused.status == alone.status, (fused.info.reason, alone.info.reason)
    assert fused.info.steps == alone.info.steps
    assert set(fused.steps.series) == set(alone.steps.series)
    for name, series in alone.steps.series.items():
        np.testing.assert_array_equal(fused.steps[name].step, series.step)
        if name in TIMED:
            continue
        np.testing.assert_allclose(fused.steps[name].value, series.value, **tolerance, err_msg=name)
    assert [(r.step, r.split, r.examples) for r in fused.all_evaluations] == [
        (r.step, r.split, r.examples) for r in alone.all_evaluations
    ]
    np.testing.assert_allclose(
        [r.loss for r in fused.all_evaluations], [r.loss for r in alone.all_evaluations], **tolerance
    )
    assert [set(r.extra) for r in fused.all_evaluations] == [set(r.extra) for r in alone.all_evaluations]
    assert set(fused.stored_weights()) == set(alone.stored_weights())


def assert_fused_equals_alone(problem, recipes, *, program, seeds=(0, 1), **tolerance) -> None:
    said: list[str] = []
    runs = fit_many(problem, recipes, seeds=list(seeds), size=16, listener=said.append)
    assert {note.get("program") for run in runs for note in run.notes} == {program}, said
    pairs = [(recipe, seed) for recipe in recipes for seed in seeds]
    for run, (recipe, seed) in zip(runs, pairs, strict=True):
        assert_equal_runs(run, fit(problem, recipe, seed=seed), **tolerance)


def two(**fields) -> list[Recipe]:
    """Two recipes of different rates, 200 steps."""
    base = Recipe(**{"steps": 200, "batch_size": 32, "optimizer": "adamw", **fields})
    lr = base.optimizer.lr
    return [base.with_({"optimizer.lr": lr}), base.with_({"optimizer.lr": lr / 3})]


MODELS = {
    "mlp": (problems.table, problems.mlp, "matmul"),
    "norms": (problems.table, problems.normed_mlp, "matmul"),
    "convolution and batch norm": (problems.images, problems.cnn, "folded"),
    "residual and group norm": (problems.images, problems.Residual, "vmap"),
    "lstm": (problems.tokens, problems.Recurrent, "vmap"),
    "gru": (problems.tokens, lambda: problems.Recurrent(nn.GRU, num_layers=2, bidirectional=True), "vmap"),
    "rnn": (problems.tokens, lambda: problems.Recurrent(nn.RNN), "vmap"),
    "transformer": (problems.tokens, problems.Transformer, "vmap"),
    "tied embedding": (problems.tokens, problems.Tied, "vmap"),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n == "gru")) for n in MODELS])
def test_two_hundred_steps_of_a_stack_equal_those_of_each_run_alone(name):
    make, model, program = MODELS[name]
    assert_fused_equals_alone(make(model), two(), program=program)


OPTIMIZERS = [
    {"name": "sgd", "lr": 0.1},
    {"name": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    {"name": "sgd", "lr": 0.05, "momentum": 0.8, "dampening": 0.5},
    {"name": "adam", "lr": 1e-2, "weight_decay": 1e-2},
    {"name": "adamw", "lr": 1e-2, "amsgrad": True, "weight_decay": 0.1},
    {"name": "adagrad", "lr": 1e-2, "lr_decay": 1e-3},
    {"name": "rmsprop", "lr": 1e-3, "momentum": 0.5, "centered": True},
    {"name": "adadelta", "lr": 1.0},
    {"name": "nadam", "lr": 2e-3, "weight_decay": 1e-2},
    {"name": "radam", "lr": 1e-2},
    {"name": "lion", "lr": 1e-3, "weight_decay": 0.1},
    {"name": "adafactor", "lr": 1e-2},
    {"name": "muon", "lr": 1e-2},
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o["name"])
def test_every_optimizer_updates_a_stack_as_it_updates_one_run(optimizer):
    problem = problems.table(problems.normed_mlp)
    loose = {"rtol": 2e-2, "atol": 5e-3} if optimizer["name"] in ("lion", "muon") else {}  # signs and bfloat16 jump
    assert_fused_equals_alone(problem, two(optimizer=optimizer, steps=60), program="matmul", **loose)


SETTINGS = {
    "settings of the rule": [{"optimizer.betas": (0.8, 0.99)}, {"optimizer.eps": 1e-3, "optimizer.weight_decay": 0.3}],
    "schedules": [
        {"schedule": "cosine"},
        {"schedule": {"name": "wsd", "warmup_share": 0.1}},
        {"schedule": "one-cycle"},
    ],
    "plateau": [{"schedule": {"name": "plateau", "patience": 0, "min_delta": 0.5}}, {}],
    "clipping": [{"clipping": {"name": "norm", "limit": 0.1}}, {"clipping": {"name": "value", "limit": 0.01}}, {}],
    "adaptive clipping": [{"clipping": {"name": "adaptive", "percentile": 50}}, {"clipping": "norm"}],
    "smoothing": [{"loss.label_smoothing": 0.1}, {"loss.label_smoothing": 0.3}, {}],
    "class weights": [{"loss.class_weights": "balanced"}, {"loss.class_weights": (1, 2, 3)}, {}],
    "focal loss": [{"loss.focal_gamma": 2.0, "loss.label_smoothing": 0.1}, {"loss.focal_gamma": 2.0}],
    "penalties": [{"regularization.l1": 1e-3}, {"regularization.l2": 1e-2}, {"regularization.max_norm": 0.5}],
    "noise on gradients": [{"regularization.gradient_noise": 0.01}, {}],
    "averages": [{"averaging": "ema"}, {"averaging": {"name": "ema", "decay": 0.5}}, {"averaging": "swa"}, {}],
    "accumulation": [{"accumulate": 3, "batch_size": 10}, {"accumulate": 3, "batch_size": 10, "optimizer.lr": 3e-3}],
    "lengths": [{"steps": 31}, {"steps": 60}, {"steps": 47}],
    "patience": [{"stopping.patience": 1, "optimizer.lr": 1e-6}, {"stopping.patience": 2}, {}],
    "evaluations": [{"recording.evaluations_per_epoch": 0.5}, {"recording.evaluations_per_epoch": 2}],
    "sampling": [{"sampling": "balanced"}, {"sampling": "ordered"}, {}],
    "scaled inputs": [{"inputs.scaling": "standardize"}, {"inputs.scaling": "standardize", "optimizer.lr": 3e-3}],
    "groups": [{"parameters.decay_all": True}, {"parameters.layer_lr_decay": 0.5}, {}],
    "initialisation": [{"initialization": "orthogonal"}, {"initialization": "kaiming"}],
    "last weights": [{"stopping.keep": "last"}, {}],
    "augmentation": [{"augmentation": [{"name": "noise", "std": 0.1}]}, {}],
    "mixing": [{"augmentation": ["mixup"]}, {"augmentation": [{"name": "mixup", "alpha": 1.0}, "noise"]}],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_may_differ_between_the_runs_of_a_stack(name):
    base = Recipe(steps=60, batch_size=32, optimizer={"name": "adamw", "lr": 1e-2})
    recipes = [base.with_(edits) for edits in SETTINGS[name]]
    assert_fused_equals_alone(problems.table(problems.normed_mlp), recipes, program="matmul", seeds=(3,))


@pytest.mark.parametrize("task", ["regression", "binary", "multilabel"])
def test_other_tasks_are_fused_with_their_losses(task):
    g = torch.Generator().manual_seed(0)
    X = torch.randn(150, 10, generator=g)
    width = {"regression": 1, "binary": 1, "multilabel": 3}[task]
    y = {"regression": X[:, 0], "binary": (X[:, 0] > 0).long(), "multilabel": (X[:, :3] > 0).float()}[task]
    from trainwell.problem import Problem

    model = lambda: nn.Sequential(nn.Linear(10, 8), nn.SiLU(), nn.Linear(8, width))  # noqa: E731
    problem = Problem(model, (X, y), test=None, task=task)
    scaling = {"targets.scaling": "standardize"} if task == "regression" else {}
    recipes = [recipe.with_(scaling) for recipe in two(steps=60)]
    assert_fused_equals_alone(problem, recipes, program="matmul")


@pytest.mark.parametrize("name", ["mlp", "convolution and batch norm", "residual and group norm"])
def test_runs_of_one_seed_share_their_batches(name):
    make, model, program = MODELS[name]
    assert_fused_equals_alone(make(model), two(steps=30), program=program, seeds=(5,))


def test_bfloat16_is_fused_as_it_is_alone():
    problem = problems.images(problems.cnn)
    recipes = two(steps=30, precision={"dtype": "bf16"})
    # bfloat16 has 8 bits: one rounding moves a value by 0.4 %, and sums are taken in another order
    assert_fused_equals_alone(problem, recipes, program="vmap", rtol=5e-2, atol=2e-2)


def test_weights_of_a_fused_run_load_into_the_plain_model():
    problem = problems.images(problems.cnn)
    run = fit_many(problem, two(steps=20), seeds=[0], size=2)[1]
    model = run.model()
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model(problem.val.inputs), problem.val.targets)
    assert float(loss) == pytest.approx(run.info.best.loss, rel=1e-4)
