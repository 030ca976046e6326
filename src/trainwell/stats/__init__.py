"""Intervals, paired and unpaired tests, corrections, and the verdict they allow (SciPy underneath, no torch).

One sign convention throughout: a difference is `after - before`, whichever direction is better.
One rule for failed runs: a run that diverged counts as the worst, it is never dropped (`count_as_worst`).
One rule for few units: below 6 paired or 4 unpaired units there is no p-value, and the result says so.
"""

from trainwell.stats.aggregates import (
    PerformanceProfile,
    average_ranks,
    interquartile_mean,
    performance_profile,
)
from trainwell.stats.censoring import RestrictedMean, SurvivalCurve, kaplan_meier, restricted_mean_time
from trainwell.stats.decisions import Equivalence, Verdict, equivalence, holm, verdict
from trainwell.stats.differences import Difference, PairedResult, UnpairedResult
from trainwell.stats.effects import effect_size, probability_of_superiority
from trainwell.stats.intervals import (
    BootstrapInterval,
    Estimate,
    Interval,
    binomial_interval,
    bootstrap_interval,
    mean_interval,
)
from trainwell.stats.nested import nested_mean
from trainwell.stats.paired import nadeau_bengio_interval, paired_difference
from trainwell.stats.power import detectable_difference, power_paired, units_needed
from trainwell.stats.power_unpaired import detectable_difference_unpaired, power_unpaired, units_needed_unpaired
from trainwell.stats.trends import Slope, slope_interval
from trainwell.stats.tuning_bands import TuningBand, tuning_band
from trainwell.stats.tuning_curves import BestOfK, expected_best_of_k, tuning_curve
from trainwell.stats.unpaired import studentised_permutation, welch
from trainwell.stats.values import (
    Values,
    count_as_worst,
    count_diverged,
    paired_units_allow_p,
    unpaired_units_allow_p,
)

__all__ = [
    "BestOfK",
    "BootstrapInterval",
    "Difference",
    "Equivalence",
    "Estimate",
    "Interval",
    "PairedResult",
    "PerformanceProfile",
    "RestrictedMean",
    "Slope",
    "SurvivalCurve",
    "TuningBand",
    "UnpairedResult",
    "Values",
    "Verdict",
    "average_ranks",
    "binomial_interval",
    "bootstrap_interval",
    "count_as_worst",
    "count_diverged",
    "detectable_difference",
    "detectable_difference_unpaired",
    "effect_size",
    "equivalence",
    "expected_best_of_k",
    "holm",
    "interquartile_mean",
    "kaplan_meier",
    "mean_interval",
    "nadeau_bengio_interval",
    "nested_mean",
    "paired_difference",
    "paired_units_allow_p",
    "performance_profile",
    "power_paired",
    "power_unpaired",
    "probability_of_superiority",
    "restricted_mean_time",
    "slope_interval",
    "studentised_permutation",
    "tuning_band",
    "tuning_curve",
    "units_needed",
    "units_needed_unpaired",
    "unpaired_units_allow_p",
    "verdict",
    "welch",
]
