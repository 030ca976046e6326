"""Limits of the gradient, in place; each returns the norm before clipping as a tensor and never waits for a GPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from trainwell.recipe.parts import Clipping

_EPS = 1e-6  # as torch.nn.utils.clip_grad_norm_


def total_norm(grads: Sequence[Tensor]) -> Tensor:
    """Euclidean norm of all gradients as one vector, shape ()."""
    norms = torch._foreach_norm(list(grads))
    if any(n.device != norms[0].device or n.dtype != norms[0].dtype for n in norms):
        norms = tuple(n.to(norms[0].device, torch.float32) for n in norms)
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return norm


@torch.no_grad()
def clip_by_norm(grads: Sequence[Tensor], limit: float | Tensor) -> Tensor:
    r"""Shrink all gradients together so that their norm is at most the limit.

    $$ g \leftarrow g \min(1, c / (\lVert g \rVert + 10^{-6})) $$

    Args:
        grads: Gradients of one model, changed in place.
        limit: Largest norm c.

    Returns:
        Norm before, shape (). A norm that is not finite makes every gradient not finite.

    Source:
        Pascanu et al. 2013; the same as torch.nn.utils.clip_grad_norm_, in a third of its time on small networks.
    """
    norm = total_norm(grads)
    if norm.is_cpu and not torch.compiler.is_compiling():  # looking at a CPU value costs nothing and may save a pass
        scale = float(limit) / (norm.item() + _EPS)
        if not scale >= 1:
            torch._foreach_mul_(list(grads), scale)
    else:
        torch._foreach_mul_(list(grads), (limit / (norm + _EPS)).clamp(max=1.0))
    return norm


@torch.no_grad()
def clip_by_value(grads: Sequence[Tensor], limit: float) -> Tensor:
    """Cut each number of the gradients to [-limit, limit] in place, and return the norm before, shape ()."""
    norm = total_norm(grads)
    torch._foreach_clamp_min_(list(grads), -limit)
    torch._foreach_clamp_max_(list(grads), limit)
    return norm


class AdaptiveClipping:
    r"""Clip by norm at a percentile of the norms seen so far.

    $$ c_t = Q_p(\lVert g_1 \rVert, \dots, \lVert g_t \rVert) $$

    Norms that are not finite enter the history as the limit of the step before.

    Args:
        percentile: Percentile p. [0 to 100]
        window: Norms that are remembered.

    Source:
        Seetharaman et al. 2020, AutoClip. Differs: the last `window` norms instead of all, and no interpolation.
    """

    def __init__(self, percentile: float = 90.0, window: int = 1000) -> None:
        self.percentile = percentile
        self.window = window
        self.seen = 0
        self._history = torch.zeros(0)
        self._limit = torch.zeros(())

    @torch.no_grad()
    def __call__(self, grads: Sequence[Tensor]) -> Tensor:
        """Clip the gradients in place and return the norm before, shape ()."""
        norm = total_norm(grads)
        if len(self._history) == 0:
            self._history, self._limit = norm.new_zeros(self.window), torch.zeros_like(norm)
        self._history[self.seen % self.window] = torch.where(norm.isfinite(), norm, self._limit)
        self.seen += 1
        known = min(self.seen, self.window)
        rank = max(1, math.ceil(self.percentile / 100 * known - 1e-9))
        self._limit = self._history[:known].sort().values[rank - 1]  # kthvalue is slow on falling norms
        torch._foreach_mul_(list(grads), (self._limit / (norm + _EPS)).clamp(max=1.0))
        return norm

    def state_dict(self) -> dict[str, Any]:
        """What changes: the number of norms seen, the remembered ones, (0 or window,), and the limit, ()."""
        return {"seen": self.seen, "history": self._history.clone(), "limit": self._limit.clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.seen = int(state["seen"])
        self._history, self._limit = state["history"].clone(), state["limit"].clone()


Clipper = Callable[[Sequence[Tensor]], Tensor]


def clipper_of(part: Clipping) -> Clipper:
    """The clipping of a recipe: from gradients (changed in place) to their norm before; `none` only measures."""
    if part.name == "norm":
        return lambda grads: clip_by_norm(grads, part.limit)
    if part.name == "value":
        return lambda grads: clip_by_value(grads, part.limit)
    return AdaptiveClipping(part.percentile) if part.name == "adaptive" else total_norm


def norms_of_runs(grads: Sequence[Tensor]) -> Tensor:
    """Norm of all gradients of each run of a stack: from tensors (K, ...) to (K,)."""
    norms = [torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1) for g in grads]
    total: Tensor = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    return total


def clip_runs_by_norm(grads: Sequence[Tensor], limits: float | Tensor) -> tuple[list[Tensor], Tensor]:
    """Clip each run of a stack by its own norm, without changing the arguments.

    Args:
        grads: Gradients, (K, ...).
        limits: Largest norm, one number or (K,); infinity leaves a run as it is.

    Returns:
        Clipped gradients, and the norm of each run before, (K,).
    """
    norms = norms_of_runs(grads)
    scale = (limits / (norms + _EPS)).clamp(max=1.0)
    return [g * scale.to(g.dtype).reshape(-1, *[1] * (g.ndim - 1)) for g in grads], norms


@torch.no_grad()
def clip_runs_by_norm_(grads: Sequence[Tensor], limits: float | Tensor) -> Tensor:
    """`clip_runs_by_norm` in place; returns the norms before, (K,)."""
    norms = norms_of_runs(grads)
    scale = (limits / (norms + _EPS)).clamp(max=1.0)
    for g in grads:
        g.mul_(scale.to(g.dtype).reshape(-1, *[1] * (g.ndim - 1)))
    return norms
