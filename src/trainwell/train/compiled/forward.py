"""A compiled forward pass; the backward pass is compiled with it, the update of the weights is not."""

from __future__ import annotations

import time
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.train.compiled.graph import NotTraceable
from trainwell.train.update import Note


class CompiledForward(nn.Module):
    """A model whose forward pass on full batches is compiled; the module inside, and its state, stay as they are."""

    def __init__(self, model: nn.Module, batch_size: int, obstacle: str = "") -> None:
        super().__init__()
        self.model = model
        self.batch_size = batch_size
        self.note: Note = lambda **what: None
        self.obstacle = obstacle
        self._begun = False
        self._compiled: Any = None if obstacle else torch.compile(model, options={"fallback_random": True})

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Call the model."""
        if not self._begun:
            return self._first(*inputs, **named)
        full = self._compiled is not None and _examples(inputs, named) == self.batch_size
        return (self._compiled if full else self.model)(*inputs, **named)

    def _first(self, *inputs: Any, **named: Any) -> Any:
        if not self.obstacle and _examples(inputs, named) != self.batch_size:
            return self.model(*inputs, **named)
        self._begun = True
        try:
            if self.obstacle:
                raise NotTraceable(self.obstacle)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                begin = time.perf_counter()
                returned = self._compiled(*inputs, **named)
        except Exception as error:
            self._compiled = None
            said = str(error).strip().splitlines() or [""]
            self.note(event="the model is not compiled", reason=f"{type(error).__name__}: {said[0]}")
            return self.model(*inputs, **named)
        self.note(event="the model is compiled", seconds=round(time.perf_counter() - begin, 2))
        return returned


def _examples(inputs: tuple[Any, ...], named: dict[str, Any]) -> int:
    return len(next(v for v in (*inputs, *named.values()) if isinstance(v, Tensor)))
