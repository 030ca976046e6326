"""Loss functions of torch: what they are given, from where."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from trainwell.probes import holes, moments, pairs, watch_evaluations, watch_places
from trainwell.probes.place import site
from trainwell.probes.state import LossState, keep

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.tracer import Tracer

FUNCTIONS = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "poisson_nll_loss",
    "gaussian_nll_loss",
    "soft_margin_loss",
    "multilabel_soft_margin_loss",
    "multi_margin_loss",
)


def install(tracer: Tracer) -> None:
    """Watch the loss functions of `torch.nn.functional` (the loss modules call them)."""
    for name in FUNCTIONS:
        tracer.patches.wrap(torch.nn.functional, name, _watched(tracer, name))


def _watched(tracer: Tracer, name: str) -> Any:
    is_compiling, is_grad_enabled = torch.compiler.is_compiling, torch.is_grad_enabled

    def make(original: Function) -> Function:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if tracer.loss_depth or not tracer.here or is_compiling():
                return result
            frame = sys._getframe(1)
            key = (frame.f_code, frame.f_lasti)
            known = tracer.known_losses.get(key, 0) if is_grad_enabled() else 0
            if known < 128 or not known & 7:
                tracer.loss_depth += 1
                try:
                    _note(tracer, name, args, kwargs, result)
                except Exception as error:
                    tracer.failed(name, error)
                finally:
                    tracer.loss_depth -= 1
            if is_grad_enabled():
                tracer.known_losses[key] = known + 1
            return result

        return wrapper

    return make


def _note(tracer: Tracer, name: str, args: Any, kwargs: Any, result: Any) -> None:
    scores = args[0] if args else kwargs.get("input")
    targets = args[1] if len(args) > 1 else kwargs.get("target")
    if not isinstance(scores, torch.Tensor) or not isinstance(targets, torch.Tensor):
        return
    where = site(3)
    grad = torch.is_grad_enabled() and result.requires_grad
    key = (name, where, grad)
    state = tracer.losses.get(key)
    if state is None:
        state = tracer.losses[key] = LossState(name, where, grad)
        caller = sys._getframe(2)
        owner = caller.f_locals.get("self")
        if isinstance(owner, nn.modules.loss._Loss):
            state.module = type(owner).__name__
            state.made_site = watch_places.made_at(tracer, id(owner))
        weight = kwargs.get("weight", kwargs.get("pos_weight"))
        state.facts = {
            "input_shape": tuple(scores.shape),
            "target_shape": tuple(targets.shape),
            "input_dtype": str(scores.dtype).removeprefix("torch."),
            "target_dtype": str(targets.dtype).removeprefix("torch."),
            "reduction": str(kwargs.get("reduction", "mean")),
            "weighted": weight is not None or kwargs.get("pos_weight") is not None,
            "ignore_index": kwargs.get("ignore_index"),
            "label_smoothing": float(kwargs.get("label_smoothing", 0.0) or 0.0),
            "input_requires_grad": scores.requires_grad,
        }
    state.calls += 1
    if not grad and tracer.evaluation is not None and result.numel() == 1 and result.device.type == "cpu":
        count = len(targets) if targets.ndim else 1
        scale = 1 if state.facts["reduction"] == "mean" else 1 / max(1, targets.numel())
        tracer.evaluation.loss_sum += float(result) * scale * count
        tracer.evaluation.loss_rows += count
        if name == "cross_entropy" and tracer.evaluation.judged_at_loss < 5000:
            watch_evaluations.judge_at_loss(tracer.evaluation, scores, targets)
    number = state.calls
    if not (number <= 30 or (number & (number - 1)) == 0) or (scores.device.type != "cpu" and number > 8):
        return
    if torch._C._functorch.peek_interpreter_stack() is not None or not tracer.governor.allows(1.5):
        return
    with tracer.governor, torch.no_grad():
        state.looks += 1
        if grad and number <= 30:
            pairs.note_pairs(tracer, targets)
        if state.looks <= 6 or number > 30:
            _merge(state.input_stats, moments.of_scores(scores) if scores.numel() < 2_000_000 else {})
        _merge(state.target_stats, moments.of_targets(targets))
        if not targets.is_floating_point() and targets.dtype != torch.bool and targets.numel() < 200_000:
            labels, counts = torch.unique(targets.reshape(-1), return_counts=True)
            if len(labels) <= 2000:
                for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
                    state.label_counts[label] += count
        elif name.startswith("binary_cross_entropy") and targets.numel() == len(targets) and targets.numel() < 200_000:
            ones = int((targets > 0.5).sum())
            state.label_counts[1] += ones
            state.label_counts[0] += targets.numel() - ones
        if state.label_counts and targets.numel() == len(targets) >= 4 and number <= 30:
            counts = torch.unique(targets.reshape(-1), return_counts=True)[1].double()
            n = targets.numel()
            pure = float((counts * (counts - 1)).sum() / (n * (n - 1)))
            seen = state.target_stats.get("batches", 0)
            state.target_stats["purity"] = (state.target_stats.get("purity", 0.0) * seen + pure) / (seen + 1)
            state.target_stats["batches"] = seen + 1
        if result.numel() == 1:
            keep(state.values, (tracer.steps, value := float(result)))
            if grad and not math.isfinite(value):  # a loop may leave such a batch out
                holes.look(tracer)


def _merge(into: dict[str, Any], stats: dict[str, Any]) -> None:
    for name, value in stats.items():
        if name not in into:
            into[name] = value
        elif name == "min":
            into[name] = min(into[name], value)
        elif name in ("max", "distinct", "non_finite"):
            into[name] = max(into[name], value)
        elif name in ("sum", "squares", "count"):
            into[name] += value
        elif isinstance(value, bool):
            into[name] = into[name] and value
