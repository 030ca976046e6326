"""Dropout whose probability differs from run to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn


def is_dropout(module: nn.Module) -> TypeGuard[nn.Dropout]:
    """Whether a module is dropout whose probability may differ from run to run of a stack."""
    return type(module) is nn.Dropout


class Dropping:
    r"""What one dropout layer of K runs drops.

    A mask compares 8 random bits with a limit: a sixth of the time of `F.dropout` on a CPU. Where 256 p is not whole,
    the limits of a feature in a step are drawn between the two whole numbers next to it, so that each value is dropped
    with probability p exactly; two values of a feature then correlate by less than $2^{-16}$.

    Args:
        p_K: Probabilities, (K,).

    Attributes:
        active: Whether any run drops anything.
        scale: What is kept is multiplied with, $1 / (1 - p)$: a number, or (K, 1, 1) where the runs differ.
    """

    def __init__(self, p_K: Tensor) -> None:
        values = [float(p) for p in p_K.tolist()]
        same = len(set(values)) == 1
        self.active = any(values)
        self._p: Any = values[0] if same else p_K.reshape(-1, 1, 1)
        self.scale: Any = _scale(values[0]) if same else p_K.new_tensor([_scale(p) for p in values]).reshape(-1, 1, 1)
        self._in_bits = all(256 * p <= 255 for p in values)
        self._whole = all((256 * p) % 1 == 0 for p in values)
        limit: Any = 256 * self._p
        self._limit = limit.to(torch.uint8) if self._whole and self._in_bits and not same else limit

    def draw(self, x: Tensor, buffer: Callable[[str, tuple[int, ...], Tensor], Tensor]) -> Tensor:
        """Draw 0 for each value (K, F, B) that is dropped, `scale` for the others.

        Args:
            x: Values; their numbers are not looked at.
            buffer: Gives memory of a name and shape, like a tensor.
        """
        mask = buffer("mask", tuple(x.shape), x)
        if self._in_bits:
            bits = buffer("bits", (-(-x.numel() // 8),), torch.empty(0, dtype=torch.int64, device=x.device))
            drawn = bits.random_(-(2**63), None).view(torch.uint8)[: x.numel()].view(x.shape)
            limit = self._limit
            if not self._whole:
                limit = torch.rand(*x.shape[:2], 1, device=x.device).add_(limit).to(torch.uint8)
            torch.ge(drawn, limit, out=mask)
        else:
            mask.bernoulli_(1 - self._p)
        return mask.mul_(self.scale)


class RunDropout(nn.Module):
    """Dropout whose probability is a buffer, for `vmap` over runs."""

    p: Tensor

    def __init__(self, p: float) -> None:
        super().__init__()
        self.register_buffer("p", torch.tensor(p), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share of the values and scale the others."""
        return dropped(x, self.p) if self.training else x


def dropped(x: Tensor, p: Tensor) -> Tensor:
    """Zero a share p of the values and scale the others; p broadcasts to x."""
    scale = torch.where(p < 1, 1 / (1 - p), 0)
    kept = torch.rand(x.shape, device=x.device) >= p
    return x * (kept * scale).to(x.dtype)


def with_run_dropout(model: nn.Module) -> nn.Module:
    """Replace every `nn.Dropout` of a model, in place, by one whose probability is its buffer `p`."""
    new = {id(m): RunDropout(m.p) for m in model.modules() if is_dropout(m)}
    if is_dropout(model):
        return new[id(model)]
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if id(child) in new:
                parent._modules[name] = new[id(child)]
    return model


def dropouts_of(model: nn.Module) -> dict[str, float]:
    """Probability of each `nn.Dropout` of a model, by name; one that is used in several places by all its names."""
    modules = model.named_modules(remove_duplicate=False)
    return {name: module.p for name, module in modules if is_dropout(module)}


def _scale(p: float) -> float:
    return 1 / (1 - p) if p < 1 else 0.0
