"""Spaces: what may vary in a search, as frozen values without torch."""

from trainwell.space.choice import Branch, Choice, branch, choice
from trainwell.space.defaults import default_space
from trainwell.space.dimension import (
    Dimension,
    Fixed,
    Integers,
    LogUniform,
    ReverseLogUniform,
    Uniform,
    fixed,
    integers,
    log_uniform,
    reverse_log_uniform,
    uniform,
)
from trainwell.space.space import Axis, Space

__all__ = [
    "Axis",
    "Branch",
    "Choice",
    "Dimension",
    "Fixed",
    "Integers",
    "LogUniform",
    "ReverseLogUniform",
    "Space",
    "Uniform",
    "branch",
    "choice",
    "default_space",
    "fixed",
    "integers",
    "log_uniform",
    "reverse_log_uniform",
    "uniform",
]
