"""Simple predictors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import log_loss

from trainwell.data import Examples, baselines
from trainwell.problem.metrics import METRICS


def _splits(loader, kind):
    X, y = loader(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = torch.tensor(X[order]).float(), torch.tensor(y[order]).to(kind)
    cut = len(X) * 3 // 4
    return Examples(X[:cut], y[:cut]), Examples(X[cut:], y[cut:])


def test_classes_have_the_guess_of_a_dummy_and_a_good_linear_model():
    train, val = _splits(load_digits, torch.int64)
    found = baselines(train, val, "multiclass", 10, METRICS["accuracy"])
    dummy = DummyClassifier(strategy="prior").fit(train.inputs, train.targets)
    assert found.uninformed_loss == pytest.approx(log_loss(train.targets, dummy.predict_proba(train.inputs)))
    assert found.chance_metric == pytest.approx(dummy.score(val.inputs, val.targets))
    assert found.linear_metric > 0.92


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("metric", ["accuracy", "auroc", "log_loss"])
def test_a_binary_task_gives_the_same_with_one_logit_or_two(width, metric):
    train, val = _splits(load_breast_cancer, torch.int64)
    found = baselines(train, val, "binary", 2, METRICS[metric], width=width)
    assert found.chance_metric == pytest.approx(
        {"accuracy": float((val.targets == 1).double().mean()), "auroc": 0.5, "log_loss": found.chance_metric}[metric]
    )
    assert {"accuracy": 0.94, "auroc": 0.98, "log_loss": -0.2}[metric] < (
        -found.linear_metric if metric == "log_loss" else found.linear_metric
    )


def test_numbers_have_the_guess_of_a_dummy_and_ridge_beats_it():
    train, val = _splits(load_diabetes, torch.float32)
    found = baselines(train, val, "regression", None, METRICS["rmse"], loss="mse")
    dummy = DummyRegressor().fit(train.inputs, train.targets)
    assert found.uninformed_loss == pytest.approx(float(train.targets.var(correction=0)), rel=1e-5)
    assert found.chance_metric == pytest.approx(
        math.sqrt(np.mean((dummy.predict(val.inputs) - val.targets.numpy()) ** 2)), rel=1e-5
    )
    assert found.linear_metric < 0.85 * found.chance_metric


def test_several_labels_have_the_mean_entropy():
    targets = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]] * 30)
    examples = Examples(targets * 3 + 1, targets)
    found = baselines(examples, examples, "multilabel", 2, METRICS["f1"], loss="bce")
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert found.uninformed_loss == pytest.approx(entropy)
    assert found.linear_metric == 1


def test_tokens_have_the_perplexity_of_their_shares():
    tokens = torch.tensor([[0, 1, 1, 2]] * 10)
    examples = Examples(tokens, tokens)
    found = baselines(examples, examples, "sequence", 3, METRICS["perplexity"])
    assert found.uninformed_loss == pytest.approx(1.5 * math.log(2))
    assert found.chance_metric == pytest.approx(2**1.5, rel=1e-5)


def test_a_class_that_is_missing_in_training_costs_no_crash():
    train = Examples(torch.randn(60, 3), torch.arange(60) % 2)
    val = Examples(torch.randn(30, 3), torch.arange(30) % 3)
    assert baselines(train, val, "multiclass", 3, METRICS["log_loss"]).linear_metric > 0


def test_a_metric_that_fails_gives_none_and_a_custom_task_nothing():
    train, val = _splits(load_digits, torch.int64)

    def broken(outputs, targets):
        raise RuntimeError

    assert baselines(train, val, "multiclass", 10, broken).chance_metric is None
    assert baselines(train, val, "custom", None, broken).uninformed_loss is None
