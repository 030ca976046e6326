"""NAdam."""

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
    add_quotient_,
    approach_,
    count,
    decay_,
    shaped,
    with_coupled_decay,
    zeros,
)


@dataclass(frozen=True)
class NAdam(Rule):
    r"""Adam with Nesterov momentum.

    $$ \mu_t = \beta_1 (1 - \tfrac12\, 0.96^{t \psi}), \quad
       \theta \leftarrow \theta - \eta \Big( \frac{(1 - \mu_t)\, g}{1 - \prod_{i \le t} \mu_i}
       + \frac{\mu_{t+1}\, m}{1 - \prod_{i \le t + 1} \mu_i} \Big)
       \Big/ \big(\sqrt{v/(1 - \beta_2^t)} + \epsilon\big) $$

    Hyper-parameters: lr $\eta$, beta1, beta2, eps $\epsilon$, momentum_decay $\psi$, weight_decay.

    Source:
        Dozat 2016; the same as torch.optim.NAdam. Differs: the product of the momenta is kept in float64.
    """

    decoupled: bool = False

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Averages of gradients and of squares, and the product of the momenta so far, one a run."""
        runs = params[0].shape[:1] if self.stacked else ()
        product = torch.ones(runs, dtype=torch.float64, device=params[0].device)
        return {"exp_avg": zeros(params), "exp_avg_sq": zeros(params), "mu_product": [product]}

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters, averages and product in place."""
        lr, beta1, beta2, t = hyper["lr"], hyper["beta1"], hyper["beta2"], count(step)
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * hyper["momentum_decay"]))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * hyper["momentum_decay"]))
        product = state["mu_product"][0].mul_(mu)
        root = (1 - beta2**t) ** 0.5
        rate_g = lr * root * (1 - mu) / (1 - product)
        rate_m = lr * root * mu_next / (1 - product * mu_next)
        for p, grad, m, v in zip(params, grads, state["exp_avg"], state["exp_avg_sq"], strict=True):
            g = grad if self.decoupled else with_coupled_decay(grad, p, hyper["weight_decay"])
            if self.decoupled:
                decay_(p, lr, hyper["weight_decay"])
            approach_(m, g, 1 - beta1)
            approach_(v, g * g, 1 - beta2)
            mixture = g * shaped(rate_g, p) + m * shaped(rate_m, p)
            add_quotient_(p, mixture, v.sqrt().add_(shaped(hyper["eps"] * root, p)), -1.0)
