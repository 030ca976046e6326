"""What is to be learned. Loaded lazily, so that the list of built-in problems needs no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainwell.problem.builtin import BUILT_INS, BuiltIn
    from trainwell.problem.definition import Problem
    from trainwell.problem.locate import load_problem
    from trainwell.problem.metrics import METRICS, Metric

_HOMES = {
    "BUILT_INS": "builtin",
    "BuiltIn": "builtin",
    "METRICS": "metrics",
    "Metric": "metrics",
    "Problem": "definition",
    "load_problem": "locate",
}
__all__ = ["BUILT_INS", "METRICS", "BuiltIn", "Metric", "Problem", "load_problem"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
