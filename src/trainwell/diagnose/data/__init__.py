"""Faults of the data: what can be told from the audit of the splits, and labels that no training can use."""

from trainwell.diagnose.data import inputs, labels, splits

__all__ = ["inputs", "labels", "splits"]
