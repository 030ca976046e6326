"""Faults of the optimisation: the rate, its schedule, clipping, decay, spikes."""

from trainwell.diagnose.optimization import decay, rate, schedule, stability

__all__ = ["decay", "rate", "schedule", "stability"]
