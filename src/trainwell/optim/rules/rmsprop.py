"""RMSprop."""

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
    add_scaled_,
    approach_,
    is_zero,
    shaped,
    with_coupled_decay,
    zeros,
)


@dataclass(frozen=True)
class RMSprop(Rule):
    r"""Divide by the root of an average of squares, with momentum and coupled decay.

    $$ v \leftarrow \alpha v + (1 - \alpha) g^2, \qquad b \leftarrow \mu b + g / (\sqrt v + \epsilon), \qquad
       \theta \leftarrow \theta - \eta b $$

    `centered`: $v - \bar g^2$ in place of $v$, with $\bar g$ the average of gradients.
    Hyper-parameters: lr $\eta$, alpha $\alpha$, eps $\epsilon$, momentum $\mu$, weight_decay.

    Source:
        Tieleman & Hinton 2012; the same as torch.optim.RMSprop.
    """

    centered: bool = False

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Averages of squares; of gradients if centred; momentum buffers unless the momentum is the number 0."""
        state = {"square_avg": zeros(params)}
        if self.centered:
            state["grad_avg"] = zeros(params)
        if not is_zero(hyper["momentum"]):
            state["momentum_buffer"] = zeros(params)
        return state

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and averages in place."""
        fresh = 1 - hyper["alpha"]
        for i, (p, grad, square) in enumerate(zip(params, grads, state["square_avg"], strict=True)):
            g = with_coupled_decay(grad, p, hyper["weight_decay"])
            approach_(square, g * g, fresh)
            variance = square
            if self.centered:
                mean = approach_(state["grad_avg"][i], g, fresh)
                variance = square.addcmul(mean, mean, value=-1)
            deviation = variance.sqrt().add_(shaped(hyper["eps"], p))
            if "momentum_buffer" in state:
                buffer = state["momentum_buffer"][i].mul_(shaped(hyper["momentum"], p)).addcdiv_(g, deviation)
                add_scaled_(p, buffer, -hyper["lr"])
            else:
                add_quotient_(p, g, deviation, -hyper["lr"])
