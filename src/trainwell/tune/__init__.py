"""Tuning: the range test, draws from a space, and searches."""

from trainwell.records import BatchSizes
from trainwell.tune.batch_size import batch_sizes, noise_scale
from trainwell.tune.draws import draw
from trainwell.tune.loop_ramp import LoopRamp
from trainwell.tune.lr_range import lr_range
from trainwell.tune.progress import TuneProgress
from trainwell.tune.rate_curve import read_curve, read_ramp
from trainwell.tune.samples import quasi_random
from trainwell.tune.study import Study, tune

__all__ = [
    "BatchSizes",
    "LoopRamp",
    "Study",
    "TuneProgress",
    "batch_sizes",
    "draw",
    "lr_range",
    "noise_scale",
    "quasi_random",
    "read_curve",
    "read_ramp",
    "tune",
]
