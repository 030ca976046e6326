"""Turn what people have (arrays, tables, tensors, data sets) into sources, with clear errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset, default_collate

from trainwell.data.arrays import input_tensor, refuse_non_finite, target_tensor
from trainwell.data.batches import random_state_kept
from trainwell.data.examples import TARGET_KEYS, Examples, Inputs, tensors_of
from trainwell.data.streamed import MappedArrays, Source, Streamed, as_is
from trainwell.errors import ProblemError

IN_MEMORY_BYTES = 256 * 2**20
_PROBED_ITEMS = 32


def as_source(
    value: Any,
    *,
    name: str = "train",
    collate: Callable[[Any], Any] | None = None,
    in_memory: bool | None = None,
    workers: int = 0,
) -> Source:
    """Make a source of (X, y), a dict of arrays, a `Dataset`, an `IterableDataset` or a Hugging Face data set.

    Args:
        value: X may be an array, a table with `to_numpy`, a tensor, a list, a `numpy.memmap` (kept on disk when large),
            or a tuple or dict of these; y may be None.
        name: Name of the split, for messages.
        collate: Makes a batch of a list of items; such a data set is streamed.
        in_memory: Whether a data set is read into memory once; None decides: small ones whose items do not change.
        workers: Loader processes of a streamed data set.

    Raises:
        ProblemError: If lengths differ, values are not finite or not numbers, or nothing is in it.
    """
    if isinstance(value, DataLoader):
        raise ProblemError(
            f"`{name}` must be data, got a DataLoader: batch size and order belong to the recipe. "
            f"Pass {name}=loader.dataset, with collate= if it has one"
        )
    if isinstance(value, Examples | Streamed):
        source: Source = value
    elif is_dataset(value):
        source = _from_dataset(value, name, collate, in_memory, workers)
    elif isinstance(value, Mapping):
        source = _from_mapping(value, name)
    elif isinstance(value, tuple | list) and len(value) == 2 and not isinstance(value[0], int | float):
        source = _from_arrays(value[0], value[1], name)
    else:
        raise ProblemError(
            f"`{name}` must be (X, y), a dict of arrays or a data set, got {_kind(value)}. Pass the inputs and the "
            "targets as a pair: (X, y)"
        )
    _refuse_empty(source, name)
    if isinstance(source, Examples):
        _refuse_unequal(source, name)
        for label, tensor in named_tensors(source.inputs):
            refuse_non_finite(tensor, f"{name}` inputs{label}")
        if source.targets is not None:
            refuse_non_finite(source.targets, f"{name}` targets")
    return source


def is_dataset(value: Any) -> bool:
    """Whether a value is a torch data set, or one by duck typing (Hugging Face)."""
    if isinstance(value, Dataset):
        return True
    return (
        hasattr(value, "__getitem__")
        and hasattr(value, "__len__")
        and (hasattr(value, "with_format") or hasattr(value, "features"))
    )


def named_tensors(inputs: Inputs) -> Iterator[tuple[str, Tensor]]:
    """The tensors of inputs with what to call them in a message ("" for a single one)."""
    if isinstance(inputs, Tensor):
        yield "", inputs
    elif isinstance(inputs, dict):
        yield from ((f" '{key}'", tensor) for key, tensor in inputs.items())
    else:
        yield from ((f" {number}", tensor) for number, tensor in enumerate(inputs))


def _from_arrays(inputs: Any, targets: Any, name: str) -> Source:
    target = None if targets is None else target_tensor(targets, name)
    if isinstance(inputs, Mapping):
        parts: Inputs = {str(key): input_tensor(part, f"{name}` inputs '{key}'") for key, part in inputs.items()}
    elif isinstance(inputs, tuple):
        parts = tuple(input_tensor(part, f"{name}` inputs {i}") for i, part in enumerate(inputs))
    elif isinstance(inputs, np.memmap) and inputs.nbytes > IN_MEMORY_BYTES:
        _refuse_lengths(len(inputs), None if target is None else len(target), name)
        return Streamed(MappedArrays(inputs, target), collate=as_is)
    else:
        parts = input_tensor(inputs, f"{name}` inputs")
    return Examples(parts, target)


def _from_mapping(value: Mapping[Any, Any], name: str) -> Examples:
    key = next((key for key in TARGET_KEYS if key in value), None)
    inputs = {str(k): input_tensor(v, f"{name}` inputs '{k}'") for k, v in value.items() if k != key}
    return Examples(inputs, None if key is None else target_tensor(value[key], name))


def _refuse_empty(source: Source, name: str) -> None:
    if (len(source) if isinstance(source, Examples) else source.length) == 0:
        raise ProblemError(f"`{name}` must hold examples, got 0. Give it data, or a larger share")


def _refuse_unequal(source: Examples, name: str) -> None:
    lengths = {len(tensor) for tensor in tensors_of(source.inputs)}
    if len(lengths) > 1:
        raise ProblemError(f"`{name}` inputs must be of equal length, got {sorted(lengths)}. Give one row per example")
    _refuse_lengths(len(source), None if source.targets is None else len(source.targets), name)


def _refuse_lengths(inputs: int, targets: int | None, name: str) -> None:
    if targets is not None and inputs != targets:
        raise ProblemError(
            f"`{name}` must have as many targets as inputs, got {inputs:,} inputs and {targets:,} targets. "
            "Check how the rows were selected"
        )


def _from_dataset(
    dataset: Any, name: str, collate: Callable[[Any], Any] | None, in_memory: bool | None, workers: int
) -> Source:
    if not isinstance(dataset, Dataset) and hasattr(dataset, "with_format"):
        dataset = dataset.with_format("torch")
    streamed = Streamed(dataset, collate, workers)
    if isinstance(dataset, IterableDataset):
        _refuse_uncollatable(streamed, name)
        return streamed
    try:
        total = len(dataset)
    except TypeError:
        raise ProblemError(
            f"`{name}` must have a length or be an IterableDataset, got {_kind(dataset)} without `__len__`. Add one"
        ) from None
    if total == 0:
        return streamed
    if in_memory is False or (collate is not None and not in_memory):
        _refuse_uncollatable(streamed, name)
        return streamed
    if collate is None:
        tensors = _dataset_tensors(dataset)
        if tensors is not None:
            return _examples_of(tensors, name)
    if in_memory or _small_and_steady(dataset, total, name):
        try:
            with random_state_kept():
                return streamed.take(torch.arange(total))
        except (RuntimeError, TypeError) as error:
            if in_memory:
                raise ProblemError(
                    f"`{name}` must have items of equal shape to be read into memory, got: {error}. "
                    "Pass a collate function"
                ) from error
    _refuse_uncollatable(streamed, name)
    return streamed


def _refuse_uncollatable(source: Streamed, name: str) -> None:
    """Make one small batch, so that what cannot be batched shows now."""
    try:
        with random_state_kept():
            source.first(2)
    except ProblemError:
        raise
    except Exception as error:
        raise ProblemError(
            f"`{name}` must yield items that make a batch, got {type(error).__name__}: {error}. "
            "Return tensors of equal shape, or pass a collate function"
        ) from error


def _examples_of(tensors: tuple[Tensor, ...], name: str) -> Examples:
    *inputs, targets = [t.detach() for t in tensors]
    if not inputs:
        return Examples(input_tensor(targets, f"{name}` inputs"))
    parts = tuple(input_tensor(t, f"{name}` inputs") for t in inputs)
    return Examples(parts[0] if len(parts) == 1 else parts, target_tensor(targets, name))


def _dataset_tensors(dataset: Any) -> tuple[Tensor, ...] | None:
    """The tensors behind a TensorDataset, a Subset of one or a concatenation of them."""
    if type(dataset) is TensorDataset:
        return dataset.tensors
    if type(dataset) is Subset:
        inner = _dataset_tensors(dataset.dataset)
        index = torch.as_tensor(list(dataset.indices), dtype=torch.int64)
        return None if inner is None else tuple(t[index] for t in inner)
    if type(dataset) is ConcatDataset:
        parts = [_dataset_tensors(part) for part in dataset.datasets]
        if all(p is not None for p in parts) and len({len(p) for p in parts if p is not None}) == 1:
            return tuple(torch.cat(column) for column in zip(*cast("list[tuple[Tensor, ...]]", parts), strict=True))
    return None


def _small_and_steady(dataset: Any, total: int, name: str) -> bool:
    """Whether all items fit in memory and do not change when drawn again."""
    with random_state_kept():
        index = np.unique(np.linspace(0, total - 1, _PROBED_ITEMS).astype(np.int64)).tolist()
        try:
            leaves = _leaves(dataset[index[0]])
        except Exception as error:
            raise ProblemError(
                f"`{name}` must yield items, got {type(error).__name__} for item {index[0]}: {error}. "
                "Mend the data set's `__getitem__`"
            ) from error
        size = sum(leaf.numel() * max(leaf.element_size(), 4) for leaf in leaves)
        if not leaves or size * total > IN_MEMORY_BYTES:
            return False
        for i in index:
            once, again = _leaves(dataset[i]), _leaves(dataset[i])
            if len(once) != len(again) or not all(_same(a, b) for a, b in zip(once, again, strict=True)):
                return False
    return True


def _leaves(item: Any) -> list[Tensor]:
    if isinstance(item, Mapping):
        return [leaf for part in item.values() for leaf in _leaves(part)]
    if isinstance(item, list | tuple):
        return [leaf for part in item for leaf in _leaves(part)]
    try:
        return [torch.as_tensor(default_collate([item])[0])]
    except (TypeError, ValueError, RuntimeError):
        return []


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"
