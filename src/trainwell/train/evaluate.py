"""Evaluation of a split: in eval mode, without gradients, in large batches, without touching the noise stream."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.data import Examples, Source
from trainwell.data.batches import batches
from trainwell.errors import ProblemError, TrainwellError
from trainwell.problem import Problem
from trainwell.problem.metrics import IGNORED, Metric, confusion
from trainwell.records import Evaluation
from trainwell.train.losses import LossFunction, loss_of, scores

_CHUNK_BYTES = 32 * 2**20
MOST_CLASSES = 20
_KEEP_SCORES = 50_000_000  # numbers; above it metrics are averaged over chunks


def evaluate(
    model: nn.Module,
    source: Source,
    *,
    problem: Problem,
    loss: LossFunction,
    split: str,
    step: int,
    epoch: float,
    prepare: Callable[[Examples], Examples] | None = None,
    unscale: Callable[[Tensor], Tensor] | None = None,
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
    batch_size: int | None = None,
    device: torch.device | None = None,
) -> Evaluation:
    """Measure loss and metrics of a split.

    Args:
        model: Put into eval mode, and back into the mode it had.
        source: The split, scaled as the model wants it.
        loss: Mean loss of a batch.
        prepare: Scales a batch, where the source is not scaled yet (streamed ones).
        unscale: From the model's unit to the problem's, for metrics of scaled regression targets.
        autocast: Context of the forward passes.
        batch_size: Examples per forward pass; chosen by size where None.
    """
    begin = time.perf_counter()
    was_training = model.training
    rng = torch.get_rng_state()
    model.eval()
    total, count = 0.0, 0.0
    outputs, truths, chunk_metrics = [], [], []
    kept = 0
    examples = 0
    try:
        with torch.inference_mode():
            for batch in _chunks(source, batch_size, device):
                if prepare is not None:
                    batch = prepare(batch)
                with autocast():
                    value, returned = loss_of(model, batch, loss)
                weight = weight_of(batch)
                total += _one_number(value) * weight
                count += weight
                examples += len(batch)
                targets = batch.targets
                if targets is None or not problem.metrics:
                    continue
                z = scores(returned).float()
                if unscale is not None:
                    z, targets = unscale(z), unscale(targets)
                kept += z.numel()
                if kept > _KEEP_SCORES:
                    chunk_metrics.append((weight, metrics_of(problem, z, targets)))
                else:
                    outputs.append(z)
                    truths.append(targets)
    finally:
        model.train(was_training)
        torch.set_rng_state(rng)
    mean = total / count if count else float("nan")
    if chunk_metrics and outputs:
        early = float(sum(len(t) for t in truths))
        chunk_metrics.append((early, metrics_of(problem, torch.cat(outputs), torch.cat(truths))))
    if chunk_metrics:
        weights = sum(w for w, _ in chunk_metrics)
        metrics = {k: sum(w * m[k] for w, m in chunk_metrics) / weights for k in chunk_metrics[0][1]}
    else:
        metrics = metrics_of(problem, torch.cat(outputs), torch.cat(truths)) if outputs else {"loss": mean}
    extra = by_class(problem, outputs, truths) if split != "train" and not chunk_metrics else {}
    return Evaluation(step, epoch, split, mean, metrics, examples, time.perf_counter() - begin, extra)


def by_class(problem: Problem, outputs: list[Tensor], truths: list[Tensor]) -> dict[str, object]:
    """Recall of each class and the confusion matrix (row = true class), where there are few enough classes."""
    few = problem.classes is not None and problem.classes <= MOST_CLASSES
    if problem.task not in ("multiclass", "binary") or not few or not outputs:
        return {}
    table = confusion(torch.cat(outputs), torch.cat(truths), problem.classes)
    totals = table.sum(1)
    recall = [float(table[k, k] / n) if n else float("nan") for k, n in enumerate(totals)]
    return {"recall": recall, "confusion": table.tolist()}


def metrics_of(problem: Problem, outputs: Tensor, targets: Tensor) -> dict[str, float]:
    """The problem's metrics; NaN where an output is not finite."""
    finite = bool(torch.isfinite(outputs).all())
    return {m.name: _measured(m, outputs, targets) if finite else math.nan for m in problem.metrics}


def _measured(metric: Metric, outputs: Tensor, targets: Tensor) -> float:
    """A metric's value; what a person's own function does wrong becomes a message."""
    try:
        return float(metric.function(outputs, targets))
    except TrainwellError:
        raise
    except Exception as error:
        raise ProblemError(
            f"the metric `{metric.name}` must return one number for outputs {tuple(outputs.shape)} and targets "
            f"{tuple(targets.shape)}, got {type(error).__name__}: {error}. Mend the function, or drop it"
        ) from error


def _one_number(value: Any) -> float:
    """The loss of a batch as a float; anything but one number is refused."""
    if isinstance(value, Tensor) and value.numel() == 1:
        return float(value)
    got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    raise ProblemError(f"`loss` must return one number as a tensor, got {got}. Return its mean over the examples")


def _chunks(source: Source, batch_size: int | None, device: torch.device | None) -> Iterator[Examples]:
    if isinstance(source, Examples):
        size = batch_size or max(64, min(len(source), _CHUNK_BYTES * len(source) // max(1, source.bytes)))
        for start in range(0, len(source), size):
            yield source.cut(start, min(start + size, len(source)))
        return
    for batch in batches(source, None, batch_size or 256):
        yield batch if device is None else batch.to(device)


def weight_of(batch: Examples) -> float:
    """What a batch counts in a mean over batches: its examples, or its valid tokens."""
    targets = batch.targets
    if targets is not None and targets.ndim == 2 and not targets.is_floating_point():
        return float((targets != IGNORED).sum())
    return float(len(batch))
