"""Rules that read what the tracer saw of a program: the order of events, the graph, modes, data, files."""

from __future__ import annotations

import importlib

FAMILIES = (
    "loop",
    "clipping",
    "outputs",
    "losses",
    "modes",
    "parameters",
    "layers",
    "schedules",
    "precision",
    "loaders",
    "distributed",
    "augmentation",
    "waiting",
    "noise",
    "habits",
    "data",
    "curves",
)


def load_rules() -> None:
    """Import every family of rules, those on curves and data too."""
    importlib.import_module("trainwell.diagnose")
    for name in FAMILIES:
        importlib.import_module(f"trainwell.diagnose.program.{name}")
