"""Units within units: seeds within studies, both drawn again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainwell.errors import UsageError
from trainwell.stats.intervals import Estimate, Interval
from trainwell.stats.values import Values, check_level, finite_sample


def nested_mean(studies: Sequence[Values], level: float = 0.95, *, seed: int = 0, resamples: int = 4000) -> Estimate:
    r"""Estimate the mean over studies, with the interval that resampling studies and seeds within them gives.

    $$ \bar x = \frac1M \sum_m \frac1{S_m} \sum_s x_{ms} $$

    Drawing studies again alone already carries the luck of seeds that their means hold; drawing seeds too makes
    the interval wider where seeds are few, hence careful. With few studies it is narrower than the t interval, as
    every percentile interval: verdicts use that one (`mean_interval` of the studies' means).

    Args:
        studies: Per study the values of its seeds, finite.
        level: Nominal coverage. [0 to 1]
        seed: Of the resampling.
        resamples: Number of resamples.

    Returns:
        Mean, percentile interval (None for a single study), n studies.

    Raises:
        UsageError: If there is no study, one without seeds, or a value that is not finite.

    Source:
        Davison & Hinkley 1997, Bootstrap methods and their application, section 3.8.
    """
    if not studies:
        raise UsageError("`studies` must hold at least one study, got none. Pass one list per study.")
    check_level(level)
    groups = [finite_sample(values, "studies") for values in studies]
    n = len(groups)
    mean = float(np.mean([group.mean() for group in groups]))
    if n == 1:
        return Estimate(mean, None, n)
    rng = np.random.default_rng(seed)
    # Every resample draws seeds anew in every study, then studies; a study drawn twice has the same draw twice, whose
    # effect on the quantiles vanishes with the number of studies.
    means_MR = np.stack(
        [group[rng.integers(len(group), size=(resamples, len(group)))].mean(axis=1) for group in groups]
    )
    chosen_RM = rng.integers(n, size=(resamples, n))
    drawn = means_MR[chosen_RM, np.arange(resamples)[:, None]].mean(axis=1)
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(mean, Interval(float(low), float(high), level), n)
