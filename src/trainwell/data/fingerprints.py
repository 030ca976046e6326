"""Fingerprints of examples: equal inputs have equal ones, so overlap and repetition are counted exactly.

They hold within this process only (Python's 64-bit hash of bytes), which makes them cheap.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset

from trainwell.data.examples import Examples, tensors_of
from trainwell.data.streamed import MappedArrays, Source

Keys = list[Hashable]
_RAW = ("data", "tensors", "images", "inputs", "X", "x", "samples", "imgs", "files", "paths")


def keys_of(source: Source, limit: int = 500_000) -> Keys | None:
    """One key per example (the first `limit`), from the raw samples; None where they cannot be told.

    Of streamed data sets the raw samples are looked for behind `Subset`, `ConcatDataset` and random transforms: an
    array that the data set holds, else which item of which data set it is.
    """
    if isinstance(source, Examples):
        return hash_rows(tensors_of(source.inputs), limit)
    if source.iterable or source.length is None:
        return None
    return _dataset_keys(source.dataset, range(min(limit, len(source))))


def hash_rows(columns: Sequence[Tensor | NDArray[Any]], limit: int = 500_000) -> Keys:
    """Hash the bytes of each row over several arrays."""
    views = []
    for column in columns:
        rows: NDArray[Any] = np.asarray(column.detach().cpu().numpy() if isinstance(column, Tensor) else column)[:limit]
        flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
        plain: Any = flat.reshape(-1).view(np.uint8)
        views.append((memoryview(plain), flat.shape[1] * flat.itemsize))
    if len(views) == 1:
        view, width = views[0]
        raw = view.tobytes() if width * len(columns[0]) < 2**26 else None
        if raw is not None:
            return (
                [hash(raw[start : start + width]) for start in range(0, len(raw), width)]
                if width
                else [0] * min(limit, len(columns[0]))
            )
    total = min(limit, len(columns[0]))
    return [hash(b"".join(view[i * width : (i + 1) * width] for view, width in views)) for i in range(total)]


def _dataset_keys(dataset: Any, index: Sequence[int]) -> Keys:
    if isinstance(dataset, Subset):
        inner = [int(dataset.indices[i]) for i in index]
        return _dataset_keys(dataset.dataset, inner)
    if isinstance(dataset, ConcatDataset):
        return _concatenated_keys(dataset, index)
    if isinstance(dataset, MappedArrays):
        return hash_rows([np.asarray(dataset.inputs[np.asarray(index)])])
    rows = _raw_rows(dataset)
    if rows is not None:
        return [_key(rows[i]) for i in index]
    return [(id(dataset), i) for i in index]


def _concatenated_keys(dataset: ConcatDataset[Any], index: Sequence[int]) -> Keys:
    ends = np.asarray(dataset.cumulative_sizes)
    parts = np.searchsorted(ends, np.asarray(index), side="right")
    keys: Keys = [None] * len(index)
    for part in np.unique(parts):
        places = np.flatnonzero(parts == part)
        start = 0 if part == 0 else int(ends[part - 1])
        inner = [index[int(place)] - start for place in places]
        for place, key in zip(places, _dataset_keys(dataset.datasets[part], inner), strict=True):
            keys[place] = key
    return keys


def _raw_rows(dataset: Any) -> Any:
    """What a data set holds for each item before any transform, by the names that people use."""
    for name in _RAW:
        value = getattr(dataset, name, None)
        if name == "tensors" and isinstance(value, tuple) and value:
            value = value[0]
        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        if isinstance(value, list | tuple | np.ndarray) and len(value) == len(dataset) and _tells(value[0]):
            return value
    return None


def _tells(row: Any) -> bool:
    """Whether a row may be a whole sample: a single number is rather a piece of one (a series cut into windows)."""
    return not (np.isscalar(row) and not isinstance(row, str | bytes)) and np.ndim(row) + isinstance(row, str) > 0


def _key(row: Any) -> Hashable:
    if isinstance(row, np.ndarray | np.generic):
        return hash(row.tobytes())
    if isinstance(row, Tensor):
        return hash(row.detach().cpu().numpy().tobytes())
    if isinstance(row, tuple | list) and row:
        return _key(row[0])  # (path, label)
    try:
        hash(row)
    except TypeError:
        return id(row)
    return row if isinstance(row, Hashable) else id(row)


def duplicates(keys: Keys) -> int:
    """Number of examples that repeat an earlier one."""
    return len(keys) - len(set(keys))


def shared(train: Keys, other: Keys) -> int:
    """Number of examples of `other` that also stand in `train`."""
    known = set(train)
    return sum(key in known for key in other)


def conflicting(keys: Keys, labels: NDArray[Any]) -> int:
    """Number of examples whose inputs also occur with another label."""
    if len(set(keys)) == len(keys):
        return 0
    answers: dict[Hashable, set[bytes]] = {}
    tokens = [row.tobytes() for row in labels[: len(keys)]]
    for key, label in zip(keys, tokens, strict=False):
        answers.setdefault(key, set()).add(label)
    return sum(len(answers[key]) > 1 for key in keys[: len(tokens)])


__all__ = ["Keys", "conflicting", "duplicates", "hash_rows", "keys_of", "shared"]
