"""Tuning: the range test, spaces, and searches."""

from trainwell.tune.halving import expected_cost, halve
from trainwell.tune.lr_range import lr_range, read_curve
from trainwell.tune.samples import quasi_random

__all__ = ["expected_cost", "halve", "lr_range", "quasi_random", "read_curve"]
