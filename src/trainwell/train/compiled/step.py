"""Compiled updates: the whole step from the batch to the new weights.

The compiled step works on the same tensors as the eager one: checkpoints, resume, averages and evaluations do not
notice. What cannot be compiled runs eagerly, with the reason in the run's notes.
"""

from __future__ import annotations

import copy
import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainwell.data import Examples
from trainwell.optim.penalty import add_penalty_gradient
from trainwell.train.compiled.graph import Ingredients, NotTraceable, StepGraph, StepTensors, batch_tensors, trace
from trainwell.train.update import Update, update_ratio

_COMPILE_SECONDS = 20.0  # first compilation of a small network on two busy cores
_SHARE_SAVED = 0.9  # of an eager step on two examples, which is overhead alone; measured 0.9 and 1.1 on small MLPs
_LEAST_GAIN = 0.05
_CHECK_EVERY = 50
_MOST_COMPILATIONS = 3
_TOLERANCE = {True: 3e-2, False: 1e-3}  # of loss and gradient norm, with and without autocast
_compiled: dict[str, Callable[..., Any]] = {}


class CompiledUpdate(Update):
    """An update that becomes one compiled function after its first, eager one.

    Batches of another shape than the first full one (a ragged last batch) go through the eager update.

    Args:
        parts: What the step consists of.
        planned_steps: Length of the run.
        batch_size: Examples of a full batch.
        always: Whether to compile whatever it costs; otherwise where the planned length pays for it.
        obstacle: Why it cannot be compiled, if that is known.
        options: Of `Update`.

    Attributes:
        note: Told what was decided, and why.
    """

    def __init__(
        self,
        parts: Ingredients,
        *,
        planned_steps: int,
        batch_size: int,
        always: bool,
        obstacle: str = "",
        **options: Any,
    ) -> None:
        super().__init__(parts.model, parts.loss, parts.optimizer, **options)
        self.parts, self.planned_steps, self.batch_size = parts, planned_steps, batch_size
        self.always, self.obstacle = always, obstacle
        self._program: _Program | None = None
        self._compilations = 0

    def update(self, group: Sequence[Examples], step: int) -> Tensor:
        """Update once, compiled where that was decided and the batch fits."""
        program = self._program
        if program is None or step % _CHECK_EVERY == 0:
            program = self._considered(group, step)
        if program is None or not program.takes(group):
            return super().update(group, step)
        before = self._weights() if step % (5 * self.gradients_every) == 0 else None
        loss, norm = program(group[0], step)
        if self.clip is not None or step % self.gradients_every == 0:
            self.looks.append(("gradient_norm", norm))
        if before is not None:
            self.looks.append(("update_ratio", update_ratio(before, self.parameters)))
        for hook in self.after_step:
            hook(step)
        return loss

    def _considered(self, group: Sequence[Examples], step: int) -> _Program | None:
        """The compiled step, made when the optimizer has its state and a full batch comes; None to go on eagerly."""
        if self._program is not None and self._program.is_valid():
            return self._program
        self._program = None
        full = len(group) == 1 and len(group[0]) == self.batch_size and self.pieces == 1
        if self.decision == "eager" or not (self.obstacle or (step > 0 and full)):
            return None
        if self._compilations >= _MOST_COMPILATIONS:
            self.obstacle = f"the model or the optimizer changed {_MOST_COMPILATIONS} times"
        try:
            if self.obstacle:
                raise NotTraceable(self.obstacle)
            with _apart():
                self._program = self._compile(group[0], step)
        except Exception as error:  # whatever tracing and compiling raise, the eager step works
            said = str(error).strip().splitlines() or [""]
            self._stay_eager(said[0] if isinstance(error, NotTraceable) else f"{type(error).__name__}: {said[0]}")
        return self._program

    def _compile(self, batch: Examples, step: int) -> _Program | None:
        undecided = self.decision == "open" and not self.always
        left = self.planned_steps - step
        if undecided:
            saved = left * _SHARE_SAVED * _seconds(self._twin_step(batch.cut(0, min(2, len(batch)))))
            if saved < _COMPILE_SECONDS:
                self._stay_eager(
                    f"compiling takes up to {_COMPILE_SECONDS:g} s and would save about {saved:.1f} s in {left} steps"
                )
                return None
        begin = time.perf_counter()
        program = _Program(self.parts, batch, step)
        program.verify(self._twin(), batch, step)
        seconds = time.perf_counter() - begin
        if undecided:
            eager, compiled = _seconds(self._twin_step(batch)), _seconds(program.rehearsal(batch, step))
            if compiled > (1 - _LEAST_GAIN) * eager:
                self._stay_eager(f"a step takes {compiled * 1e6:.0f} us compiled and {eager * 1e6:.0f} us as it is")
                return None
        self._clear()
        self._compilations += 1
        self.decision = "compiled"
        self.note(event="the step is compiled", step=step, seconds=round(seconds, 2))
        return program

    def _stay_eager(self, reason: str) -> None:
        self.decision = "eager"
        self.note(event="the step is not compiled", reason=reason)

    def _twin(self) -> Update:
        """An eager update of copies of the model and the optimizer."""
        model, optimizer, penalised = copy.deepcopy((self.model, self.optimizer, list(self.parts.penalised)))
        l1, l2 = self.parts.l1, self.parts.l2

        def penalise(step: int) -> None:
            kept = [p for p in penalised if p.grad is not None]
            add_penalty_gradient([p.grad for p in kept if p.grad is not None], kept, l1, l2)

        hooks = [penalise] if l1 or l2 else []
        return Update(model, self.loss, optimizer, autocast=self.autocast, clip=self.clip, before_step=hooks)

    def _twin_step(self, batch: Examples) -> Callable[[], Any]:
        twin = self._twin()
        return lambda: twin.update([batch], 1)


