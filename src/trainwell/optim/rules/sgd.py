"""Stochastic gradient descent with momentum."""

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
    is_zero,
    shaped,
    with_coupled_decay,
    zeros,
)


@dataclass(frozen=True)
class SGD(Rule):
    r"""Momentum, plain or Nesterov's, with coupled decay.

    $$ g \leftarrow g + \lambda\theta, \quad b \leftarrow \mu b + (1 - \tau) g \ (\text{first: } b = g), \quad
       \theta \leftarrow \theta - \eta\,(b \text{ or } g + \mu b) $$

    Hyper-parameters: lr $\eta$, momentum $\mu$, dampening $\tau$, weight_decay $\lambda$.

    Source:
        Sutskever et al. 2013; the same as torch.optim.SGD.
    """

    nesterov: bool = False

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Momentum buffers, none where the momentum is the number 0."""
        return {} if is_zero(hyper["momentum"]) else {"momentum_buffer": zeros(params)}

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and momentum buffers in place."""
        momentum, lr = hyper["momentum"], hyper["lr"]
        kept = 1 - hyper["dampening"] * (momentum != 0) * (step > 0)
        for i, (p, grad) in enumerate(zip(params, grads, strict=True)):
            g = with_coupled_decay(grad, p, hyper["weight_decay"])
            if "momentum_buffer" in state:
                buffer = state["momentum_buffer"][i]
                buffer.mul_(shaped(momentum, p))
                add_scaled_(buffer, g, kept)
                g = add_scaled_(g.clone(), buffer, momentum) if self.nesterov else buffer
            add_scaled_(p, g, -lr)
