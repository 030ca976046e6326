"""Sharpness-aware minimisation: go uphill, take the gradient there, come back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainwell.optim.clipping import total_norm

_EPS = 1e-12  # as the authors' code


@torch.no_grad()
def perturb(params: Sequence[Tensor], grads: Sequence[Tensor], rho: float) -> list[Tensor]:
    r"""Move parameters in place to the worst point nearby, to first order.

    $$ \theta \leftarrow \theta + \rho\, g / \lVert g \rVert $$

    Take the gradient there, `restore`, and update with it. Normalisation statistics should move in the first pass only.

    Args:
        params: Parameters that have a gradient.
        grads: Their gradients; they stay as they are.
        rho: Radius. [norm of the parameters]

    Returns:
        Copies of the parameters as they were.

    Source:
        Foret et al. 2021, Sharpness-aware minimization.
    """
    originals = [p.clone() for p in params]
    scale = rho / (total_norm(grads) + _EPS)
    torch._foreach_add_(list(params), torch._foreach_mul(list(grads), scale))
    return originals


@torch.no_grad()
def restore(params: Sequence[Tensor], originals: Sequence[Tensor]) -> None:
    """Bring parameters back, to the bit, to where `perturb` found them."""
    torch._foreach_copy_(list(params), list(originals))
