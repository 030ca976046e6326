"""Examples in memory, a whole split or a batch: the first dimension of every tensor is the example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from trainwell.errors import ProblemError

Inputs: TypeAlias = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
TARGET_KEYS = ("targets", "target", "y")
LABEL_KEYS = ("labels", "label")


def tensors_of(inputs: Inputs) -> tuple[Tensor, ...]:
    """The tensors of a batch of inputs, in order."""
    if isinstance(inputs, Tensor):
        return (inputs,)
    return tuple(inputs.values()) if isinstance(inputs, dict) else inputs


def map_inputs(function: Callable[[Tensor], Tensor], inputs: Inputs) -> Inputs:
    """Apply a function to every tensor of a batch of inputs, keeping its structure."""
    if isinstance(inputs, Tensor):
        return function(inputs)
    if isinstance(inputs, dict):
        return {name: function(tensor) for name, tensor in inputs.items()}
    return tuple(function(tensor) for tensor in inputs)


@dataclass(frozen=True, eq=False)
class Examples:
    """A split, or a batch of it, in memory.

    Attributes:
        inputs: What the model is called with: a tensor, a tuple (positional) or a dict (keywords) of tensors.
        targets: int64 class indices (N,) or tokens (N, T), float32 (N, L) for multi-label, float32 (N,) or
            (N, T) for regression; None where the model's forward returns the loss (Hugging Face style).
    """

    inputs: Inputs
    targets: Tensor | None = None

    def __len__(self) -> int:
        return len(tensors_of(self.inputs)[0])

    def take(self, index: Tensor) -> Examples:
        """The examples at some indices (int64, on the same device), copied."""
        inputs, targets = self.inputs, self.targets
        if isinstance(inputs, Tensor):  # the fast path of the training loop
            return Examples(inputs.index_select(0, index), None if targets is None else targets.index_select(0, index))
        return self.map(lambda tensor: tensor.index_select(0, index))

    def cut(self, start: int, stop: int) -> Examples:
        """Consecutive examples, as views."""
        return self.map(lambda tensor: tensor[start:stop])

    def map(self, function: Callable[[Tensor], Tensor]) -> Examples:
        """Apply a function to every tensor, targets included."""
        targets = None if self.targets is None else function(self.targets)
        return Examples(map_inputs(function, self.inputs), targets)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Examples:
        """Move to a device; tensors that are there already are shared."""
        return self.map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    @property
    def labels(self) -> Tensor | None:
        """The targets, or the labels that are passed to a model which returns its own loss."""
        if self.targets is None and isinstance(self.inputs, dict):
            return next((self.inputs[key] for key in LABEL_KEYS if key in self.inputs), None)
        return self.targets

    @property
    def bytes(self) -> int:
        """Memory of all tensors. [bytes]"""
        tensors = [*tensors_of(self.inputs), *([] if self.targets is None else [self.targets])]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def as_batch(collated: Any) -> Examples:
    """Read inputs and targets off a batch: (x, y), (x1, x2, ..., y), a dict, or inputs alone.

    A dict gives up `targets`, `target` or `y`; `labels` stays in it and goes to the model, which then returns its loss.
    """
    if isinstance(collated, Examples):
        return collated
    if isinstance(collated, Mapping):
        tensors = {str(k): torch.as_tensor(v) for k, v in collated.items() if not isinstance(v, str | list)}
        key = next((key for key in TARGET_KEYS if key in tensors), None)
        targets = None if key is None else tensors.pop(key)
        return Examples({k: _model_tensor(v) for k, v in tensors.items()}, target_dtype(targets))
    if isinstance(collated, list | tuple):
        if len(collated) == 1:
            return as_batch(collated[0])
        *inputs, targets = collated
        if len(inputs) == 1 and isinstance(inputs[0], Mapping):
            return Examples(
                {str(k): _model_tensor(torch.as_tensor(v)) for k, v in inputs[0].items()},
                target_dtype(torch.as_tensor(targets)),
            )
        if len(inputs) == 1 and isinstance(inputs[0], list | tuple):
            inputs = list(inputs[0])
        tensors_in = tuple(_model_tensor(torch.as_tensor(part)) for part in inputs)
        return Examples(tensors_in[0] if len(tensors_in) == 1 else tensors_in, target_dtype(torch.as_tensor(targets)))
    if isinstance(collated, Tensor):
        return Examples(_model_tensor(collated))
    raise ProblemError(
        f"a batch must be (inputs, targets), a dict of tensors or a tensor, got {type(collated).__name__}. "
        "Return one of them from the data set or from `collate`"
    )


def _model_tensor(tensor: Tensor) -> Tensor:
    if tensor.dtype == torch.float32 or tensor.dtype == torch.int64 or tensor.is_complex():
        return tensor
    integer = not tensor.is_floating_point() and tensor.dtype not in (torch.uint8, torch.bool)
    return tensor.to(torch.int64 if integer else torch.float32)


def target_dtype(tensor: Tensor | None) -> Tensor | None:
    """Targets as int64 or float32."""
    if tensor is None:
        return None
    return tensor.float() if tensor.is_floating_point() else tensor.long()
