"""Tuning: the range test, draws from a space, and searches."""

from trainwell.tune.draws import draw
from trainwell.tune.halving import expected_cost, halve
from trainwell.tune.lr_range import lr_range, read_curve
from trainwell.tune.progress import TuneProgress
from trainwell.tune.samples import quasi_random
from trainwell.tune.study import Study, tune

__all__ = [
    "Study",
    "TuneProgress",
    "draw",
    "expected_cost",
    "halve",
    "lr_range",
    "quasi_random",
    "read_curve",
    "tune",
]
