"""Number formats of the computation: autocast, the gradient scaler of float16, tf32."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import torch

from trainwell.errors import RecipeError
from trainwell.recipe.parts import Precision

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def autocast_of(part: Precision, device: torch.device) -> Callable[[], AbstractContextManager[Any]] | None:
    """The context of the forward passes, or None where everything is float32.

    Raises:
        RecipeError: If the device cannot compute in this format.
    """
    dtype = _DTYPES.get(part.dtype)
    if dtype is None:
        return None
    try:
        one = torch.ones(2, 2, device=device, dtype=dtype)
        torch.mm(one, one)
    except RuntimeError as error:
        raise RecipeError(
            f"`precision.dtype` must be a format that {device.type} computes in, got {part.dtype}: {error}. "
            "Set bf16 or float32"
        ) from None
    return partial(torch.autocast, device.type, dtype=dtype)


def scaler_of(part: Precision, device: torch.device) -> torch.amp.GradScaler | None:
    """The gradient scaler that float16 needs, or None (Micikevicius et al. 2018)."""
    return torch.amp.GradScaler(device.type) if part.dtype == "fp16" else None


def peak_memory(device: torch.device) -> int:
    """Most memory that was used so far: of the process, or of the accelerator. [bytes]"""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def matmul_format(part: Precision) -> Iterator[None]:
    """Allow tf32 in matrix products inside the block where the recipe says so; the user's setting comes back."""
    before = torch.get_float32_matmul_precision()
    if part.dtype == "tf32":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        if part.dtype == "tf32":
            torch.set_float32_matmul_precision(before)