class _Program:
    """A compiled step, bound to the tensors of a run."""

    def __init__(self, parts: Ingredients, batch: Examples, step: int) -> None:
        self.parts = parts
        self._bind(step)
        self.fits = _layout(batch_tensors(batch))
        self.python = _python_state(parts)
        if any(_hooks(parts)):
            raise NotTraceable("hooks are registered on the model or the optimizer")
        self.graph = trace(parts, self.tensors, batch)
        key = self.graph.key
        if key not in _compiled:
            example = [*self.flat, *batch_tensors(batch), *self.graph.number_tensors]
            _compiled[key] = _compile_graph(self.graph, example)
        self.call = _compiled[key]
        self.numbers = self.graph.number_tensors

    def _bind(self, step: int) -> None:
        self.tensors = StepTensors(self.parts)
        self.flat = self.tensors.flat
        self.state = self.parts.optimizer.state
        # The optimizer's own count, which a loaded state may have ahead of or behind the run's.
        self.ahead = (float(self.tensors.counts[0]) if self.tensors.counts else float(step)) - step

    def takes(self, group: Sequence[Examples]) -> bool:
        """Whether the step was compiled for batches like this one."""
        return len(group) == 1 and _layout(batch_tensors(group[0])) == self.fits

    def is_valid(self) -> bool:
        """Whether nothing changed that the compiled step has taken for granted."""
        return _python_state(self.parts) == self.python and not any(_hooks(self.parts))

    def __call__(self, batch: Examples, step: int) -> tuple[Tensor, Tensor]:
        """Update; returns the loss and the norm of the gradient before any limit."""
        if self.parts.optimizer.state is not self.state:
            self._bind(step)
        return self._run(self.flat, batch, step)

    def _run(self, flat: list[Tensor], batch: Examples, step: int) -> tuple[Tensor, Tensor]:
        self.graph.fill(step + self.ahead, [float(group["lr"]) for group in self.parts.optimizer.param_groups])
        loss, norm = self.call(*flat, *batch_tensors(batch), *self.numbers)
        return loss, norm

    def rehearsal(self, batch: Examples, step: int) -> Callable[[], Any]:
        """The step on copies of the tensors."""
        copies = [t.clone() for t in self.flat]
        return lambda: self._run(copies, batch, step)

    def verify(self, twin: Update, batch: Examples, step: int) -> None:
        """Compare a step on copies with the eager one.

        Raises:
            NotTraceable: If they differ, or the eager one does what a trace does not show.
        """
        copies = [t.clone() for t in self.flat]
        noise, python = torch.get_rng_state(), _python_state(self.parts)
        ours = [float(value) for value in self._run(copies, batch, step)]
        torch.set_rng_state(noise)
        drawn = random.getstate(), np.random.get_state()
        before = [p.detach().clone() for p in twin.parameters]
        loss = float(twin.update([batch], 0))
        theirs = [loss, *(float(value) for name, value in twin.looks if name == "gradient_norm")]
        if repr(drawn) != repr((random.getstate(), np.random.get_state())):
            random.setstate(drawn[0])
            np.random.set_state(drawn[1])
            raise NotTraceable("the model draws from Python's or NumPy's random numbers")
        if _module_state(twin.model) != python[0]:
            raise NotTraceable("the model changes its Python attributes when it is called")
        tolerance = _TOLERANCE[twin.autocast is not None]
        if not np.allclose(ours, theirs, rtol=tolerance, atol=1e-6, equal_nan=True):
            raise NotTraceable(f"loss and gradient norm compiled are {ours}, and {theirs} as it is")
        names = [self.tensors.names[id(p)] for group in self.parts.optimizer.param_groups for p in group["params"]]
        position = {name: i for i, name in enumerate(self.tensors.parameters)}
        after = [copies[position[name]] for name in names]
        apart, change = (update_ratio(before, values) for values in (after, twin.parameters))
        off = update_ratio(list(twin.parameters), after)
        if not float(off) <= 0.5 * float(change) + 1e-6:
            raise NotTraceable(f"the weights move by {float(apart):.3g} compiled, and {float(change):.3g} as it is")


