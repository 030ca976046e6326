"""Evaluation of K runs on one split at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from trainwell.data import Examples
from trainwell.problem import Problem
from trainwell.problem.metrics import METRICS, Metric
from trainwell.records import Evaluation
from trainwell.train.evaluate import weight_of
from trainwell.train.fused.program import Program
from trainwell.train.fused.tensors import Tensors
from trainwell.train.losses import LossFunction

_CHUNK_BYTES = 8 * 2**20  # inputs and hidden values of all runs together should stay in the caches
_FEWEST = 64


def evaluate_runs(
    program: Program,
    tensors: Tensors,
    source: Examples,
    *,
    problem: Problem,
    loss: LossFunction,
    split: str,
    step: int,
    epoch: float,
    unscale: Callable[[Tensor], Tensor] | None = None,
) -> list[Evaluation]:
    """Measure loss and metrics of a split for every run of a stack; the same values as `evaluate` for each alone."""
    begin = time.perf_counter()
    runs = len(tensors)
    size = max(_FEWEST, min(len(source), _CHUNK_BYTES * len(source) // max(1, source.bytes * runs)))
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
    if outputs:
        z_K, targets = torch.cat(outputs, 1), torch.cat(truths)
        if unscale is not None:
            z_K, targets = unscale(z_K), unscale(targets)
        metrics = metrics_of_runs(problem, z_K, targets)
    seconds = (time.perf_counter() - begin) / runs
    return [
        Evaluation(step, epoch, split, mean, own, len(source), seconds)
        for mean, own in zip(means, metrics, strict=True)
    ]


def metrics_of_runs(problem: Problem, outputs_K: Tensor, targets: Tensor) -> list[dict[str, float]]:
    """The metrics of each run; NaN where its outputs are not finite.

    Args:
        outputs_K: Scores, (K, N, ...).
        targets: Shared by all runs, (N, ...).
    """
    finite = torch.isfinite(outputs_K).flatten(1).all(1).tolist()
    columns = {metric.name: _of_runs(metric, outputs_K, targets, finite) for metric in problem.metrics}
    return [{name: values[k] for name, values in columns.items()} for k in range(len(outputs_K))]


def _of_runs(metric: Metric, outputs_K: Tensor, targets: Tensor, finite: Sequence[bool]) -> list[float]:
    plain_classes = targets.ndim == 1 and not targets.is_floating_point() and outputs_K.ndim == 3
    if metric is METRICS["accuracy"] and plain_classes and outputs_K.shape[-1] > 1 and bool((targets >= 0).all()):
        right = (outputs_K.argmax(-1) == targets).double().mean(1).tolist()
        return [value if ok else float("nan") for value, ok in zip(right, finite, strict=True)]
    return [
        float(metric.function(own, targets)) if ok else float("nan") for own, ok in zip(outputs_K, finite, strict=True)
    ]
