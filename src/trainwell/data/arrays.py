"""Arrays, tables and lists as tensors that a model takes, with clear errors for what is no number."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainwell.data.streamed import model_dtype
from trainwell.errors import ProblemError


def input_tensor(value: Any, name: str) -> Tensor:
    """Inputs as float32, or int64 for whole numbers other than bytes (tokens)."""
    if isinstance(value, Tensor):
        tensor = value.detach().cpu()
        if not tensor.is_complex():
            whole = not tensor.is_floating_point() and tensor.dtype not in (torch.uint8, torch.bool)
            tensor = tensor.to(torch.int64 if whole else torch.float32)
    else:
        array = _array(value, name)
        if array.dtype.kind not in "biuf":
            raise ProblemError(_not_numbers(array, name, value))
        tensor = torch.from_numpy(_writable(model_dtype(array)))
    if tensor.ndim == 0:
        raise ProblemError(f"`{name} must have one row per example, got a single number. Pass an array")
    if tensor.ndim == 1 and tensor.is_floating_point():
        raise ProblemError(
            f"`{name} must have a row of features per example, got shape {tuple(tensor.shape)}. Pass X[:, None]"
        )
    return tensor.contiguous()


def target_tensor(value: Any, name: str) -> Tensor:
    """Targets as int64 (whole numbers, booleans) or float32 (real numbers); a column (N, 1) becomes (N,)."""
    name = f"{name}` targets"
    if isinstance(value, Tensor):
        tensor = value.detach().cpu()
    else:
        array = _array(value, name)
        if array.dtype.kind in "US" or (array.dtype.kind == "O" and any(isinstance(v, str) for v in array.flat)):
            seen = ", ".join(sorted({repr(str(v)) for v in array.flat[:1000]})[:4])
            raise ProblemError(
                f"`{name} must be numbers, got text such as {seen}. "
                "Encode it: `classes, y = numpy.unique(y, return_inverse=True)`"
            )
        if array.dtype.kind not in "biuf":
            raise ProblemError(_not_numbers(array, name, value))
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        tensor = torch.from_numpy(_writable(np.ascontiguousarray(array, dtype=kind)))
    tensor = tensor.float() if tensor.is_floating_point() else tensor.long()
    if tensor.ndim == 2 and tensor.shape[1] == 1:
        tensor = tensor[:, 0]
    if tensor.ndim == 0:
        raise ProblemError(f"`{name} must have one value per example, got a single number. Pass an array")
    return tensor.contiguous()


def _array(value: Any, name: str) -> np.ndarray[Any, Any]:
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise ProblemError(f"`{name} must be a dense array, got a sparse matrix. Pass X.toarray()")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ProblemError(
            f"`{name} must be rows of equal length, got rows that differ ({error}). "
            "Pad them, or pass a Dataset with a collate function"
        ) from None


def _writable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array if array.flags.writeable else array.copy()


def _not_numbers(array: np.ndarray[Any, Any], name: str, value: Any) -> str:
    remedy = "Encode text and categories as numbers, for example by sklearn.preprocessing.OneHotEncoder"
    columns = getattr(value, "columns", None)
    if columns is not None and hasattr(value, "dtypes"):
        wrong = [str(c) for c, kind in zip(columns, value.dtypes, strict=False) if getattr(kind, "kind", "O") in "OUS"]
        return f"`{name} must be numbers, got columns that are not: {', '.join(wrong[:5])}. {remedy}"
    example = next(iter(array.flat), None)
    return f"`{name} must be numbers, got dtype {array.dtype} (for example {example!r}). {remedy}"


def refuse_non_finite(tensor: Tensor, name: str) -> None:
    """Refuse NaN and infinities, with their number and the first place.

    Args:
        tensor: Inputs or targets.
        name: What to call them; it closes a backtick that the message opens.

    Raises:
        ProblemError: If there is one.
    """
    if not tensor.is_floating_point() or bool(torch.isfinite(tensor.sum())):
        return
    wrong = ~torch.isfinite(tensor)
    number = int(wrong.sum())
    if number:
        index = tuple(int(i) for i in wrong.nonzero()[0])
        value = float(tensor[index])
        raise ProblemError(
            f"`{name} must be finite, got {number:,} NaN or infinite value{'s' if number > 1 else ''}, the first "
            f"({value}) at index {index if len(index) > 1 else index[0]}. "
            "Remove those rows or fill the values in (sklearn.impute.SimpleImputer)"
        )
