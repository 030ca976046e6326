"""Comparing optimizers honestly: protocol, studies, statistics, and the sentence that may be said."""

from trainwell.compare.comparison import Comparison, compare
from trainwell.compare.contender import Contender
from trainwell.compare.protocol import Plan
from trainwell.compare.resampled import compare_splits

__all__ = ["Comparison", "Contender", "Plan", "compare", "compare_splits"]
