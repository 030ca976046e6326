"""Fingerprints of rows: equal bytes, equal number, for tensors, arrays and sequences of anything."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

MOST_BYTES = 96_000_000
_factors: dict[int, torch.Tensor] = {}


def rows(values: Any, most: int | None = None) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Hash each row of a tensor or array (multiply-and-add modulo 2^64 over its bytes); None if it has no rows."""
    if isinstance(values, np.ndarray):
        if values.dtype == object or values.ndim == 0:
            return None
        values = torch.from_numpy(np.ascontiguousarray(values))
    if not isinstance(values, torch.Tensor) or values.ndim == 0 or values.is_sparse:
        return None
    values = values.detach()
    if most is not None:
        values = values[:most]
    count = len(values)
    if count == 0:
        return None
    width = math.prod(values.shape[1:]) * values.element_size()
    if count * width > MOST_BYTES:
        count = max(1, MOST_BYTES // max(width, 1))
        values = values[:count]
    flat = values.reshape(count, -1).contiguous()
    if flat.dtype == torch.bool:
        flat = flat.to(torch.uint8)
    raw = flat.view(torch.uint8)
    spare = -raw.shape[1] % 8
    if spare:
        raw = torch.nn.functional.pad(raw, (0, spare))
    words = raw.contiguous().view(torch.int64)
    mixed = words ^ (words >> 29)
    hashed = (mixed * _factor(words.shape[1]).to(words.device)).sum(1) + words.shape[1]
    result: np.ndarray[Any, np.dtype[np.int64]] = hashed.cpu().numpy()
    return result


def _factor(length: int) -> torch.Tensor:
    known = _factors.get(length)
    if known is None:
        generator = np.random.Generator(np.random.PCG64(20_240_613 + length))
        numbers = generator.integers(-(2**62), 2**62, length, dtype=np.int64) * 2 + 1
        known = _factors[length] = torch.from_numpy(numbers)
    return known


def items(values: Sequence[Any], most: int = 20_000) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Hash each item of a list: strings, paths, numbers, arrays, tensors, images, or tuples that start with one."""
    hashes = []
    for value in values[:most]:
        one = _item(value)
        if one is None:
            return None
        hashes.append(one)
    return np.array(hashes, dtype=np.int64) if hashes else None


def _item(value: Any) -> int | None:
    if isinstance(value, tuple | list) and value:
        value = value[0]
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        if value.ndim:
            found = rows(value[None])
            return None if found is None else int(found[0])
        content = value.tobytes()
    elif isinstance(value, str | bytes):
        content = value.encode() if isinstance(value, str) else value
    elif hasattr(value, "__fspath__"):
        content = str(value).encode()
    elif hasattr(value, "tobytes") and callable(value.tobytes):
        content = value.tobytes()
    else:
        return None
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True)
