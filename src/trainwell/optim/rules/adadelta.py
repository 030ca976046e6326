"""Adadelta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from trainwell.optim.rules.rule import (
    Hyper,
    Rule,
    State,
    Step,
    add_scaled_,
    approach_,
    shaped,
    with_coupled_decay,
    zeros,
)


@dataclass(frozen=True)
class Adadelta(Rule):
    r"""Divide by the root mean square of gradients, multiply by that of updates, with coupled decay.

    $$ v \leftarrow \rho v + (1 - \rho) g^2, \quad u = \sqrt{\frac{a + \epsilon}{v + \epsilon}}\, g, \quad
       a \leftarrow \rho a + (1 - \rho) u^2, \quad \theta \leftarrow \theta - \eta u $$

    Hyper-parameters: lr $\eta$, rho $\rho$, eps $\epsilon$, weight_decay.

    Source:
        Zeiler 2012; the same as torch.optim.Adadelta.
    """

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Averages of squared gradients and squared updates."""
        return {"square_avg": zeros(params), "acc_delta": zeros(params)}

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and averages in place."""
        fresh = 1 - hyper["rho"]
        for p, grad, square, accumulated in zip(params, grads, state["square_avg"], state["acc_delta"], strict=True):
            g, eps = with_coupled_decay(grad, p, hyper["weight_decay"]), shaped(hyper["eps"], p)
            approach_(square, g * g, fresh)
            update = ((accumulated + eps) / (square + eps)).sqrt_().mul_(g)
            approach_(accumulated, update * update, fresh)
            add_scaled_(p, update, -hyper["lr"])
