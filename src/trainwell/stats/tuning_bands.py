"""Bands of tuning curves that hold for every k at once, from the package `opda`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainwell.errors import MissingExtraError, UsageError
from trainwell.stats.values import Values, check_level, count_as_worst, floats, sample

_MANY = 100
"""Up to so many trials the tighter band is used; computing it takes seconds beyond."""


@dataclass(frozen=True)
class TuningBand:
    """Median best of k trials with simultaneous limits; a limit is None where the trials at hand say nothing."""

    ks: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    level: float
    n: int


def tuning_band(
    values: Values, ks: Sequence[int], *, higher_is_better: bool, level: float = 0.95, worst: float | None = None
) -> TuningBand:
    r"""Median of the best of k random trials for many k, with limits that hold for all k together.

    $$ m_k = F^{-1}(2^{-1/k}) $$

    and the limits by inverting a band of F; without distributional assumptions. With ties (accuracies of few
    examples) the band is wider than it need be. Trials must be independent: random search, or nearly so quasi-random.

    Args:
        values: Final metric of each trial, float (n,); diverged ones count as worst.
        ks: Sizes of search asked about. [>= 1]
        higher_is_better: Direction of the metric.
        level: Simultaneous coverage. [0 to 1]
        worst: What a diverged trial counts as, unless a finite one is worse. [units of the metric]

    Returns:
        The band; limits beyond the best trial seen are None.

    Raises:
        MissingExtraError: If opda is not installed.
        UsageError: If there is no trial, or a k is below 1.

    Source:
        Lourie, Cho & He 2024, Show your work with confidence; opda.nonparametric.EmpiricalDistribution.
    """
    x = sample(values, "values")
    check_level(level)
    if not len(ks) or min(ks) < 1:
        raise UsageError(f"`ks` must be at least 1, got {list(ks)}. Ask about searches of 1 trial or more.")
    try:
        from opda.nonparametric import EmpiricalDistribution
    except ImportError:
        raise MissingExtraError("opda", "opda") from None
    (x,) = count_as_worst(x, higher_is_better=higher_is_better, worst=worst)
    with warnings.catch_warnings():  # says that ties make it careful, as does the docstring
        warnings.simplefilter("ignore")
        lower, point, upper = EmpiricalDistribution.confidence_bands(
            x, level, method="ld_equal_tailed" if len(x) <= _MANY else "dkw", n_jobs=1
        )

    def at(distribution: EmpiricalDistribution) -> np.ndarray:
        return np.asarray(distribution.quantile_tuning_curve(ks, minimize=not higher_is_better), dtype=np.float64)

    # The lower band of F gives the larger values.
    edges = np.sort(np.stack([at(lower), at(upper)]), axis=0)
    low, high = (tuple(float(v) if np.isfinite(v) else None for v in edge) for edge in edges)
    return TuningBand(tuple(int(k) for k in ks), floats(at(point)), low, high, level, len(x))
