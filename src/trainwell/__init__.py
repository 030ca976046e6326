"""trainwell finds out why a neural network trains badly, fixes it, tunes it, and proves that it got better.

The public API, loaded lazily: importing trainwell does not import torch.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Callback": "trainwell.train",
    "Change": "trainwell.recipe",
    "Comparison": "trainwell.compare",
    "Contender": "trainwell.compare",
    "Finding": "trainwell.records",
    "Improvement": "trainwell.improve",
    "Problem": "trainwell.problem",
    "Recipe": "trainwell.recipe",
    "Run": "trainwell.train",
    "Space": "trainwell.space",
    "Study": "trainwell.tune",
    "TrainwellError": "trainwell.errors",
    "batch_sizes": "trainwell.tune",
    "branch": "trainwell.space",
    "check": "trainwell.check",
    "choice": "trainwell.space",
    "default_space": "trainwell.space",
    "check_claim": "trainwell.compare.claims",
    "compare": "trainwell.compare",
    "compare_splits": "trainwell.compare",
    "diagnose": "trainwell.diagnose",
    "explain": "trainwell.diagnose",
    "fit": "trainwell.train",
    "fit_folds": "trainwell.train",
    "fit_many": "trainwell.train",
    "fixed": "trainwell.space",
    "improve": "trainwell.improve",
    "integers": "trainwell.space",
    "load_ipython_extension": "trainwell.check.notebook",
    "load_problem": "trainwell.problem",
    "log_uniform": "trainwell.space",
    "lr_range": "trainwell.tune",
    "reverse_log_uniform": "trainwell.space",
    "tune": "trainwell.tune",
    "uniform": "trainwell.space",
    "watch": "trainwell.check",
    "report": "trainwell.report",
}

__all__ = [
    "Callback",
    "Change",
    "Comparison",
    "Contender",
    "Finding",
    "Improvement",
    "Problem",
    "Recipe",
    "Run",
    "Space",
    "Study",
    "TrainwellError",
    "__version__",
    "batch_sizes",
    "branch",
    "check",
    "check_claim",
    "choice",
    "compare",
    "compare_splits",
    "default_space",
    "diagnose",
    "explain",
    "fit",
    "fit_folds",
    "fit_many",
    "fixed",
    "improve",
    "integers",
    "load_ipython_extension",
    "load_problem",
    "log_uniform",
    "lr_range",
    "report",
    "reverse_log_uniform",
    "tune",
    "uniform",
    "watch",
]

if TYPE_CHECKING:
    from trainwell.check import check, watch
    from trainwell.check.notebook import load_ipython_extension
    from trainwell.compare import Comparison, Contender, compare, compare_splits
    from trainwell.compare.claims import check_claim
    from trainwell.diagnose import diagnose, explain
    from trainwell.errors import TrainwellError
    from trainwell.improve import Improvement, improve
    from trainwell.problem import Problem, load_problem
    from trainwell.recipe import Change, Recipe
    from trainwell.records import Finding
    from trainwell.report import report
    from trainwell.space import (
        Space,
        branch,
        choice,
        default_space,
        fixed,
        integers,
        log_uniform,
        reverse_log_uniform,
        uniform,
    )
    from trainwell.train import Callback, Run, fit, fit_folds, fit_many
    from trainwell.tune import Study, batch_sizes, lr_range, tune


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'trainwell' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)


class _Package(ModuleType):
    """Keeps `trainwell.diagnose` the function: importing the package of that name would put the package there."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
