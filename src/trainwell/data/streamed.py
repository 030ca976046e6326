"""Data that go through torch's `DataLoader` batch by batch, and what they share with examples in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, default_collate

from trainwell.data.examples import LABEL_KEYS, TARGET_KEYS, Examples, as_batch, target_dtype


@dataclass(frozen=True, eq=False)
class Streamed:
    """A `Dataset` or `IterableDataset` that goes through a `DataLoader`.

    Attributes:
        collate: Makes a batch of a list of items; None for torch's own.
        workers: Processes that load; 0 loads in this one.
        convert: Turns a batch's targets into the dtype of the task.
    """

    dataset: Any
    collate: Callable[[Any], Any] | None = None
    workers: int = 0
    convert: Callable[[Tensor], Tensor] | None = None

    @property
    def iterable(self) -> bool:
        """Whether it can only be read in its own order."""
        return isinstance(self.dataset, IterableDataset)

    @property
    def length(self) -> int | None:
        """Number of examples; None for an iterable that does not say."""
        try:
            return len(cast(Sized, self.dataset))
        except TypeError:
            return None

    def __len__(self) -> int:
        length = self.length
        if length is None:
            raise TypeError("this source does not know its length; use `length`, which is None")
        return length

    def take(self, index: Tensor) -> Examples:
        """Read some examples as one batch."""
        items: Any = [int(i) for i in index]
        if callable(getattr(self.dataset, "__getitems__", None)):
            rows = self.dataset.__getitems__(items)
        else:
            rows = [self.dataset[i] for i in items]
        return self.batch((self.collate or default_collate)(rows))

    def subset(self, index: Tensor) -> Streamed:
        """The same source, limited to some indices; nothing is read."""
        dataset = cast("Dataset[Any]", self.dataset)
        return replace(self, dataset=Subset(dataset, index.tolist()))

    def batch(self, collated: Any) -> Examples:
        """Turn what the loader yields into inputs and targets."""
        batch = as_batch(collated)
        if self.convert is None or batch.targets is None:
            return batch
        return replace(batch, targets=self.convert(batch.targets))

    def first(self, count: int) -> Examples:
        """Read the first examples, in order."""
        if not self.iterable:
            return self.take(torch.arange(min(count, len(self))))
        rows = []
        for row in cast("IterableDataset[Any]", self.dataset):
            rows.append(row)
            if len(rows) == count:
                break
        return self.batch((self.collate or default_collate)(rows))

    def labels(self) -> Tensor | None:
        """The label of each example where the data set tells them without reading its items, else None."""
        labels = known_labels(self.dataset)
        return labels if labels is None or self.convert is None else self.convert(labels)


Source: TypeAlias = Examples | Streamed


def subset(source: Source, index: Tensor) -> Source:
    """Some examples of a source, in the order of the index."""
    return source.take(index) if isinstance(source, Examples) else source.subset(index)


def count(source: Source) -> int | None:
    """Number of examples; None for an iterable that does not say."""
    return len(source) if isinstance(source, Examples) else source.length


def first(source: Source, number: int) -> Examples:
    """The first examples of a source, at most `number`."""
    if isinstance(source, Examples):
        return source.cut(0, min(number, len(source)))
    return source.first(number)


def sample(source: Source, number: int) -> Examples:
    """At most `number` examples, spread evenly over the source (the first ones of an iterable)."""
    total = count(source)
    if total is None or (isinstance(source, Streamed) and source.iterable):
        return first(source, number)
    if total <= number:
        return source if isinstance(source, Examples) else source.first(total)
    index = torch.from_numpy(np.linspace(0, total - 1, number).astype(np.int64))
    return source.take(index)


class MappedArrays(Dataset[Any]):
    """Arrays on disk (`numpy.memmap`), read batch by batch; only the rows of a batch enter memory."""

    def __init__(self, inputs: np.ndarray[Any, Any], targets: Tensor | None) -> None:
        self.inputs = inputs
        self.targets = targets

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index]).map(lambda tensor: tensor[0])

    def __getitems__(self, indices: Sequence[int]) -> Examples:
        """Read a batch at once."""
        rows = np.asarray(indices, dtype=np.int64)
        inputs = torch.from_numpy(model_dtype(np.array(self.inputs[rows])))
        return Examples(inputs, None if self.targets is None else self.targets[torch.from_numpy(rows)])


def as_is(batch: Any) -> Any:
    """Collate nothing: the data set already reads whole batches."""
    return batch


def model_dtype(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Inputs as a model takes them: real numbers, bytes and booleans as float32, other integers as int64 (tokens)."""
    integer = array.dtype.kind in "iu" and array.dtype != np.uint8
    return np.ascontiguousarray(array, dtype=np.int64 if integer else np.float32)


def known_labels(dataset: Any) -> Tensor | None:
    """Labels that a data set tells without reading its items: `targets` or `labels`, a column, or of its parts."""
    if isinstance(dataset, MappedArrays):
        return dataset.targets
    if isinstance(dataset, Subset):
        inner = known_labels(dataset.dataset)
        return None if inner is None else inner[torch.as_tensor(list(dataset.indices))]
    if isinstance(dataset, ConcatDataset):
        parts = [known_labels(part) for part in dataset.datasets]
        return None if any(part is None for part in parts) else torch.cat(cast("list[Tensor]", parts))
    for value in _label_columns(dataset):
        try:
            labels = torch.as_tensor(np.asarray(value))
        except (TypeError, ValueError):
            continue
        if labels.ndim >= 1 and len(labels) == len(dataset):
            return target_dtype(labels)
    return None


def _label_columns(dataset: Any) -> Iterator[Any]:
    for name in ("targets", "labels"):
        value = getattr(dataset, name, None)
        if value is not None and not callable(value):
            yield value
    columns = getattr(dataset, "column_names", None)  # Hugging Face
    if isinstance(columns, list):
        for name in (*LABEL_KEYS, *TARGET_KEYS):
            if name in columns:
                yield dataset[name]
