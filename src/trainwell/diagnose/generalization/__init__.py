"""Faults of learning and generalising: what the curves of training and validation say together."""

from trainwell.diagnose.generalization import credible, fitting, length

__all__ = ["credible", "fitting", "length"]
