"""The metrics that a problem can name: of raw outputs (logits) and targets, over a whole split.

Outputs are what the model returns: (N, K) class scores, (N,) or (N, 1) one logit for binary tasks, (N, L) label logits,
(N,) or (N, T) predicted numbers, (N, T, V) token scores. Targets of -100 are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from trainwell.errors import ProblemError, unknown_name
from trainwell.records import Direction, Task

IGNORED = -100
Measure: TypeAlias = Callable[[Tensor, Tensor], float]


@dataclass(frozen=True)
class Metric:
    """A quantity that decides which of two models is better.

    Attributes:
        function: From outputs and targets of a whole split, on the CPU or a device, to a number.
        tasks: Tasks it suits; empty for any.
    """

    name: str
    direction: Direction
    function: Measure
    tasks: tuple[Task, ...] = ()

    def __call__(self, outputs: Tensor, targets: Tensor) -> float:
        """Measure a whole split."""
        return float(self.function(outputs, targets))


def class_scores(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (M, K) and classes (M,) of everything that counts: one logit becomes two scores, tokens are flattened."""
    if outputs.ndim == targets.ndim or (outputs.shape[-1] == 1 and outputs.ndim == targets.ndim + 1):
        logit = outputs.reshape(-1)
        outputs = torch.stack([torch.zeros_like(logit), logit], dim=-1)
    scores, classes = outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1).long()
    counted = classes != IGNORED
    return (scores, classes) if bool(counted.all()) else (scores[counted], classes[counted])


def numbers(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Predicted and true numbers in equal shapes: (N, 1) outputs are squeezed."""
    if outputs.ndim == targets.ndim + 1 and outputs.shape[-1] == 1:
        outputs = outputs.squeeze(-1)
    return outputs.double(), targets.double()


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Share of examples whose highest score is the target; of right labels for multi-label."""
    if targets.is_floating_point():
        return float(((outputs > 0) == (targets > 0.5)).double().mean())
    scores, classes = class_scores(outputs, targets)
    return float((scores.argmax(-1) == classes).double().mean())


def top5(outputs: Tensor, targets: Tensor) -> float:
    """Share of examples whose target is among the five highest scores."""
    scores, classes = class_scores(outputs, targets)
    best = scores.topk(min(5, scores.shape[-1]), dim=-1).indices
    return float((best == classes[:, None]).any(-1).double().mean())


def confusion(outputs: Tensor, targets: Tensor, classes: int | None = None) -> NDArray[np.int64]:
    """Counts (K, K): row = true class, column = predicted class."""
    scores, true = class_scores(outputs, targets)
    width = max(scores.shape[-1], classes or 0)
    cells = true * width + scores.argmax(-1)
    counts = torch.bincount(cells, minlength=width * width).reshape(width, width)
    return counts.cpu().numpy().astype(np.int64)


def recalls(outputs: Tensor, targets: Tensor, classes: int | None = None) -> NDArray[np.float64]:
    """Share of each class that is recognised, (K,); NaN for a class without examples."""
    table = confusion(outputs, targets, classes)
    totals = table.sum(1)
    return np.where(totals > 0, np.diag(table) / np.maximum(totals, 1), np.nan)


def balanced_accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Mean recall over the classes that occur."""
    return float(np.nanmean(recalls(outputs, targets)))


def f1(outputs: Tensor, targets: Tensor) -> float:
    """F1 of class 1 for binary tasks, the mean over classes (or labels) otherwise."""
    from sklearn.metrics import f1_score

    if targets.is_floating_point():
        return float(f1_score(_np(targets > 0.5), _np(outputs > 0), average="macro", zero_division=0.0))
    scores, classes = class_scores(outputs, targets)
    average = "binary" if scores.shape[-1] == 2 else "macro"
    return float(f1_score(_np(classes), _np(scores.argmax(-1)), average=average, zero_division=0.0))


def auroc(outputs: Tensor, targets: Tensor) -> float:
    """Area under the ROC curve; the mean over classes against the rest, or over labels. NaN where undefined."""
    from sklearn.metrics import roc_auc_score

    if targets.is_floating_point():
        pairs = [(outputs[:, i], targets[:, i] > 0.5) for i in range(targets.shape[1])]
    else:
        scores, classes = class_scores(outputs, targets)
        chances = scores.double().log_softmax(-1)
        if scores.shape[-1] == 2:
            pairs = [(scores[:, 1].double() - scores[:, 0].double(), classes == 1)]
        else:
            pairs = [(chances[:, k], classes == k) for k in range(scores.shape[-1])]
    areas = [roc_auc_score(_np(true), _np(score)) for score, true in pairs if 0 < int(true.sum()) < len(true)]
    return float(np.mean(areas)) if areas and all(bool(torch.isfinite(s).all()) for s, _ in pairs) else math.nan


def log_loss(outputs: Tensor, targets: Tensor) -> float:
    """Mean negative log-likelihood of the targets under the scores. [nats]"""
    if targets.is_floating_point():
        return float(functional.binary_cross_entropy_with_logits(outputs.double(), targets.double()))
    scores, classes = class_scores(outputs, targets)
    return float(functional.cross_entropy(scores.double(), classes))


def perplexity(outputs: Tensor, targets: Tensor) -> float:
    """Exponential of the mean negative log-likelihood per token."""
    loss = log_loss(outputs, targets)
    return math.exp(loss) if loss < 700 else math.inf


def mae(outputs: Tensor, targets: Tensor) -> float:
    """Mean absolute error. [target unit]"""
    predicted, true = numbers(outputs, targets)
    return float((predicted - true).abs().mean())


def rmse(outputs: Tensor, targets: Tensor) -> float:
    """Root of the mean squared error. [target unit]"""
    predicted, true = numbers(outputs, targets)
    return float((predicted - true).square().mean().sqrt())


def r2(outputs: Tensor, targets: Tensor) -> float:
    """Share of the targets' variance that is explained; the mean over several targets. NaN for constant targets."""
    predicted, true = numbers(outputs, targets)
    left = (predicted - true).square().sum(0)
    total = (true - true.mean(0)).square().sum(0)
    return float((1 - left / total).mean()) if bool((total > 0).all()) else math.nan


_CLASSES: tuple[Task, ...] = ("multiclass", "binary")
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "max", accuracy, (*_CLASSES, "multilabel", "sequence")),
        Metric("balanced_accuracy", "max", balanced_accuracy, _CLASSES),
        Metric("f1", "max", f1, (*_CLASSES, "multilabel")),
        Metric("auroc", "max", auroc, (*_CLASSES, "multilabel")),
        Metric("top5", "max", top5, ("multiclass", "sequence")),
        Metric("log_loss", "min", log_loss, (*_CLASSES, "multilabel", "sequence")),
        Metric("perplexity", "min", perplexity, ("sequence",)),
        Metric("mae", "min", mae, ("regression",)),
        Metric("rmse", "min", rmse, ("regression",)),
        Metric("r2", "max", r2, ("regression",)),
    )
}
DEFAULTS: dict[Task, tuple[str, ...]] = {
    "multiclass": ("accuracy",),
    "binary": ("accuracy",),
    "multilabel": ("f1",),
    "regression": ("rmse",),
    "sequence": ("perplexity",),
    "custom": (),
}


