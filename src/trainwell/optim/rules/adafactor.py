"""Adafactor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainwell.optim.rules.rule import Hyper, Rule, State, Step, add_scaled_, approach_, count, decay_

_SMALLEST_RMS = 1e-3  # epsilon_2 of the paper and of torch.optim


@dataclass(frozen=True)
class Adafactor(Rule):
    r"""Second moments as a product of row and column means, steps relative to the size of the parameter.

    $$ \hat\beta_t = 1 - t^{\tau}, \quad \alpha_t = \max(\epsilon_2, \text{RMS}(\theta)) \min(\eta, t^{-1/2}), \quad
       \theta \leftarrow \theta - \eta\lambda\theta - \alpha_t\, \frac{u}{\max(1, \text{RMS}(u)/d)}, \quad
       u = \frac{g}{\sqrt{\hat v}} $$

    Hyper-parameters: lr $\eta$, beta2_decay $\tau$, clip_threshold $d$, weight_decay $\lambda$.

    Source:
        Shazeer & Stern 2018; the same as torch.optim.Adafactor.
    """

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Means of squares along rows and columns of the last two dimensions; full ones for vectors."""
        rows = [p.new_zeros((*p.shape[:-1], 1)) if self._factored(p) else p.new_zeros(0) for p in params]
        columns = [
            p.new_zeros((*p.shape[:-2], 1, p.shape[-1])) if self._factored(p) else p.new_zeros(0) for p in params
        ]
        full = [p.new_zeros(0) if self._factored(p) else torch.zeros_like(p) for p in params]
        return {"row_var": rows, "col_var": columns, "variance": full}

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and means in place."""
        lr, t = hyper["lr"], count(step)
        fresh = t ** hyper["beta2_decay"]
        for i, (p, g) in enumerate(zip(params, grads, strict=True)):
            eps = torch.finfo(p.dtype).eps
            relative = torch.as_tensor(lr, dtype=p.dtype, device=p.device).clamp(max=_as_number(t**-0.5, p))
            rate = self._rms(p).clamp(min=_SMALLEST_RMS) * relative
            decay_(p, lr, hyper["weight_decay"])
            if self._factored(p):
                row = approach_(state["row_var"][i], g.square().mean(-1, keepdim=True), fresh)
                column = approach_(state["col_var"][i], g.square().mean(-2, keepdim=True), fresh)
                variance = (row @ column).div_(row.mean(-2, keepdim=True).clamp_(min=eps))
            else:
                variance = approach_(state["variance"][i], g * g, fresh)
            update = variance.clamp(min=eps * eps).rsqrt_().mul_(g)
            rate = rate / (self._rms(update) / _as_number(hyper["clip_threshold"], p)).clamp(min=1)
            add_scaled_(p, update, -rate)

    def _factored(self, parameter: Tensor) -> bool:
        return parameter.ndim - self.stacked > 1

    def _rms(self, tensor: Tensor) -> Tensor:
        """Root mean square over all dimensions of one run."""
        runs = tensor.shape[: int(self.stacked)]
        return tensor.reshape(*runs, -1).square().mean(-1).sqrt()


def _as_number(value: float | Tensor, like: Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=like.dtype, device=like.device)
