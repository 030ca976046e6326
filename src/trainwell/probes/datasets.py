"""The raw samples behind a dataset: looked up through views and wrappers, without calling `__getitem__`."""

from __future__ import annotations

import random
from collections.abc import Sized
from typing import Any

import numpy as np
import torch
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from trainwell.probes import fingerprint

Hashes = np.ndarray[Any, np.dtype[np.int64]]
_USUAL = (
    "data",
    "x",
    "xs",
    "inputs",
    "images",
    "features",
    "samples",
    "imgs",
    "items",
    "texts",
    "paths",
    "files",
    "feats",
)
_INDICES = ("indices", "idx", "idxs", "index", "ids", "inds")
_WRAPPED = ("dataset", "base", "ds", "source", "inner", "base_dataset", "parent", "subset", "data")


def length(dataset: Any) -> int | None:
    """Number of samples, None for streams."""
    try:
        return len(dataset) if isinstance(dataset, Sized) else None
    except Exception:
        return None


def raw_rows(dataset: Any, depth: int = 0) -> Hashes | None:
    """One hash per sample of what is stored for it, before any transform; None if nothing is found."""
    if depth > 6 or dataset is None:
        return None
    if isinstance(dataset, TensorDataset):
        return fingerprint.rows(dataset.tensors[0])
    if isinstance(dataset, ConcatDataset):
        parts = [raw_rows(part, depth + 1) for part in dataset.datasets]
        return np.concatenate([p for p in parts if p is not None]) if all(p is not None for p in parts) else None
    if isinstance(dataset, Subset):
        return _take(raw_rows(dataset.dataset, depth + 1), dataset.indices)
    if isinstance(dataset, torch.Tensor | np.ndarray):
        return fingerprint.rows(dataset)
    if isinstance(dataset, list | tuple):
        return fingerprint.items(dataset)
    count = length(dataset)
    attributes = _attributes(dataset)
    if count is None or not attributes:
        return None
    lowered = {name.lower().strip("_"): name for name in attributes}
    ordered = [lowered[name] for name in _USUAL if name in lowered]
    ordered += [name for name in attributes if name not in ordered]
    for name in _INDICES:
        indices = attributes.get(lowered.get(name, ""))
        if _sized(indices) == count:
            for other in ordered:
                if attributes[other] is indices:
                    continue
                found = _rows_of(attributes[other], depth)
                if found is not None and len(found) >= count:
                    taken = _take(found, indices)
                    if taken is not None:
                        return taken
    for name in ordered:
        value = attributes[name]
        if _looks_like_label(name) or name.lower().strip("_") in _INDICES:
            continue
        if _sized(value) == count or (isinstance(value, Dataset) and length(value) == count):
            found = _rows_of(value, depth)
            if found is not None and len(found) == count and len(np.unique(found)) > min(2, count - 1):
                return found
    return None


def _rows_of(value: Any, depth: int) -> Hashes | None:
    if isinstance(value, Dataset):
        return raw_rows(value, depth + 1)
    if isinstance(value, torch.Tensor | np.ndarray):
        return fingerprint.rows(value)
    if isinstance(value, list | tuple):
        return fingerprint.items(value)
    return None


def _sized(value: Any) -> int | None:
    if isinstance(value, torch.Tensor | np.ndarray):
        return len(value) if value.ndim else None
    if isinstance(value, list | tuple | range):
        return len(value)
    return None


def _attributes(dataset: Any) -> dict[str, Any]:
    values = getattr(dataset, "__dict__", None)
    found = {k: v for k, v in values.items() if not k.startswith("__")} if isinstance(values, dict) else {}
    return found


def _looks_like_label(name: str) -> bool:
    name = name.lower().strip("_")
    return name in ("y", "ys", "labels", "label", "targets", "target", "classes", "t")


def _take(found: Hashes | None, indices: Any) -> Hashes | None:
    if found is None:
        return None
    chosen = np.asarray(indices.tolist() if isinstance(indices, torch.Tensor) else indices)
    if chosen.dtype == bool:
        return found[chosen] if len(chosen) == len(found) else None
    chosen = chosen.astype(np.int64)
    taken: Hashes = found[chosen[chosen < len(found)]]
    return taken


def root(dataset: Any) -> Any:
    """The dataset behind views."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return dataset


def labels(dataset: Any) -> Any:
    """Stored labels, as a flat tensor of integers, or None."""
    if isinstance(dataset, TensorDataset):
        return _flat(dataset.tensors[1]) if len(dataset.tensors) > 1 else None
    if isinstance(dataset, Subset):
        inner = labels(dataset.dataset)
        return None if inner is None else inner[torch.as_tensor(list(dataset.indices), dtype=torch.long)]
    count = length(dataset)
    for name, value in _attributes(dataset).items():
        if _looks_like_label(name) and _sized(value) == count and count:
            return _flat(value)
    return None


def _flat(value: Any) -> Any:
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    if tensor.ndim == 2 and tensor.shape[1] == 1:
        tensor = tensor[:, 0]
    return tensor.detach() if tensor.ndim == 1 else None


def stored_images(dataset: Any) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Images and labels that a dataset keeps as arrays, before any transform; None if it does not."""
    if isinstance(dataset, Subset):
        inner = stored_images(dataset.dataset)
        chosen = torch.as_tensor(list(dataset.indices), dtype=torch.long)
        return None if inner is None else (inner[0][chosen], inner[1][chosen])
    count, found = length(dataset), labels(dataset)
    if not count or found is None or len(found) != count or found.is_floating_point():
        return None
    for value in _attributes(dataset).values():
        if isinstance(value, torch.Tensor | np.ndarray) and value.ndim >= 3 and len(value) == count:
            images = torch.as_tensor(value)
            if images.ndim == 4 and images.shape[-1] in (1, 3) and images.shape[1] > 3:
                images = images.movedim(-1, 1)
            return images, found.cpu()
    return None


def own_generators(dataset: Any, depth: int = 0) -> list[str]:
    """Names of random generators that a dataset (or its transform) carries along."""
    found = []
    for name, value in _attributes(dataset).items():
        if isinstance(value, np.random.Generator | np.random.RandomState | random.Random | torch.Generator):
            found.append(name)
        elif depth < 2 and not isinstance(value, torch.Tensor | np.ndarray | list | dict | str | int | float):
            found += [f"{name}.{inner}" for inner in own_generators(value, depth + 1)]
    return found


def transforms(dataset: Any) -> tuple[str, ...]:
    """Kinds of the transforms that a dataset applies, by the usual names."""
    names: list[str] = []
    for name, value in _attributes(dataset).items():
        if any(word in name.lower() for word in ("transform", "augment")) and value is not None:
            inner = getattr(value, "transforms", None)
            parts = inner if isinstance(inner, list | tuple) else [value]
            names.extend(getattr(part, "__name__", type(part).__name__) for part in parts)
    return tuple(names)
