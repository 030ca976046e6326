"""Lion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainwell.optim.rules.rule import Hyper, Rule, State, Step, add_scaled_, approach_, decay_, shaped, zeros


@dataclass(frozen=True)
class Lion(Rule):
    r"""Step along the sign of an interpolated momentum, with decoupled decay.

    $$ \theta \leftarrow \theta - \eta\,(\operatorname{sign}(\beta_1 m + (1 - \beta_1) g) + \lambda\theta), \qquad
       m \leftarrow \beta_2 m + (1 - \beta_2) g $$

    Hyper-parameters: lr $\eta$, beta1, beta2, weight_decay $\lambda$.

    Source:
        Chen et al. 2023; the same as `trainwell.optim.lion.Lion`.
    """

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Averages of gradients."""
        return {"momentum_buffer": zeros(params)}

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and averages in place."""
        for p, g, m in zip(params, grads, state["momentum_buffer"], strict=True):
            direction = torch.lerp(m, g, shaped(1 - hyper["beta1"], p)).sign_()
            decay_(p, hyper["lr"], hyper["weight_decay"])
            add_scaled_(p, direction, -hyper["lr"])
            approach_(m, g, 1 - hyper["beta2"])
