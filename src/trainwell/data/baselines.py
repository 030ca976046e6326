"""What simple predictors reach: the best constant guess, and a linear model, in bounded time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainwell.data.batches import random_state_kept
from trainwell.data.examples import Examples
from trainwell.data.streamed import Source, Streamed, sample
from trainwell.records import Baselines, Task

_TRAIN_EXAMPLES = 5000
_VAL_EXAMPLES = 10_000
_CELLS = 2_000_000
_SEQUENCES = 500
_LABELS = 20
_IGNORED = -100


def baselines(
    train: Source,
    val: Source,
    task: Task,
    classes: int | None,
    metric: Callable[[Tensor, Tensor], float],
    *,
    loss: str = "cross-entropy",
    width: int | None = None,
) -> Baselines:
    """Measure the uninformed loss, the input-blind metric and a linear model's metric on the validation split.

    The linear model (logistic or ridge regression of scikit-learn on standardised, flattened inputs) sees at most
    5,000 training examples. What cannot be measured is None.

    Args:
        train: Training split.
        val: Validation split.
        task: Says what targets mean.
        classes: Number of classes, labels or tokens.
        metric: From outputs, as the model would return them, and targets to a number.
        loss: Name of the loss, for the uninformed loss.
        width: Columns of a binary model's output; 1 for one logit.
    """
    with random_state_kept():
        few = 1000 if isinstance(train, Streamed) else _TRAIN_EXAMPLES
        shown = sample(train, few)
        asked = sample(val, few if isinstance(val, Streamed) else _SEQUENCES if task == "sequence" else _VAL_EXAMPLES)
    known = train.targets if isinstance(train, Examples) else train.labels()
    targets = shown.targets if known is None else known
    if task == "custom" or targets is None or asked.targets is None:
        return Baselines()
    guess = _constant(targets, task, classes)
    return Baselines(
        uninformed_loss=_uninformed_loss(targets, guess, task, loss),
        chance_metric=_measured(metric, _repeated(guess, asked.targets, task, width), asked.targets),
        linear_metric=_linear_metric(shown, asked, task, classes, metric, width),
    )


def _constant(targets: Tensor, task: Task, classes: int | None) -> Tensor:
    """The best constant output: log-shares of the classes, logits of the labels, means of the numbers."""
    if task == "regression":
        return targets.double().mean(0)
    if task == "multilabel":
        return torch.logit(targets.double().mean(0), eps=1e-6)
    counts = torch.bincount(targets[targets != _IGNORED].flatten(), minlength=classes or 0).double()
    return (counts / counts.sum()).clamp(min=1e-12).log()


def _uninformed_loss(targets: Tensor, guess: Tensor, task: Task, loss: str) -> float | None:
    if task == "regression":
        values = targets.double()
        if loss == "mae":
            return float(
                (values - values.median(0).values if values.ndim > 1 else values - values.median()).abs().mean()
            )
        return float(values.var(0, correction=0).mean()) if loss == "mse" else None
    if task == "multilabel":
        share = guess.sigmoid()
        entropy = -(share * share.clamp(min=1e-12).log() + (1 - share) * (1 - share).clamp(min=1e-12).log())
        return float(entropy.mean()) if loss == "bce" else None
    return float(-(guess.exp() * guess).sum()) if loss in ("cross-entropy", "nll", "bce") else None


def _repeated(guess: Tensor, targets: Tensor, task: Task, width: int | None) -> Tensor:
    if task == "binary" and width == 1:
        guess = (guess[1] - guess[0]).reshape(1)
    if task == "regression" and targets.ndim == 1:
        return guess.float().expand(len(targets))
    shape = (*targets.shape, len(guess)) if task == "sequence" else (len(targets), *guess.shape)
    return guess.float().expand(shape)


def _measured(metric: Callable[[Tensor, Tensor], float], outputs: Tensor, targets: Tensor) -> float | None:
    """A metric, or None where a person's own function does not take what we can offer."""
    try:
        value = metric(outputs, targets)
    except Exception:
        return None
    return value if np.isfinite(value) else None


def _linear_metric(
    shown: Examples,
    asked: Examples,
    task: Task,
    classes: int | None,
    metric: Callable[[Tensor, Tensor], float],
    width: int | None,
) -> float | None:
    inputs, others = shown.inputs, asked.inputs
    if task == "sequence" or not (isinstance(inputs, Tensor) and isinstance(others, Tensor)):
        return None
    if not inputs.is_floating_point() or inputs[0].numel() > 10_000 or shown.targets is None or asked.targets is None:
        return None
    few = max(100, _CELLS // max(1, inputs[0].numel()))
    shown = sample(shown, few)
    X, V = (np.asarray(part.flatten(1), np.float64) for part in (shown.inputs, others) if isinstance(part, Tensor))
    if not (np.isfinite(X).all() and np.isfinite(V).all()) or shown.targets is None:
        return None
    mean, deviation = X.mean(0), X.std(0)
    deviation[deviation <= 1e-7 * np.abs(mean)] = 1.0
    deviation[deviation == 0] = 1.0
    X, V = (X - mean) / deviation, np.clip((V - mean) / deviation, -30, 30)
    outputs = _predict(X, shown.targets.numpy(), V, task, classes)
    if outputs is None:
        return None
    if task == "binary" and width == 1:
        outputs = outputs[:, 1:] - outputs[:, :1]
    return _measured(metric, torch.from_numpy(outputs).float(), asked.targets)


def _predict(X: NDArray[Any], y: NDArray[Any], V: NDArray[Any], task: Task, classes: int | None) -> NDArray[Any] | None:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unfinished fit is a weaker baseline, no reason to speak
        if task == "regression":
            predicted: NDArray[Any] = RidgeCV(np.logspace(-2, 4, 13)).fit(X, y).predict(V)
            return predicted
        if task == "multilabel":
            if y.shape[1] > _LABELS:
                return None
            return np.stack([_label_logits(X, column, V) for column in y.T], axis=1)
        if len(np.unique(y)) < 2:
            return None
        model = LogisticRegression(C=0.1, max_iter=50, tol=1e-3).fit(X, y)
        scores = np.full((len(V), classes or int(y.max()) + 1), -30.0)
        scores[:, model.classes_] = np.maximum(model.predict_log_proba(V), -30.0)
        return scores


def _label_logits(X: NDArray[Any], y: NDArray[Any], V: NDArray[Any]) -> NDArray[Any]:
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(y)) < 2:
        return np.full(len(V), 30.0 if y[0] else -30.0)
    logits: NDArray[Any] = LogisticRegression(C=0.1, max_iter=50, tol=1e-3).fit(X, y).decision_function(V)
    return logits
