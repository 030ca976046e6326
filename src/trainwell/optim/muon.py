"""Muon for hidden matrices and AdamW for all else, as one torch optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from trainwell.optim.rules.muon import Muon as MuonRule


class Muon(torch.optim.Optimizer):
    r"""Update groups with `rule = "muon"` by the orthogonalised momentum, groups with `rule = "adamw"` by AdamW.

    Args:
        groups: Groups of parameters. Those of Muon have lr, weight_decay, momentum, nesterov and ns_steps; those of
            AdamW what torch.optim.AdamW takes.

    Source:
        Jordan et al. 2024; the same as torch.optim.Muon. Differs: takes convolution kernels as matrices
        (out channels, all else), iterates in float32 on a CPU, and has the usual AdamW for other parameters inside.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__(groups, {})
        self._link()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._link()

    def _link(self) -> None:
        """Let an AdamW work on our own groups and state, which loading a state replaces."""
        groups = [g for g in self.param_groups if g["rule"] == "adamw"]
        self._adamw = None
        if groups:
            names = [g.pop("param_names", None) for g in groups]
            self._adamw = torch.optim.AdamW(groups)
            for group, known in zip(groups, names, strict=True):
                if known is not None:
                    group["param_names"] = known
            self._adamw.state = self.state

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["rule"] == "muon":
                self._update([p for p in group["params"] if p.grad is not None], group)
        if self._adamw is not None:
            self._adamw.step()
        return loss

    def _update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        for p in params:
            self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
        buffers = [self.state[p]["momentum_buffer"] for p in params]
        rule = MuonRule(nesterov=group["nesterov"], ns_steps=group["ns_steps"])
        grads: list[Any] = [p.grad for p in params]
        rule.update_(grads, {"momentum_buffer": buffers}, params, group, 0)
