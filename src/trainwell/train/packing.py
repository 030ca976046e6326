"""Nested state (dicts, lists, numbers, tensors) as plain JSON plus named tensors: checkpoints without pickle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from trainwell.errors import ResumeError

_TENSOR, _PAIRS, _FLOAT = "__tensor__", "__pairs__", "__float__"


def pack(tree: Any, tensors: dict[str, Tensor], prefix: str) -> Any:
    """Replace every tensor of a tree by its name, and put it into `tensors` under that name.

    Args:
        tree: Dicts (with string or integer keys), lists, tuples, strings, numbers, None and tensors.
        tensors: Filled.
        prefix: Start of the names.

    Raises:
        TypeError: For anything else: it could not be restored without pickle.
    """
    if isinstance(tree, Tensor):
        tensors[prefix] = tree.detach().cpu().contiguous().clone()
        return {_TENSOR: prefix}
    if isinstance(tree, Mapping):
        return {_PAIRS: [[key, pack(value, tensors, f"{prefix}.{key}")] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return [pack(value, tensors, f"{prefix}.{index}") for index, value in enumerate(tree)]
    if isinstance(tree, float) and not math.isfinite(tree):
        return {_FLOAT: repr(tree)}
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    raise TypeError(f"the state at {prefix} must be plain values or tensors, got {type(tree).__name__}")


def unpack(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Undo `pack`; tuples come back as lists."""
    if isinstance(tree, dict):
        if _TENSOR in tree:
            name = tree[_TENSOR]
            if name not in tensors:
                raise ResumeError(f"the checkpoint must hold the tensor {name}, got none")
            return tensors[name]
        if _FLOAT in tree:
            return float(tree[_FLOAT])
        return {key: unpack(value, tensors) for key, value in tree[_PAIRS]}
    return [unpack(value, tensors) for value in tree] if isinstance(tree, list) else tree
