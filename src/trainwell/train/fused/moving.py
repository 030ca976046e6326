"""Move runs between stacks, and out of a stack to train alone: the state of the update goes with them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainwell.optim.rules.lion import Lion
from trainwell.optim.rules.muon import Muon
from trainwell.optim.rules.rule import State
from trainwell.optim.rules.sgd import SGD
from trainwell.train.fused.tensors import Block, Tensors, views

_WITHOUT_COUNT = (SGD, Lion, Muon)  # their torch optimizers keep no number of steps


def give_state(tensors: Tensors, run: int, model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Give a run's state of the update to its own torch optimizer, which continues from it.

    The names of states in the rules are those of torch.optim.

    Args:
        tensors: Of the stack.
        run: Which of its runs.
        model: Of the run, with tensors of its own.
        optimizer: Of the run; it has made no step yet.
        step: Updates done.
    """
    parameters = dict(model.named_parameters())
    for block in tensors.blocks:
        if block.state is None:
            continue
        for state, by_name in by_parameter(block).items():
            for name, rows in by_name.items():
                optimizer.state[parameters[name]][state] = rows[run].clone()
        for state, of_runs in by_run(block).items():
            for name in block.shapes:
                optimizer.state[parameters[name]][state] = of_runs[run].float().clone()
        if not isinstance(block.rule, _WITHOUT_COUNT):
            for name in block.shapes:
                optimizer.state[parameters[name]]["step"] = torch.tensor(float(step))


def by_parameter(block: Block) -> dict[str, dict[str, Tensor]]:
    """States that are shaped like parameters (or parts of them): by state and parameter, (K, ...)."""
    found: dict[str, dict[str, Tensor]] = {}
    for state, tensors in (block.state or {}).items():
        if block.by_shape and len(tensors) == len(block.shapes):
            found[state] = {name: t for name, t in zip(block.shapes, tensors, strict=True) if t.numel()}
        elif len(tensors) == 1 and tensors[0].shape == block.values_KP.shape:
            found[state] = views(tensors[0], block.shapes)
    return found


def by_run(block: Block) -> dict[str, Tensor]:
    """States that are one number a run, (K,)."""
    return {
        state: tensors[0]
        for state, tensors in (block.state or {}).items()
        if len(tensors) == 1 and tensors[0].shape == block.values_KP.shape[:1]
    }


def carry_state(old: Sequence[Tensors], new: Tensors) -> None:
    """Fill the states of stacked tensors that hold the runs of several stacks one after the other."""
    for block in new.blocks:
        block.state = block.rule.init(block.updated[0], block.groups[0].hyper)
        if all(b.state is None for tensors in old for b in tensors.blocks):
            block.state = None
            continue
        _fill(block, block.state, old)


def _fill(block: Block, state: State, old: Sequence[Tensors]) -> None:
    targets, start = by_parameter(block), 0
    for tensors in old:
        rows = slice(start, start + len(tensors))
        start += len(tensors)
        for source in tensors.blocks:
            shared = [name for name in source.shapes if name in block.shapes]
            for kind, found in by_parameter(source).items():
                for name in shared:
                    if name in found and name in targets.get(kind, {}):
                        targets[kind][name][rows].copy_(found[name])
            for kind, of_runs in by_run(source).items():
                if shared and kind in state:
                    state[kind][0][rows].copy_(of_runs)


def copy_runs(old: Sequence[Tensors], new: Tensors) -> None:
    """Copy parameters and buffers of several stacks into one that holds their runs one after the other."""
    start = 0
    for tensors in old:
        rows = slice(start, start + len(tensors))
        start += len(tensors)
        for named, target in ((tensors.parameters, new.parameters), (tensors.buffers, new.buffers)):
            for name, value in named.items():
                target[name][rows].copy_(value)