def _compile_graph(graph: StepGraph, example: Sequence[Tensor]) -> Callable[..., Any]:
    """Compile with torch's inductor; dropout draws the numbers that it draws eagerly, and layouts are checked here."""
    from torch._inductor import standalone_compile

    on_cpu = all(tensor.device.type == "cpu" for tensor in example)
    patches = {
        "fallback_random": True,
        "size_asserts": False,
        "alignment_asserts": False,
        "cpp_wrapper": on_cpu,  # calls the kernels from C++: a third of the time of a small network's step
    }
    with torch.no_grad():
        compiled: Callable[..., Any] = standalone_compile(
            graph.module, list(example), dynamic_shapes="from_example_inputs", options={"config_patches": patches}
        )
    return compiled


def _layout(tensors: Sequence[Tensor]) -> list[tuple[Any, ...]]:
    return [(t.shape, t.stride(), t.dtype) for t in tensors]


def _python_state(parts: Ingredients) -> tuple[Any, ...]:
    """What a trace takes for granted: plain attributes of the modules, and the settings of the optimizer."""
    settings = [{k: v for k, v in g.items() if k not in ("params", "lr")} for g in parts.optimizer.param_groups]
    return _module_state(parts.model), settings


def _module_state(model: nn.Module) -> list[Any]:
    found: list[Any] = [[p.requires_grad for p in model.parameters()]]
    for module in model.modules():
        for name, value in vars(module).items():
            if isinstance(value, Tensor):
                raise NotTraceable(
                    f"`{name}` of a {type(module).__name__} is a tensor, but neither parameter nor buffer"
                )
            if isinstance(value, bool | int | float | str | tuple | None):
                found.append((name, value))
            elif not name.startswith("_") and hasattr(value, "__len__"):
                found.append((name, len(value)))
    return found


def _hooks(parts: Ingredients) -> Iterator[Any]:
    """Hooks of the modules, their parameters and the optimizer: a compiled step would pass them over."""
    for module in parts.model.modules():
        yield from (
            hooks for name, hooks in vars(module).items() if name.endswith("_hooks") and "state_dict" not in name
        )
    for p in parts.model.parameters():
        yield p._backward_hooks
        yield getattr(p, "_post_accumulate_grad_hooks", None)
    yield parts.optimizer._optimizer_step_pre_hooks
    yield parts.optimizer._optimizer_step_post_hooks


def _seconds(function: Callable[[], Any]) -> float:
    """Median time of a call, after two others."""
    times = []
    for _ in range(12):
        begin = time.perf_counter()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return median(times[2:])


@contextmanager
def _apart() -> Iterator[None]:
    """Leave the random streams alone, and keep the compiler's warnings to itself."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
