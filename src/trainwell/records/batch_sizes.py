"""What is known of a problem's batch size, in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NoiseScale:
    """The simple gradient noise scale tr(S) / |G|^2. [examples]

    Attributes:
        value: NaN where the squared length of the gradient is not told from zero.
        interval: 95 %, by the jackknife over draws; None where it is not told.
        draws: Large batches that it was measured on.
        at_step: Updates before the measurement.
    """

    value: float
    interval: tuple[float, float] | None
    draws: int
    at_step: int


@dataclass(frozen=True)
class BatchSizes:
    """What is known of a problem's batch size.

    Attributes:
        present: Of the recipe.
        largest: That fits into half of the free memory and the training split, by powers of two.
        fastest: Smallest with nine tenths of the highest throughput.
        throughput: Examples per second by batch size.
        noise: Gradient noise scale after a short training.
        suggestion: Largest power of two that fits and is below the noise scale, at least the present one where the
            noise scale is not told.
        changes: Of the recipe, with the rate rescaled.
        reason: Why, in words.
    """

    present: int
    largest: int
    fastest: int
    throughput: tuple[tuple[int, float], ...]
    noise: NoiseScale
    suggestion: int
    changes: Mapping[str, Any]
    reason: str
