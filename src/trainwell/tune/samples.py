"""Quasi-random points of a space (SciPy's scrambled Sobol sequence)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from scipy.stats import qmc

from trainwell.seeding import stream_seed


def quasi_random(bounds: Mapping[str, tuple[float, float]], count: int, *, seed: int) -> list[dict[str, Any]]:
    """Draw points that cover a box evenly on the logarithm of each value.

    Args:
        bounds: Lowest and highest value by dotted path, both above 0.
        count: Number of points.
        seed: Of the scrambling.

    Returns:
        One mapping from path to value per point.

    Source:
        Bousquet et al. 2017, Critical hyper-parameters: no random, no cry; scipy.stats.qmc.Sobol.
    """
    low = [math.log(b[0]) for b in bounds.values()]
    high = [math.log(b[1]) for b in bounds.values()]
    engine = qmc.Sobol(len(bounds), scramble=True, rng=stream_seed(seed, "search"))
    unit = engine.random_base2(max(0, math.ceil(math.log2(max(1, count)))))[:count]
    points = qmc.scale(unit, low, high)
    return [{path: float(f"{math.exp(value):.4g}") for path, value in zip(bounds, row, strict=True)} for row in points]
