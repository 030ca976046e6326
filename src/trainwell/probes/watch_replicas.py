"""Data-parallel training: whether gradients are averaged over processes, and what each process's weights sum to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.state import OptimizerState
    from trainwell.probes.tracer import Tracer


def install(tracer: Tracer) -> None:
    """Watch `torch.distributed.all_reduce`."""
    if not torch.distributed.is_available():
        return

    def reduced(original: Function) -> Function:
        def wrapper(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            if tracer.here and isinstance(tensor, torch.Tensor):
                try:
                    _note(tracer, tensor)
                except Exception as error:
                    tracer.failed("all_reduce", error)
            return original(tensor, *args, **kwargs)

        return wrapper

    tracer.patches.wrap(torch.distributed, "all_reduce", reduced)


def _note(tracer: Tracer, tensor: torch.Tensor) -> None:
    """Count what is reduced: gradients between a backward pass and a step, or parameters."""
    for optimizer in tracer.optimizers.values():
        held = optimizer.optimizer()
        parameters = [] if held is None else [p for group in held.param_groups for p in group["params"]]
        where = tensor.data_ptr()
        if any(p.data_ptr() == where for p in parameters):
            tracer.replicas["parameters"] += 1
        elif tensor.numel() > 1 and ("b" in optimizer.cycle or "B" in optimizer.cycle):
            sizes = [p.numel() for p in parameters]
            tracer.replicas["gradients"] += tensor.numel() in (*sizes, sum(sizes))


def note_step(tracer: Tracer, state: OptimizerState, optimizer: Any) -> None:
    """After a step: the sum of all weights of this process."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return
    if distributed.get_world_size() < 2 or len(tracer.weight_sums) > 40:
        return
    tracer.rank = distributed.get_rank()
    weights = [p.detach().double().abs().sum() for group in optimizer.param_groups for p in group["params"]]
    tracer.weight_sums.append((state.steps, float(torch.stack(weights).sum())))
