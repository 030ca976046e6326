"""Tuning: the range test, draws from a space, and searches."""

from trainwell.tune.draws import draw
from trainwell.tune.halving import expected_cost, halve
from trainwell.tune.loop_ramp import LoopRamp
from trainwell.tune.lr_range import lr_range
from trainwell.tune.progress import TuneProgress
from trainwell.tune.rate_curve import read_curve, read_ramp
from trainwell.tune.samples import quasi_random
from trainwell.tune.study import Study, tune

__all__ = [
    "LoopRamp",
    "Study",
    "TuneProgress",
    "draw",
    "expected_cost",
    "halve",
    "lr_range",
    "quasi_random",
    "read_curve",
    "read_ramp",
    "tune",
]
