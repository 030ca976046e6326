"""Standardise inputs and regression targets by statistics of the training split alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainwell.data.examples import Inputs
from trainwell.data.streamed import Source, sample
from trainwell.errors import ProblemError
from trainwell.records import InputKind

_LOOKED_AT = 50_000
_CHUNK = 4096


class Standardize(nn.Module):
    """(x - mean) / deviation, with both as buffers, so that an exported model takes raw inputs."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, values: Tensor) -> Tensor:
        """Scale."""
        return (values - self.mean) / self.deviation

    def inverse(self, scaled: Tensor) -> Tensor:
        """Undo the scaling."""
        return scaled * self.deviation + self.mean

    def extra_repr(self) -> str:
        """Shape of the statistics."""
        return f"shape={tuple(self.mean.shape)}"


@dataclass(frozen=True)
class Scaling:
    """How inputs are scaled: per feature of a table, per channel of an image, per feature of a series."""

    module: Standardize

    @classmethod
    def fit(cls, train: Source, kind: InputKind) -> Scaling:
        """Take mean and deviation of the training split (at most 50,000 examples, spread evenly).

        A feature that never changes keeps scale 1.

        Raises:
            ProblemError: For tokens, and for several inputs.
        """
        inputs = sample(train, _LOOKED_AT).inputs
        if not isinstance(inputs, Tensor):
            raise ProblemError(
                f"`inputs.scaling` must be none for several inputs, got {len(inputs)} of them. Scale them beforehand"
            )
        if kind == "tokens" or not inputs.is_floating_point():
            raise ProblemError("`inputs.scaling` must be none for tokens, got standardize. Use inputs.scaling='none'")
        if kind == "image":
            mean, deviation = moments(inputs.flatten(2).transpose(1, 2).flatten(0, 1))
            shape: tuple[int, ...] = (-1, *[1] * (inputs.ndim - 2))
            return cls(Standardize(mean.reshape(shape), deviation.reshape(shape)))
        return cls(Standardize(*moments(inputs.reshape(-1, inputs.shape[-1] if inputs.ndim > 1 else 1))))

    def apply(self, inputs: Inputs) -> Inputs:
        """Scale a batch, or a whole split."""
        if not isinstance(inputs, Tensor):
            raise ProblemError("`inputs.scaling` must be none for several inputs. Scale them beforehand")
        with torch.no_grad():
            scaled: Tensor = self.module(inputs)
        return scaled


def fit_targets(train: Source) -> Standardize:
    """Scaling of regression targets, each column by itself; `inverse` brings outputs back to the problem's unit.

    Raises:
        ProblemError: If the targets are no numbers.
    """
    targets = sample(train, _LOOKED_AT).targets
    if targets is None or not targets.is_floating_point():
        raise ProblemError(
            "`targets.scaling` must be none unless targets are real numbers (regression). Use targets.scaling='none'"
        )
    mean, deviation = moments(targets.reshape(len(targets), -1))
    if targets.ndim == 1:
        mean, deviation = mean[0], deviation[0]
    return Standardize(mean, deviation)


def moments(rows_ND: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population deviation of each column, in float64 and returned in float32; deviation 1 for a constant one.

    Two passes, in chunks of rows, so that neither memory nor cancellation matters.
    """
    count = len(rows_ND)
    chunks = [rows_ND[start : start + _CHUNK] for start in range(0, count, _CHUNK)]
    mean = torch.stack([chunk.double().sum(0) for chunk in chunks]).sum(0) / count
    square = torch.stack([(chunk.double() - mean).square().sum(0) for chunk in chunks]).sum(0)
    deviation = (square / count).sqrt()
    constant = deviation <= 1e-7 * mean.abs().clamp(min=1e-30)
    return mean.float(), torch.where(constant, torch.ones_like(deviation), deviation).float()
