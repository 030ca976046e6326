"""Tuning: the range test, draws from a space, and searches."""

from trainwell.tune.draws import draw
from trainwell.tune.halving import expected_cost, halve
from trainwell.tune.lr_range import lr_range, read_curve
from trainwell.tune.samples import quasi_random

__all__ = ["draw", "expected_cost", "halve", "lr_range", "quasi_random", "read_curve"]
