"""Mixtures of the examples of a batch and of their targets."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor


def mixup(inputs: Tensor, targets: Tensor | None, alpha: float, generator: Generator) -> tuple[Tensor, Tensor | None]:
    r"""Mix each example, and its target, with another of the batch.

    $$ x' = \lambda x + (1 - \lambda) x_{\pi}, \quad y' = \lambda y + (1 - \lambda) y_{\pi}, \quad
       \lambda \sim \mathrm{Beta}(\alpha, \alpha) $$

    Source:
        Zhang et al. 2018, mixup. One weight for the batch, as in the paper's code.
    """
    weight = beta(alpha, generator)
    other = torch.randperm(len(inputs), generator=generator, device=generator.device)
    mixed = weight * inputs + (1 - weight) * inputs[other]
    return mixed, _mixed(targets, other, weight)


def cutmix(
    images_NCHW: Tensor, targets: Tensor | None, alpha: float, generator: Generator
) -> tuple[Tensor, Tensor | None]:
    r"""Paste a rectangle of another image of the batch, of area $1 - \lambda$, and mix the targets by its true area.

    Source:
        Yun et al. 2019, CutMix. The rectangle's centre is uniform, so that it may be cut at the border.
    """
    n, _, h, w = images_NCHW.shape
    side = (1 - beta(alpha, generator)).sqrt()
    other = torch.randperm(n, generator=generator, device=generator.device)
    middle_y, middle_x = (torch.rand(1, generator=generator, device=generator.device) * size for size in (h, w))
    top, left = (middle_y - side * h / 2).round().clamp(0, h), (middle_x - side * w / 2).round().clamp(0, w)
    bottom, right = (middle_y + side * h / 2).round().clamp(0, h), (middle_x + side * w / 2).round().clamp(0, w)
    inside = rectangles(h, w, top, left, bottom - top, right - left)
    weight = 1 - inside.float().mean()
    return torch.where(inside[:, None], images_NCHW[other], images_NCHW), _mixed(targets, other, weight)


def _mixed(targets: Tensor | None, other: Tensor, weight: Tensor) -> Tensor | None:
    return None if targets is None else weight * targets + (1 - weight) * targets[other]


def beta(alpha: float, generator: Generator) -> Tensor:
    """A draw of Beta(alpha, alpha) on the generator's device, as a ratio of gammas; torch's Beta takes no generator."""
    logs = _log_gamma(alpha, generator)
    return torch.sigmoid(logs[0] - logs[1])


def _log_gamma(alpha: float, generator: Generator) -> Tensor:
    """Logarithms of two draws of Gamma(alpha) (Marsaglia & Tsang 2000); a fixed number of tries, so nothing waits."""
    shape = alpha if alpha >= 1 else alpha + 1
    d = shape - 1 / 3
    c = 1 / math.sqrt(9 * d)
    z = torch.randn(2, 16, generator=generator, device=generator.device)
    u = torch.rand(2, 16, generator=generator, device=generator.device)
    v = (1 + c * z) ** 3
    good = (v > 0) & (u.log() < 0.5 * z**2 + d - d * v + d * v.clamp(min=1e-30).log())
    # each try is accepted with probability above 0.95, so that 16 of them fail together less than once in 10^20
    first = good.float().argmax(1, keepdim=True)
    logs = (d * v.clamp(min=1e-30)).log().gather(1, first)[:, 0]
    if alpha < 1:
        boost = torch.rand(2, generator=generator, device=generator.device)
        logs = logs + boost.clamp(min=1e-30).log() / alpha
    return logs


def rectangles(h: int, w: int, top: Tensor, left: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Which pixels lie inside, (N, H, W) bool."""
    y, x = torch.arange(h, device=top.device), torch.arange(w, device=top.device)
    rows = (y >= top[:, None]) & (y < (top + height)[:, None])
    columns = (x >= left[:, None]) & (x < (left + width)[:, None])
    return rows[:, :, None] & columns[:, None, :]
