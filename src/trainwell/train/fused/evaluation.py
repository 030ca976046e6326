"""Evaluation of K runs on one split at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from trainwell.data import Examples
from trainwell.problem import Problem
from trainwell.problem.metrics import METRICS
from trainwell.records import Evaluation
from trainwell.train.evaluate import MOST_CLASSES, by_class, metrics_of, weight_of
from trainwell.train.fused.program import Program
from trainwell.train.fused.tensors import Tensors
from trainwell.train.losses import LossFunction

_FEWEST = 64  # examples at once


def evaluate_runs(
    program: Program,
    tensors: Tensors,
    source: Examples,
    *,
    problem: Problem,
    loss: LossFunction,
    batch_size: int,
    split: str,
    step: int,
    epoch: float,
    unscale: Callable[[Tensor], Tensor] | None = None,
) -> list[Evaluation]:
    """Measure loss and metrics of a split for every run of a stack; the same values as `evaluate` for each alone."""
    begin = time.perf_counter()
    runs = len(tensors)
    # A stack is as large as a training step of it is quick; half of that step's memory is for the backward pass.
    size = max(_FEWEST, 2 * batch_size)
    total = torch.zeros(runs, dtype=torch.float64)
    count, outputs, truths = 0.0, [], []
    for start in range(0, len(source), size):
        batch = source.cut(start, min(start + size, len(source)))
        values, z = program.outputs(tensors, batch, loss)
        weight = weight_of(batch)
        total += values.double().cpu() * weight
        count += weight
        if z is not None and batch.targets is not None and problem.metrics:
            outputs.append(z)
            truths.append(batch.targets)
    means = (total / count).tolist() if count else [float("nan")] * runs
    metrics = [{"loss": mean} for mean in means]
    extra: list[dict[str, object]] = [{} for _ in means]
    if outputs:
        z_K, targets = torch.cat(outputs, 1), torch.cat(truths)
        if unscale is not None:
            z_K, targets = unscale(z_K), unscale(targets)
        metrics = metrics_of_runs(problem, z_K, targets)
        if split != "train":
            extra = classes_of_runs(problem, z_K, targets)
    seconds = (time.perf_counter() - begin) / runs
    return [
        Evaluation(step, epoch, split, mean, own, len(source), seconds, by)
        for mean, own, by in zip(means, metrics, extra, strict=True)
    ]


def metrics_of_runs(problem: Problem, outputs_K: Tensor, targets: Tensor) -> list[dict[str, float]]:
    """The metrics of each run; NaN where its outputs are not finite.

    Args:
        outputs_K: Scores, (K, N, ...).
        targets: Shared by all runs, (N, ...).
    """
    if problem.metrics != (METRICS["accuracy"],) or not _plain_classes(outputs_K, targets):
        return [metrics_of(problem, own, targets) for own in outputs_K]
    finite = torch.isfinite(outputs_K).flatten(1).all(1).tolist()
    right = (outputs_K.argmax(-1) == targets).double().mean(1).tolist()
    return [{"accuracy": value if ok else float("nan")} for value, ok in zip(right, finite, strict=True)]


def classes_of_runs(problem: Problem, outputs_K: Tensor, targets: Tensor) -> list[dict[str, object]]:
    """Recalls and confusion matrix of each run, as `evaluate` gives them."""
    classes = problem.classes
    few = classes is not None and classes <= MOST_CLASSES
    if not (few and problem.task in ("multiclass", "binary") and _plain_classes(outputs_K, targets)):
        return [by_class(problem, [own], [targets]) for own in outputs_K]
    runs, width = len(outputs_K), max(outputs_K.shape[-1], classes or 0)
    cells = targets * width + outputs_K.argmax(-1) + width**2 * torch.arange(runs, device=targets.device)[:, None]
    tables = torch.bincount(cells.flatten(), minlength=runs * width**2).reshape(runs, width, width)
    totals = tables.sum(2)
    recalls = (tables.diagonal(dim1=1, dim2=2).double() / totals).tolist()  # 0 / 0 is NaN: a class without examples
    return [{"recall": own, "confusion": table} for own, table in zip(recalls, tables.tolist(), strict=True)]


def _plain_classes(outputs_K: Tensor, targets: Tensor) -> bool:
    """Whether there is one score for each of several classes, and a class for each example."""
    several = outputs_K.ndim == 3 and outputs_K.shape[-1] > 1
    return several and targets.ndim == 1 and not targets.is_floating_point() and bool((targets >= 0).all())
