"""Before a stack is trained: whether its program computes what each run computes alone, and how fast it is."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

import torch
from torch import Tensor, nn

from trainwell.data import Examples
from trainwell.optim.build import build_optimizer
from trainwell.optim.stacks import stacked_groups
from trainwell.train.fused.dropping import is_dropout
from trainwell.train.fused.feed import StackedBatch, StackedFeed
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.losses import StackedLoss
from trainwell.train.fused.program import Program, vectorisable
from trainwell.train.fused.tensors import Tensors
from trainwell.train.fused.update import update_
from trainwell.train.losses import LossFunction, loss_of, training_loss
from trainwell.train.threads import threads_set
from trainwell.train.update import Update

_TOLERANCE = {"float32": 1e-3, "tf32": 1e-2, "bf16": 1e-1}
_REPEATS = 3


class Copy:
    """The tensors of some runs as a stack of their own, to be tried; the runs stay as they are."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self.lanes = list(lanes)
        self._drops = True
        first = lanes[0]
        self.parts = first.parts
        recipes = [lane.recipe for lane in lanes]
        groups = stacked_groups(
            first.model, [r.optimizer for r in recipes], [r.parameters for r in recipes], device=self.parts.device
        )
        self.tensors = Tensors.of([lane.model for lane in lanes], groups)
        self.loss = StackedLoss.of(
            first.problem, [r.loss for r in recipes], [lane.class_weights() for lane in lanes], self.parts.device
        )
        feed = StackedFeed([lane.parts.feed for lane in lanes])
        self.groups: list[list[StackedBatch]] = list(islice(feed.epoch(first.epoch), 1 + _REPEATS))

    def without_dropout(self) -> Copy:
        """The same runs, in which no `nn.Dropout` drops anything."""
        found = copy.copy(self)
        found.tensors = replace(
            self.tensors, dropouts={n: torch.zeros_like(p) for n, p in self.tensors.dropouts.items()}
        )
        found._drops = False
        return found

    def model(self, k: int) -> nn.Module:
        """A copy of the model of one run."""
        model = copy.deepcopy(self.lanes[k].model)
        for module in model.modules() if not self._drops else ():
            if is_dropout(module):
                module.p = 0.0
        return model

    def loss_alone(self, k: int) -> LossFunction:
        """The training loss of one run."""
        lane = self.lanes[k]
        return training_loss(lane.problem, lane.recipe.loss, lane.class_weights())


def refusal(program: Callable[[], Program], lanes: Sequence[Lane]) -> str:
    """Why a program does not compute what its runs compute alone; empty if it does.

    Losses, gradients and buffers of one batch are compared for the first and the last run, without dropout.
    """
    some = [lanes[0], lanes[-1]]
    with torch.random.fork_rng(devices=_devices()), vectorisable(), threads_set(some[0].parts.threads):
        try:
            return _difference(program(), Copy(some))
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            text = str(error).strip().splitlines()
            return f"{type(error).__name__}: {text[0] if text else 'no message'}"


def _difference(program: Program, trial: Copy) -> str:
    parts = trial.parts
    tolerance = _TOLERANCE[parts.recipe.precision.dtype]
    batch = trial.groups[0][0]
    shared = batch.of_run(0)
    values, _ = program.outputs(trial.tensors, shared, parts.plain_loss)
    models = [trial.model(k) for k in range(len(trial.lanes))]
    for k, model in enumerate(models):
        with torch.no_grad():
            model.eval()
            expected = _autocast_loss(trial, model, shared, parts.plain_loss)
        if not _close(values[k], expected, tolerance):
            return f"its outputs would differ: loss {float(values[k]):.6g} fused, {float(expected):.6g} alone"
    if program.own_dropout and trial.tensors.dropouts:
        program.gradients(trial.tensors, batch.examples, batch.shared, trial.loss, None, True)  # shows whether it runs
        trial = Copy(trial.lanes).without_dropout()
        models = [trial.model(k) for k in range(len(trial.lanes))]
    losses = program.gradients(trial.tensors, batch.examples, batch.shared, trial.loss, None, True)
    gradients, buffers = trial.tensors.gradients, trial.tensors.buffers
    for k, model in enumerate(models):
        model.train()
        own, loss = batch.of_run(k), trial.loss_alone(k)
        if _random(trial, model, own, loss):
            continue
        expected = _autocast_loss(trial, model, own, loss)
        found = torch.autograd.grad(expected, [p for p in model.parameters() if p.requires_grad], allow_unused=True)
        if not _close(losses[k], expected, tolerance):
            return f"its training loss would differ: {float(losses[k]):.6g} fused, {float(expected):.6g} alone"
        names = [name for name, p in model.named_parameters() if p.requires_grad]
        for name, gradient in zip(names, found, strict=True):
            if name in gradients and gradient is None:
                return f"its parameter {name} gets no gradient"
            if name in gradients and not _close(gradients[name][k], gradient, tolerance):
                return f"the gradient of {name} would differ"
        for name, buffer in model.named_buffers():
            if not _close(buffers[name][k], buffer, tolerance):
                return f"the buffer {name} would differ"
    return ""


