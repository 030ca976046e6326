"""Curves of a run: values by step, and evaluations by split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """Values at steps. A step is one optimizer update, counted from 0."""

    step: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True)
class Steps:
    """Series by name: loss, lr, gradient_norm, update_ratio, clip_factor, ... of unequal density."""

    series: Mapping[str, Series] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Series:
        return self.series.get(name, _EMPTY)

    def __contains__(self, name: str) -> bool:
        return name in self.series

    def __len__(self) -> int:
        return len(self["loss"])

    @property
    def loss(self) -> Floats:
        """Training loss of each step, as minimised (with smoothing and penalties). [loss unit]"""
        return self["loss"].value

    @property
    def lr(self) -> Floats:
        """Learning rate of each step, of the first parameter group."""
        return self["lr"].value


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of one split, in eval mode, after `step` updates."""

    step: int
    epoch: float
    split: str
    loss: float
    metrics: Mapping[str, float]
    examples: int
    seconds: float = 0.0
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluations(Sequence[Evaluation]):
    """The evaluations of one split, in order; columns as arrays."""

    rows: tuple[Evaluation, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # Sequence's overloads
        return self.rows[index]

    def __iter__(self) -> Iterator[Evaluation]:
        return iter(self.rows)

    @property
    def step(self) -> Ints:
        """Updates done before each evaluation."""
        return np.array([row.step for row in self.rows], dtype=np.int64)

    @property
    def epoch(self) -> Floats:
        """Epochs done before each evaluation, with fractions."""
        return np.array([row.epoch for row in self.rows], dtype=np.float64)

    @property
    def loss(self) -> Floats:
        """Mean loss of each evaluation, without smoothing or penalties. [loss unit]"""
        return np.array([row.loss for row in self.rows], dtype=np.float64)

    def metric(self, name: str) -> Floats:
        """One metric of each evaluation; NaN where it was not measured."""
        return np.array([row.metrics.get(name, np.nan) for row in self.rows], dtype=np.float64)


_EMPTY = Series(np.empty(0, np.int64), np.empty(0, np.float64))
