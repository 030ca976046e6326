"""How inputs and labels hang together: a feature that gives the label away, nearest neighbours, order of the labels."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
_FEW = 50
_LIMIT = -4.7534  # normal quantile of 1e-6
_WIDEST = 4096
_CELLS = 2_000_000
_NEIGHBOURS = 2000


def most_telling_feature(inputs: Tensor, targets: Tensor) -> tuple[int, float] | None:
    """The single feature that tells most about the targets, and how much: 1.0 gives them away.

    Binary: the AUC, or 1 minus it. More classes: the balanced accuracy of a tree with one leaf a class on this feature
    alone. Numbers: the absolute rank correlation. None for under 50 examples or more than 4,096 features.

    Args:
        inputs: Features, (N, ...) flattened here.
        targets: int64 classes (N,) or float32 numbers (N,).
    """
    from scipy.stats import rankdata

    rows = inputs.flatten(1)
    count, width = rows.shape
    if count < _FEW or width > _WIDEST or targets.ndim != 1:
        return None
    few = min(count, max(_FEW, _CELLS // width), 2000)
    index = torch.linspace(0, count - 1, few).long()
    X, y = rows[index].double().numpy(), targets[index].numpy()
    ranks = rankdata(X, axis=0)
    if targets.is_floating_point():
        told = np.abs(_correlation(ranks, rankdata(y)))
        best = int(np.argmax(told))
        full = _correlation(rankdata(rows[:, best].numpy())[:, None], rankdata(targets.numpy()))
        return best, float(np.abs(full[0]))
    classes = np.unique(y)
    if len(classes) < 2:
        return None
    if len(classes) == 2:
        best = int(np.argmax(np.abs(_areas(ranks, y == classes[1]) - 0.5)))
        area = _areas(rankdata(rows[:, [best]].numpy(), axis=0), targets.numpy() == classes[1])[0]
        return best, float(max(area, 1 - area))
    likely = np.argsort(-_between(ranks, y, classes), kind="stable")[:3]
    scores = {int(j): _tree_accuracy(rows[:, j].numpy(), targets.numpy()) for j in likely}
    best = max(scores, key=lambda j: scores[j])
    return best, scores[best]


def nearest_neighbour_agreement(inputs: Tensor, labels: Tensor, *, standardize: bool) -> float | None:
    """Share of examples (at most 2,000, spread evenly) whose nearest other one has the same label; None for under 50.

    Args:
        inputs: (N, ...) floats.
        labels: Classes, (N,) int64.
        standardize: Whether to scale each feature first, as tables need.
    """
    if len(inputs) < _FEW or labels.ndim != 1 or labels.is_floating_point():
        return None
    index = torch.linspace(0, len(inputs) - 1, min(len(inputs), _NEIGHBOURS)).long()
    rows, answers = inputs[index].flatten(1), labels[index]
    if standardize:
        deviation = rows.std(0, correction=0)
        rows = (rows - rows.mean(0)) / torch.where(deviation > 0, deviation, 1.0)
    distances = torch.cdist(rows, rows)
    distances.fill_diagonal_(math.inf)
    return float((answers[distances.argmin(1)] == answers).double().mean())


def runs_in_blocks(labels: NDArray[Any]) -> bool:
    r"""Whether labels stand in blocks: far fewer runs than mixing would give (one-sided probability below 1e-6).

    $$ E = n + 1 - \sum n_k^2/n, \quad V = \frac{\sum n_k^2(\sum n_k^2 + n(n+1)) - 2n\sum n_k^3 - n^3}{n^2(n-1)} $$

    Source:
        Barton & David 1957, Multiple runs.
    """
    n = len(labels)
    _, inverse = np.unique(labels, return_inverse=True)
    counts = np.bincount(inverse).astype(np.float64)
    if n < _FEW or len(counts) < 2:
        return False
    square, cube = float((counts**2).sum()), float((counts**3).sum())
    expected = n + 1 - square / n
    variance = (square * (square + n * (n + 1)) - 2 * n * cube - float(n) ** 3) / (float(n) ** 2 * (n - 1))
    runs = 1 + int((inverse[1:] != inverse[:-1]).sum())
    return variance > 0 and (runs - expected) / math.sqrt(variance) < _LIMIT


def _correlation(columns: Floats, values: Floats) -> Floats:
    away, other = columns - columns.mean(0), values - values.mean()
    norms = np.sqrt((away**2).sum(0) * (other**2).sum())
    found: Floats = np.divide(away.T @ other, norms, out=np.zeros(columns.shape[1]), where=norms > 0)
    return found


def _areas(ranks: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Area under the ROC curve of each column by the Mann-Whitney statistic."""
    p, n = int(positive.sum()), int((~positive).sum())
    areas: Floats = (ranks[positive].sum(0) - p * (p + 1) / 2) / max(1, p * n)
    return areas


def _between(ranks: Floats, labels: NDArray[Any], classes: NDArray[Any]) -> Floats:
    """Share of the variance of ranks that lies between classes (as in Kruskal-Wallis)."""
    mean = ranks.mean(0)
    between: Floats = np.zeros(ranks.shape[1])
    for value in classes:
        rows = ranks[labels == value]
        between += len(rows) * (rows.mean(0) - mean) ** 2
    total = ((ranks - mean) ** 2).sum(0)
    share: Floats = np.divide(between, total, out=np.zeros_like(between), where=total > 0)
    return share


def _tree_accuracy(feature: NDArray[Any], labels: NDArray[Any]) -> float:
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=len(np.unique(labels)), class_weight="balanced", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = tree.fit(feature[:, None], labels).predict(feature[:, None])
    return float(balanced_accuracy_score(labels, predicted))
