"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainwell.optim.rules.rule import Hyper, Rule, State, Step, add_quotient_, shaped, with_coupled_decay


@dataclass(frozen=True)
class Adagrad(Rule):
    r"""Divide by the root of the sum of squares, with coupled decay.

    $$ s \leftarrow s + g^2, \qquad \theta \leftarrow \theta - \frac{\eta}{1 + t\,d}\,\frac{g}{\sqrt s + \epsilon} $$

    Hyper-parameters: lr $\eta$, lr_decay $d$, initial_accumulator $s_0$, eps $\epsilon$, weight_decay.

    Source:
        Duchi et al. 2011; the same as torch.optim.Adagrad.
    """

    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """Sums of squares, starting at the initial accumulator."""
        return {"sum": [torch.zeros_like(p).add_(shaped(hyper["initial_accumulator"], p)) for p in params]}

    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and sums in place."""
        rate = hyper["lr"] / (1 + step * hyper["lr_decay"])
        for p, grad, total in zip(params, grads, state["sum"], strict=True):
            g = with_coupled_decay(grad, p, hyper["weight_decay"])
            total.addcmul_(g, g)
            add_quotient_(p, g, total.sqrt().add_(shaped(hyper["eps"], p)), -rate)
