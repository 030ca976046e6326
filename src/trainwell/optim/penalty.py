"""Penalties, limits and noise that act on gradients or weights directly, without a pass through autograd."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Amount = float | Tensor
"""One number, or one per run of a stack, (K,)."""


def penalty(params: Sequence[Tensor], l1: Amount = 0.0, l2: Amount = 0.0, *, stacked: bool = False) -> Tensor:
    r"""Value of the elastic net.

    $$ \lambda_1 \sum |w| + \tfrac12 \lambda_2 \sum w^2 $$

    Args:
        params: Penalised parameters, (...) or stacked (K, ...).
        l1: $\lambda_1$, lasso.
        l2: $\lambda_2$, ridge.
        stacked: Whether the parameters have the first dimension K.

    Returns:
        Shape (), or (K,) of a stack.

    Source:
        Zou & Hastie 2005.
    """
    rows = [p.reshape(len(p) if stacked else 1, -1) for p in params]
    absolute = torch.stack([r.abs().sum(1) for r in rows]).sum(0)
    squares = torch.stack([r.square().sum(1) for r in rows]).sum(0)
    value = l1 * absolute + 0.5 * l2 * squares
    return value if stacked else value.squeeze(0)


@torch.no_grad()
def add_penalty_gradient(grads: Sequence[Tensor], params: Sequence[Tensor], l1: Amount = 0.0, l2: Amount = 0.0) -> None:
    r"""Add the gradient of `penalty`, $\lambda_1 \operatorname{sign} w + \lambda_2 w$, to the gradients in place."""
    _add(grads, params, l2)
    if isinstance(l1, Tensor) or l1 != 0:
        _add(grads, torch._foreach_sign(list(params)), l1)


def _add(grads: Sequence[Tensor], directions: Sequence[Tensor], amount: Amount) -> None:
    if isinstance(amount, Tensor):
        for g, d in zip(grads, directions, strict=True):
            g.addcmul_(d, amount.to(g.dtype).reshape(-1, *[1] * (g.ndim - 1)))
    elif amount != 0:
        torch._foreach_add_(list(grads), list(directions), alpha=amount)


@torch.no_grad()
def project_rows(params: Sequence[Tensor], limit: float, *, stacked: bool = False) -> None:
    """Shrink in place the incoming weights of each output unit or filter to a norm of at most `limit`.

    Args:
        params: Weights (out, ...) or stacked (K, out, ...); those with fewer dimensions stay as they are.
        limit: Largest norm of a row.
        stacked: Whether the weights have the first dimension K.

    Source:
        Srivastava et al. 2014, Dropout, section 5.1.
    """
    for p in params:
        if p.ndim - stacked >= 2:
            norms = torch.linalg.vector_norm(p.flatten(1 + stacked), dim=-1)
            scale = (limit / norms).clamp(max=1.0)  # 0 norms give infinity, hence 1
            p.mul_(scale.reshape(*norms.shape, *[1] * (p.ndim - norms.ndim)))


@torch.no_grad()
def add_gradient_noise(grads: Sequence[Tensor], step: int, eta: float, generator: torch.Generator) -> None:
    r"""Add Gaussian noise to the gradients in place, less as training goes on.

    $$ g \leftarrow g + \mathcal N(0, \sigma_t^2), \qquad \sigma_t^2 = \eta / (1 + t)^{0.55} $$

    Args:
        grads: Gradients.
        step: Updates done so far t, from 0.
        eta: Variance at the start.
        generator: Random stream, on the device of the gradients.

    Source:
        Neelakantan et al. 2015, Adding gradient noise improves learning for very deep networks.
    """
    deviation = (eta / (1 + step) ** 0.55) ** 0.5
    noise = [torch.randn(g.shape, generator=generator, device=g.device, dtype=g.dtype) for g in grads]
    torch._foreach_add_(list(grads), noise, alpha=deviation)
