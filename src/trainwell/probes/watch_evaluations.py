"""Passes over evaluation data: mean loss and accuracy, where they can be recognised."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import torch

from trainwell.probes import watch_data
from trainwell.probes.place import place, user_frame
from trainwell.probes.state import CallState, EvaluationState
from trainwell.records import EvaluationTrace

if TYPE_CHECKING:
    from trainwell.probes.tracer import Tracer

_NO_LABEL = re.compile(r"pred|out|logit|score|prob|idx|index|perm|weight|mask|len|order")
_LABEL = re.compile(r"^_?(y|label|target|truth|answer|cls|class|t$|t_)")


def follow(tracer: Tracer, state: CallState) -> None:
    """Count a call into the evaluation pass that goes on, or begin a new one."""
    loader = tracer.last_loader.key if tracer.last_loader is not None else None
    key = (id(state), loader if tracer.input_name == "" else tracer.input_name, tracer.steps)
    now = tracer.evaluation
    if now is None or now.key != key:
        close(tracer)
        tracer.evaluation = EvaluationState(tracer.steps, key, state.site, watch_data.source_name(state, tracer))
    if tracer.evaluation is not None:
        tracer.evaluation.calls += 1


def judge(tracer: Tracer, state: CallState, output: torch.Tensor) -> None:
    """Accuracy of an evaluation forward, where the batch that the loader gave last holds its labels."""
    now = tracer.evaluation
    if now is None or now.judged > 5000 or output.device.type != "cpu" or output.ndim not in (1, 2) or len(output) < 1:
        return
    labels = _labels(tracer, state, output)
    if labels is None:
        return
    scores = output.detach()
    if scores.ndim == 1 or scores.shape[1] == 1:
        used = {key[0] for key in tracer.losses if key[2]}
        if not used & {"binary_cross_entropy_with_logits", "binary_cross_entropy"} or bool((labels > 1).any()):
            return
        limit = 0.0 if "binary_cross_entropy_with_logits" in used else 0.5
        flat, wanted = scores.reshape(-1).float(), labels.float()
        now.right += int(((flat > limit) == (wanted > 0.5)).sum())
        now.judged += len(labels)
        _count(now, labels)
        if not now.loss_rows:
            signs = flat if limit == 0.0 else torch.logit(flat, 1e-7)
            now.pending_loss += float((torch.nn.functional.softplus(signs) - signs * wanted).sum())
        return
    if labels.is_floating_point():
        return
    now.right += int((scores.argmax(1) == labels).sum())
    now.judged += len(labels)
    _count(now, labels)
    if not now.loss_rows and any(k[0] == "cross_entropy" and k[2] for k in tracer.losses):
        chances = torch.log_softmax(output.detach().float(), 1)
        now.pending_loss -= float(chances.gather(1, labels[:, None].clamp(0, output.shape[1] - 1)).sum())


def judge_at_loss(now: EvaluationState, scores: torch.Tensor, targets: torch.Tensor) -> None:
    """Accuracy of what the loss of an evaluation was given, which counts where no labels were known at the forward."""
    if scores.ndim == 2 and targets.ndim == 1 and len(scores) == len(targets) and not targets.is_floating_point():
        now.right_at_loss += int((scores.detach().argmax(1) == targets).sum())
        now.judged_at_loss += len(targets)


def _count(now: EvaluationState, labels: torch.Tensor) -> None:
    values, counts = torch.unique(labels.long(), return_counts=True)
    for value, count in zip(values.tolist()[:2000], counts.tolist()[:2000], strict=True):
        now.label_counts[value] += count


def _labels(tracer: Tracer, state: CallState, output: torch.Tensor) -> torch.Tensor | None:
    """The labels of an evaluated batch: those its loader gave with it, else the one such tensor around the call."""
    rows, classes = len(output), max(2, output.shape[-1] if output.ndim == 2 else 2)
    if state.loader is not None:
        labels = None if tracer.last_batch is None else tracer.last_batch()
        return None if labels is None else _as_labels(labels, rows)
    if state.calls > 400:
        return None
    frame = user_frame(3)
    if frame is None:
        return None
    held = frame.f_locals
    found = {
        name: labels
        for name, value in list(held.items())
        if isinstance(value, torch.Tensor) and (labels := _as_labels(value, rows)) is not None
        if not _NO_LABEL.search(name.lower()) and _are_classes(labels, classes)
    }
    if sys.version_info < (3, 13) and frame.f_code.co_flags & 1:
        held.clear()  # the snapshot would keep the user's tensors alive
    if len(found) == 1:
        return next(iter(found.values()))
    named = {name: value for name, value in found.items() if _LABEL.match(name.lower())}
    if len(named) == 1:
        return next(iter(named.values()))
    words = {w for w in state.words if w in {name.lower() for name in named}}
    return next((v for n, v in named.items() if n.lower() in words), None) if len(words) == 1 else None


def _as_labels(value: torch.Tensor, rows: int) -> torch.Tensor | None:
    """A tensor as flat labels, if it can be some for so many rows."""
    if value.device.type != "cpu" or value.requires_grad or value.ndim not in (1, 2) or len(value) != rows:
        return None
    if value.ndim == 2 and value.shape[1] != 1:
        return None
    flat = value.reshape(-1)
    return None if flat.is_complex() or flat.dtype == torch.bool else flat


def _are_classes(labels: torch.Tensor, classes: int) -> bool:
    """Whether all values are whole numbers of a class."""
    if labels.is_floating_point() and not bool((labels == labels.round()).all()):
        return False
    return bool((labels >= 0).all()) and bool((labels < classes).all())


def close(tracer: Tracer) -> None:
    """Turn the evaluation pass that is going on into a record."""
    now = tracer.evaluation
    if now is None:
        return
    tracer.evaluation = None
    if not now.loss_rows and not now.judged:
        return
    if not now.judged:
        now.right, now.judged = now.right_at_loss, now.judged_at_loss
    if not now.loss_rows and now.pending_loss:
        now.loss_sum, now.loss_rows = now.pending_loss, now.judged
    if len(tracer.evaluations) > 2000:
        return
    tracer.evaluations.append(
        EvaluationTrace(
            step=now.step,
            place=place(now.site),
            name=now.name,
            loss=now.loss_sum / now.loss_rows if now.loss_rows else None,
            accuracy=now.right / now.judged if now.judged else None,
            rows=max(now.judged, now.loss_rows),
            label_counts={str(label): count for label, count in now.label_counts.items()},
        )
    )
