"""Mean and variance of each input element over the examples of a split, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from trainwell.records import InputKind

_CHUNK = 2048
_SHIFT_ERROR = 1e-3


@dataclass(frozen=True)
class Moments:
    """Of each element of an example, (...,) float64, over n examples."""

    examples: int
    mean: Tensor
    variance: Tensor
    low: Tensor
    high: Tensor

    @property
    def constant_share(self) -> float:
        """Share of elements that never change. [0 to 1]"""
        return float((self.low == self.high).double().mean())

    @property
    def overall(self) -> tuple[float, float]:
        """Mean and deviation over all elements of all examples."""
        mean = self.mean.mean()
        spread = self.variance.mean() + (self.mean - mean).square().mean()
        return float(mean), math.sqrt(float(spread))

    def by_group(self, kind: InputKind) -> Moments:
        """The same over groups of elements: features of a table, channels of an image, last dimension of a series."""
        rank = self.mean.ndim
        inner = tuple(range(1, rank)) if kind == "image" else tuple(range(rank - 1))
        if not inner:
            return self
        mean = self.mean.mean(inner)
        away = self.mean - self.mean.mean(inner, keepdim=True)
        variance = self.variance.mean(inner) + away.square().mean(inner)
        return Moments(self.examples, mean, variance, self.low.amin(inner), self.high.amax(inner))


def moments_of(inputs: Tensor) -> Moments | None:
    """Two passes over the examples whose inputs are finite; None where there are none."""
    finite = torch.isfinite(inputs.flatten(1).sum(1))
    if not bool(finite.all()):
        finite &= torch.isfinite(inputs.flatten(1)).all(1)
        inputs = inputs[finite]
    if len(inputs) == 0:
        return None
    chunks = [inputs[start : start + _CHUNK] for start in range(0, len(inputs), _CHUNK)]
    mean = torch.stack([chunk.sum(0, dtype=torch.float64) for chunk in chunks]).sum(0) / len(inputs)
    # residuals in float32 are exact enough: they are small against the spread, not against the mean
    center = mean.float()
    square = torch.stack([(chunk - center).square().sum(0, dtype=torch.float64) for chunk in chunks]).sum(0)
    return Moments(len(inputs), mean, square / len(inputs), inputs.amin(0), inputs.amax(0))


def shift(train: Moments, other: Moments) -> float:
    r"""Largest standardised mean difference of a feature that sampling noise does not explain.

    $$ d_j = |m_j - m'_j| / \sqrt{(v_j + v'_j)/2} $$

    A feature counts where d exceeds its standard error $\sqrt{1/n + 1/n'}$ by the normal quantile of a two-sided error
    of 0.001 over all features (Bonferroni); 0 where none does, so small evaluation sets do not cry wolf.
    """
    from scipy.special import ndtri

    spread = ((train.variance + other.variance) / 2).sqrt()
    distance = (train.mean - other.mean).abs()
    scale = torch.maximum(train.mean.abs(), other.mean.abs()).clamp(min=1e-30)
    d = torch.where(spread > 0, distance / spread.clamp(min=1e-300), torch.where(distance > 1e-6 * scale, 1e3, 0.0))
    error = math.sqrt(1 / train.examples + 1 / other.examples)
    quantile = -float(ndtri(_SHIFT_ERROR / 2 / max(1, d.numel())))
    counted = d[d > quantile * error]
    return float(counted.max().clamp(max=1e3)) if counted.numel() else 0.0
