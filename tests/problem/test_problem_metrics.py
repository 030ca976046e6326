"""Metrics against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from trainwell.problem.metrics import IGNORED, METRICS, confusion, recalls

GENERATOR = torch.Generator().manual_seed(0)
N, K = 300, 6
Z = torch.randn(N, K, generator=GENERATOR, dtype=torch.float64)
Y = torch.randint(K, (N,), generator=GENERATOR)
P = Z.softmax(1).numpy()
GUESS = Z.argmax(1).numpy()
LOGIT = torch.randn(N, generator=GENERATOR, dtype=torch.float64)
BITS = (LOGIT + torch.randn(N, generator=GENERATOR) > 0).long()
CHANCE = LOGIT.sigmoid().numpy()
ONES = (LOGIT > 0).long().numpy()
L = (torch.randn(N, 4, generator=GENERATOR) > 0.3).float()
M = torch.randn(N, 4, generator=GENERATOR)
T = torch.randn(N, 2, generator=GENERATOR, dtype=torch.float64)
G = T + 0.3 * torch.randn(N, 2, generator=GENERATOR)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", sk.accuracy_score(Y, GUESS)),
        ("balanced_accuracy", sk.balanced_accuracy_score(Y, GUESS)),
        ("f1", sk.f1_score(Y, GUESS, average="macro")),
        ("auroc", sk.roc_auc_score(Y, P, multi_class="ovr")),
        ("top5", sk.top_k_accuracy_score(Y, P, k=5)),
        ("log_loss", sk.log_loss(Y, P)),
    ],
)
def test_metrics_of_classes(name, expected):
    # the multi-class AUC ranks by log-probabilities, as scikit-learn does by probabilities: the same order
    assert METRICS[name](Z, Y) == pytest.approx(expected)


@pytest.mark.parametrize(
    "outputs", [LOGIT, LOGIT[:, None], torch.stack([-LOGIT / 2, LOGIT / 2], 1)], ids=["N", "N1", "N2"]
)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", sk.accuracy_score(BITS, ONES)),
        ("balanced_accuracy", sk.balanced_accuracy_score(BITS, ONES)),
        ("f1", sk.f1_score(BITS, ONES)),
        ("auroc", sk.roc_auc_score(BITS, CHANCE)),
        ("log_loss", sk.log_loss(BITS, CHANCE)),
    ],
)
def test_metrics_of_a_binary_task_with_one_logit_or_two(outputs, name, expected):
    assert METRICS[name](outputs, BITS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", ((M > 0) == (L > 0)).double().mean().item()),
        ("f1", sk.f1_score(L, M > 0, average="macro")),
        ("auroc", sk.roc_auc_score(L, M, average="macro")),
        ("log_loss", np.mean([sk.log_loss(L[:, i], M[:, i].sigmoid()) for i in range(4)])),
    ],
)
def test_metrics_of_several_labels(name, expected):
    assert METRICS[name](M, L) == pytest.approx(expected, rel=1e-5)  # scikit-learn gets float32 probabilities


@pytest.mark.parametrize(
    ("name", "function"),
    [("mae", sk.mean_absolute_error), ("rmse", sk.root_mean_squared_error), ("r2", sk.r2_score)],
)
def test_metrics_of_numbers(name, function):
    assert METRICS[name](G[:, :1], T[:, 0]) == pytest.approx(function(T[:, 0], G[:, 0]))
    if name != "rmse":  # scikit-learn averages the roots of several targets, we root the average
        assert METRICS[name](G, T) == pytest.approx(function(T, G))


def test_perplexity_leaves_out_ignored_tokens():
    scores = torch.zeros(2, 3, 8)
    tokens = torch.tensor([[0, 1, IGNORED], [7, IGNORED, IGNORED]])
    assert METRICS["perplexity"](scores, tokens) == pytest.approx(8)
    assert METRICS["perplexity"](scores * 0 - 1e9 * torch.eye(8)[0], tokens) == math.inf


def test_confusion_and_recall_by_class():
    assert np.array_equal(confusion(Z, Y), sk.confusion_matrix(Y, GUESS))
    assert recalls(Z, Y) == pytest.approx(sk.recall_score(Y, GUESS, average=None))
    assert np.isnan(recalls(Z[:, :], Y.clamp(max=3))[5])


def test_undefined_metrics_are_nan_and_not_errors():
    assert math.isnan(METRICS["auroc"](LOGIT, torch.zeros(N, dtype=torch.int64)))
    assert math.isnan(METRICS["r2"](torch.zeros(3), torch.ones(3)))


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_says_which_way_is_better(name):
    metric = METRICS[name]
    assert metric.name == name
    assert metric.direction == ("min" if name in ("mae", "rmse", "log_loss", "perplexity") else "max")
    assert metric.tasks
