"""What keeps a recipe's step from being compiled."""

from __future__ import annotations

import os
import shutil
import sys

import torch

from trainwell.optim.rules.families import RULES
from trainwell.recipe import Recipe

NO_COMPILER = "there is no C++ compiler (g++, or the one that CXX names)"


def obstacle(recipe: Recipe, device: torch.device) -> str:
    """Why the step of a recipe cannot be compiled; empty where it may be."""
    part, stopping = recipe.regularization, recipe.stopping
    reasons = {
        f"the optimizer {recipe.optimizer.name} has no update rule to compile": recipe.optimizer.name not in RULES,
        "accumulate is above 1": recipe.accumulate > 1,
        "regularization.sam_rho needs two backward passes": part.sam_rho > 0,
        "regularization.gradient_noise has a random stream of its own": part.gradient_noise > 0,
        "adaptive clipping looks at the norms before": recipe.clipping.name == "adaptive",
        f"stopping.on_nonfinite = {stopping.on_nonfinite} looks at a gradient before it is used": stopping.on_nonfinite
        != "stop",
        "float16 needs a gradient scaler": recipe.precision.dtype == "fp16",
        NO_COMPILER: device.type == "cpu" and not compiler(),
    }
    return "; ".join(reason for reason, holds in reasons.items() if holds)


def compiler() -> str | None:
    """Path of the C++ compiler that torch would use."""
    return shutil.which(os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++"))