def resolve_metrics(metrics: Any, task: Task) -> tuple[Metric, ...]:
    """Read a problem's metrics: a name, `Metric` objects, a list of them, or {name: (function, "max" | "min")}.

    The first decides. None gives the default of the task; a custom task without metrics is decided by its loss.

    Raises:
        ProblemError: For an unknown name, one that does not suit the task, or a callable without a direction.
    """
    if metrics is None:
        names = DEFAULTS[task]
        return tuple(METRICS[name] for name in names)
    if isinstance(metrics, str | Metric):
        metrics = [metrics]
    if isinstance(metrics, Mapping):
        return tuple(_from_pair(str(name), value) for name, value in metrics.items())
    if not isinstance(metrics, Sequence) or not metrics:
        raise ProblemError(f"`metrics` must be a list of names, got {metrics!r}. Known: {', '.join(sorted(METRICS))}")
    found = tuple(_metric(metric, task) for metric in metrics)
    names = tuple(metric.name for metric in found)
    if len(set(names)) < len(names):
        raise ProblemError(f"`metrics` must differ by name, got {', '.join(names)}. Drop one of them")
    return found


def _metric(metric: Any, task: Task) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if not isinstance(metric, str):
        raise ProblemError(
            f"`metrics` must say which way a function is better, got {metric!r}. "
            "Pass {'name': (function, 'max')} or a Metric"
        )
    if metric not in METRICS:
        raise ProblemError(f"`metrics`: {unknown_name('metric', metric, METRICS)}")
    known = METRICS[metric]
    if task != "custom" and known.tasks and task not in known.tasks:
        suited = sorted(name for name, m in METRICS.items() if task in m.tasks)
        raise ProblemError(f"`metrics` must suit the task {task}, got {metric}. Use one of: {', '.join(suited)}")
    return known


def _from_pair(name: str, value: Any) -> Metric:
    match value:
        case (function, "max" | "min" as direction) if callable(function):
            return Metric(name, direction, function)
    raise ProblemError(
        f"`metrics[{name!r}]` must be (function, 'max' or 'min'), got {value!r}. Say which way is better"
    )


def _np(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().cpu().numpy()
