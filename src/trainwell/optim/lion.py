"""Lion as a torch optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Lion(torch.optim.Optimizer):
    r"""Step along the sign of an interpolated momentum.

    $$ \theta \leftarrow \theta - \eta\,(\operatorname{sign}(\beta_1 m + (1 - \beta_1) g) + \lambda \theta), \qquad
       m \leftarrow \beta_2 m + (1 - \beta_2) g $$

    Args:
        params: Parameters or groups of them.
        lr: Rate $\eta$, about a third to a tenth of AdamW's. A tensor avoids recompilation.
        betas: $\beta_1$ of the step and $\beta_2$ of the memory.
        weight_decay: Decoupled decay $\lambda$, about three to ten times AdamW's.

    Source:
        Chen et al. 2023, Symbolic discovery of optimization algorithms.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if params:
                self._update(params, group)
        return loss

    def _update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        grads: list[Any] = [p.grad for p in params]
        momenta = [self._momentum(p) for p in params]
        lr, (beta1, beta2) = group["lr"], group["betas"]
        direction = torch._foreach_lerp(momenta, grads, 1 - beta1)
        torch._foreach_sign_(direction)
        if group["weight_decay"]:
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
        if isinstance(lr, Tensor):
            torch._foreach_mul_(direction, -lr)
            torch._foreach_add_(params, direction)
        else:
            torch._foreach_add_(params, direction, alpha=-lr)
        torch._foreach_lerp_(momenta, grads, 1 - beta2)

    def _momentum(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer: Tensor = state["momentum_buffer"]
        return buffer
