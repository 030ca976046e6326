"""RAdam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainwell.optim.rules.rule import (
    Hyper,
    Rule,
    State,
    Step,
    approach_,
    count,
    decay_,
    shaped,
    with_coupled_decay,
    zeros,
)


@dataclass(frozen=True)
class RAdam(Rule):
    r"""Adam whose adaptive rate is rectified, and left out while its variance is unknown.

    $$ \rho_\infty = \frac{2}{1 - \beta_2} - 1, \quad \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}, \quad
       r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2)\rho_t}} $$
    $$ \theta \leftarrow \theta - \frac{\eta\, m}{1 - \beta_1^t}\, u, \qquad
       u = r_t \sqrt{1 - \beta_2^t} / (\sqrt v + \epsilon)\ (\rho_t > 5), \quad 1\ (\text{else}) $$

    Hyper-parameters: lr $\eta$, beta1, beta2, eps $\epsilon$, weight_decay.

    Source:
        Liu et al. 2020; the same as torch.optim.RAdam.
    """

    decoupled: bool = False

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Averages of gradients and of squares."""
        return {"exp_avg": zeros(params), "exp_avg_sq": zeros(params)}

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and averages in place."""
        lr, beta1, beta2, t = hyper["lr"], hyper["beta1"], hyper["beta2"], count(step)
        correction = torch.as_tensor(1 - beta2**t, dtype=torch.float64, device=params[0].device)
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * t * beta2**t / correction
        known = length > 5
        rectified = ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)).sqrt()
        rate = lr / (1 - beta1**t)
        adaptive = torch.where(known, rate * rectified * correction.sqrt(), 0.0)
        plain = torch.where(known, 0.0, rate)
        for p, grad, m, v in zip(params, grads, state["exp_avg"], state["exp_avg_sq"], strict=True):
            g = grad if self.decoupled else with_coupled_decay(grad, p, hyper["weight_decay"])
            if self.decoupled:
                decay_(p, lr, hyper["weight_decay"])
            approach_(m, g, 1 - beta1)
            approach_(v, g * g, 1 - beta2)
            factor = shaped(adaptive, p) / v.sqrt().add_(shaped(hyper["eps"], p)) + shaped(plain, p)
            p.addcmul_(m, factor, value=-1)
