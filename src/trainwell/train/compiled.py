"""Compiled updates: the forward pass alone, or the whole step from the batch to the new weights.

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
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from trainwell.data import Examples
from trainwell.data.examples import tensors_of
from trainwell.train.step_graph import Ingredients, StepGraph, StepTensors, batch_tensors, trace
from trainwell.train.update import Update, update_ratio

Note = Callable[..., None]
Decision = Literal["open", "compiled", "eager"]
_COMPILE_SECONDS = 20.0  # first compilation of a small network, two busy cores
_OVERHEAD_SAVED = 0.6  # share of an eager step on very few examples that compiling saves: measured 0.55 to 0.7
_CHECK_EVERY = 50
_MOST_COMPILATIONS = 3
_compiled: dict[str, Callable[..., Any]] = {}


class CompiledUpdate(Update):
    """An update that becomes one compiled function after its first, eager one.

    Batches of another shape than the first full one (a ragged last batch) go through the eager update.

    Args:
        parts: What the step consists of.
        planned_steps: Length of the run.
        batch_size: Examples of a full batch.
        always: Whether to compile whatever it costs; otherwise where the planned length pays for it.
        options: Of `Update`.

    Attributes:
        note: Told what was decided, and why.
        decision: Whether the step is compiled; `auto` decides by measurement, so a resume must know.
    """

    def __init__(
        self, parts: Ingredients, *, planned_steps: int, batch_size: int, always: bool, reason: str = "", **options: Any
    ) -> None:
        super().__init__(parts.model, parts.loss, parts.optimizer, **options)
        self.parts, self.planned_steps, self.batch_size, self.always = parts, planned_steps, batch_size, always
        self.reason = reason
        self.note: Note = lambda **what: None
        self.decision: Decision = "open"
        self._program: _Program | None = None
        self._compilations = 0

    def update(self, group: Sequence[Examples], step: int) -> Tensor:
        """Update once, compiled where that was decided and the batch fits."""
        if self._program is None and self.decision != "eager":
            self._consider(group, step)
        program = self._program
        if program is None or not program.takes(group, step):
            return super().update(group, step)
        before = [p.detach().clone() for p in self.parameters] if step % (5 * self.gradients_every) == 0 else None
        loss, norm = program(group[0], step)
        if self.clip is not None or step % self.gradients_every == 0:
            self.looks.append(("gradient_norm", norm))
        if before is not None:
            self.looks.append(("update_ratio", update_ratio(before, self.parameters)))
        for hook in self.after_step:
            hook(step)
        return loss

    def _consider(self, group: Sequence[Examples], step: int) -> None:
        """Compile when the optimizer has its state and a full batch comes; decide against it with a reason."""
        if self.reason:
            return self._stay_eager(self.reason)
        if not self.optimizer.state and step == 0:
            return None
        if len(group) != 1 or len(group[0]) != self.batch_size:
            return None
        try:
            with _apart():
                self._compile(group[0], step)
        except Exception as error:  # whatever tracing and compiling raise, the eager step works
            self._stay_eager(f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}")
        return None

    def _compile(self, batch: Examples, step: int) -> None:
        deciding = self.decision == "open" and not self.always
        if deciding:
            overhead = self._eager_seconds(_few(batch))
            saved = (self.planned_steps - step) * overhead * _OVERHEAD_SAVED
            if saved < _COMPILE_SECONDS:
                return self._stay_eager(
                    f"compiling costs about {_COMPILE_SECONDS:g} s and would save about {saved:.2g} s in "
                    f"{self.planned_steps - step} steps"
                )
        begin = time.perf_counter()
        program = _Program(self.parts, batch, step)
        program.verify(self._twin(), batch, step)
        seconds = time.perf_counter() - begin
        if deciding:
            eager, compiled = self._eager_seconds(batch), program.seconds(batch)
            if compiled > 0.95 * eager:
                return self._stay_eager(f"compiled it takes {compiled * 1e6:.0f} us a step, eagerly {eager * 1e6:.0f}")
        self._clear()
        self._program = program
        self._compilations += 1
        self.decision = "compiled"
        self.note(event="the step is compiled", step=step, seconds=round(seconds, 2))
        return None

    def _stay_eager(self, reason: str) -> None:
        self._program = None
        self.decision = "eager"
        self.note(event="the step is not compiled", reason=reason)

    def _twin(self) -> Update:
        """An eager update of copies of the model and the optimizer."""
        model, optimizer = copy.deepcopy((self.model, self.optimizer))
        twin = Update(
            model, self.loss, optimizer, autocast=self.autocast, clip=self.clip, gradients_every=self.gradients_every
        )
        return twin

    def _eager_seconds(self, batch: Examples) -> float:
        twin = self._twin()
        return _seconds(lambda: twin.update([batch], 1))