def _autocast_loss(trial: Copy, model: nn.Module, batch: Examples, loss: LossFunction) -> Tensor:
    if trial.parts.autocast is None:
        return loss_of(model, batch, loss)[0]
    with trial.parts.autocast():
        return loss_of(model, batch, loss)[0]


def _random(trial: Copy, model: nn.Module, batch: Examples, loss: LossFunction) -> bool:
    """Whether two passes with other noise give other losses."""
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        with torch.no_grad():
            found.append(_autocast_loss(trial, copy.deepcopy(model), batch, loss))
    return not torch.equal(found[0], found[1])


def _close(a: Tensor, b: Tensor | None, tolerance: float) -> bool:
    if b is None:
        return True
    a, b = a.detach().double(), b.detach().double()
    if not bool(torch.isfinite(b).all()):
        return True  # a run that is not finite from the start shows nothing
    return bool(((a - b).abs() <= tolerance * (1e-3 + b.abs().max())).all()) if b.numel() else True


def seconds_alone(lane: Lane) -> float:
    """Seconds of one update of one run by itself."""
    trial = Copy([lane])
    model = trial.model(0)
    optimizer = build_optimizer(lane.recipe.optimizer, lane.recipe.parameters, model)
    update = Update(model, trial.loss_alone(0), optimizer, autocast=lane.parts.autocast)
    groups = [[batch.of_run(0) for batch in group] for group in trial.groups]
    with torch.random.fork_rng(devices=_devices()), threads_set(lane.parts.threads):
        model.train()
        return _seconds(lambda n: update(groups[n % len(groups)], n + 1), lane)


def seconds_stacked(program: Program, lanes: Sequence[Lane]) -> float:
    """Seconds of one update of a stack, per run."""
    trial = Copy(lanes)
    ones = [1.0] * len(lanes)

    def step(n: int) -> None:
        for first, batch in enumerate(trial.groups[n % len(trial.groups)]):
            program.gradients(trial.tensors, batch.examples, batch.shared, trial.loss, None, first == 0)
        for block in trial.tensors.blocks:
            update_(block, ones, n + 1)

    with torch.random.fork_rng(devices=_devices()), vectorisable(), threads_set(lanes[0].parts.threads):
        return _seconds(step, lanes[0]) / len(lanes)


def _seconds(step: Callable[[int], object], lane: Lane) -> float:
    # On one thread the processor's time is not disturbed by what else the machine does.
    on_cpu = lane.parts.device.type == "cpu"
    clock = time.process_time if on_cpu and lane.parts.threads == 1 else time.perf_counter
    step(0)
    found = []
    for n in range(1, 1 + _REPEATS):
        begin = clock()
        step(n)
        if not on_cpu:
            torch.cuda.synchronize()
        found.append(clock() - begin)
    return min(found)  # what else the machine does only adds


def saved_bytes(lane: Lane) -> int:
    """Memory of what one run keeps for its backward pass. [bytes]"""
    model, batch = copy.deepcopy(lane.model), Copy([lane]).groups[0][0].of_run(0)
    seen: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.random.fork_rng(devices=_devices()), torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        loss_of(model, batch, lane.parts.plain_loss)
    return sum(seen.values())


def _devices() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
