"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
class Adam(Rule):
    r"""Average of gradients over the root of an average of squares; `decoupled` decay makes it AdamW.

    $$ m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
       \theta \leftarrow \theta - \frac{\eta}{1 - \beta_1^t}\,\frac{m}{\sqrt{v/(1 - \beta_2^t)} + \epsilon} $$

    `amsgrad`: the largest v so far in place of v.
    Hyper-parameters: lr $\eta$, beta1, beta2, eps $\epsilon$, weight_decay.

    Source:
        Kingma & Ba 2015; Loshchilov & Hutter 2019; Reddi et al. 2018. The same as torch.optim.Adam and AdamW.
    """

    decoupled: bool = False
    amsgrad: bool = False

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Averages of gradients and of squares, and the largest of these for amsgrad."""
        state = {"exp_avg": zeros(params), "exp_avg_sq": zeros(params)}
        return state | {"max_exp_avg_sq": zeros(params)} if self.amsgrad else state

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and averages in place."""
        lr, beta1, beta2, t = hyper["lr"], hyper["beta1"], hyper["beta2"], count(step)
        root = (1 - beta2**t) ** 0.5
        rate = lr * root / (1 - beta1**t)
        for i, (p, grad) in enumerate(zip(params, grads, strict=True)):
            m, v = state["exp_avg"][i], state["exp_avg_sq"][i]
            g = grad if self.decoupled else with_coupled_decay(grad, p, hyper["weight_decay"])
            if self.decoupled:
                decay_(p, lr, hyper["weight_decay"])
            approach_(m, g, 1 - beta1)
            approach_(v, g * g, 1 - beta2)
            if self.amsgrad:
                v = state["max_exp_avg_sq"][i].clamp_(min=v)
            add_quotient_(p, m, v.sqrt().add_(shaped(hyper["eps"] * root, p)), -rate)
