"""Averages of the weights over the steps, evaluated and exported in place of the last ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trainwell.recipe.parts import Averaging


class Average(Protocol):
    """An average of a model's weights."""

    def update(self, step: int) -> None:
        """Take in the weights after an update."""

    def in_place(self) -> Any:
        """A context in which the model holds the average."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a checkpoint."""


class _Swapped:
    """Shared part: holds the average of parameters and floating buffers, and swaps it in."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.count = 0
        self.average = [t.detach().clone() for t in self._tensors()]

    def _tensors(self) -> Sequence[Tensor]:
        return [p.data for p in self.model.parameters()] + [b for b in self.model.buffers() if b.is_floating_point()]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model hold the average inside the block; its own weights come back to the bit."""
        if self.count == 0:
            yield
            return
        own = [t.clone() for t in self._tensors()]
        _copy(self._tensors(), self.average)
        try:
            yield
        finally:
            _copy(self._tensors(), own)

    def state_dict(self) -> dict[str, Any]:
        """Number of weights taken in, and the average."""
        return {"count": self.count, "average": self.average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.count = int(state["count"])
        _copy(self.average, state["average"])


class ExponentialAverage(_Swapped):
    r"""Exponential moving average with a warm-up of its decay.

    $$ a \leftarrow d_t a + (1 - d_t) w,\quad d_t = \min(d, (1 + t)/(10 + t)) $$

    Source:
        Polyak & Juditsky 1992; the warm-up as in Szegedy et al. 2016's training code. Buffers (batch norm's
        statistics) are averaged alike.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model)
        self.decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after an update."""
        d = min(self.decay, (1 + self.count) / (10 + self.count))
        torch._foreach_lerp_(self.average, list(self._tensors()), 1 - d)
        self.count += 1


class StochasticAverage(_Swapped):
    """Equal average of the weights at the ends of epochs (Izmailov et al. 2018).

    Differs: batch norm's statistics are averaged with the weights instead of measured anew.
    """

    def __init__(self, model: nn.Module, first_step: int, every: int) -> None:
        super().__init__(model)
        self.first_step, self.every = first_step, every

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights where an epoch of the averaging phase ends."""
        done = step + 1
        if done < self.first_step or done % self.every:
            return
        self.count += 1
        torch._foreach_lerp_(self.average, list(self._tensors()), 1 / self.count)


def average_of(part: Averaging, model: nn.Module, total_steps: int, steps_per_epoch: int) -> Average | None:
    """The average that a recipe means, or None."""
    if part.name == "ema":
        return ExponentialAverage(model, part.decay)
    if part.name == "swa":
        return StochasticAverage(model, round(part.start * total_steps), steps_per_epoch)
    return None


def _copy(into: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for target, value in zip(into, values, strict=True):
            target.copy_(value)
