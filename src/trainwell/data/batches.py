"""The order of the examples in an epoch, and batches in that order, from any batch on.

The order of epoch e depends on (seed, e) alone (`Streams(seed).order(e)`), and what a streamed data set draws at
random for batch b depends on (seed, e, b) alone, whatever the number of workers. So an epoch resumes in its middle.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from trainwell.data.examples import Examples
from trainwell.data.streamed import Source, Streamed
from trainwell.errors import ProblemError


def epoch_order(examples: int, seed: int) -> Tensor:
    """A random permutation of 0, ..., n - 1 that depends on the seed alone, (n,) int64 on the CPU.

    Args:
        examples: Number of examples n.
        seed: Of the epoch: `Streams(seed).order(epoch)`.
    """
    return torch.randperm(examples, generator=torch.Generator().manual_seed(seed))


def stored_order(examples: int) -> Tensor:
    """The examples as they are stored, (n,) int64."""
    return torch.arange(examples)


def balanced_order(labels: Tensor, seed: int) -> Tensor:
    """As many draws as there are examples, with replacement: each class, then each example in it, equally likely.

    Args:
        labels: Class of each example, (n,) int64. Classes that do not occur are never drawn.
        seed: Of the epoch.

    Raises:
        ProblemError: If the labels are not one class per example.
    """
    if labels.ndim != 1 or labels.is_floating_point():
        raise ProblemError(
            f"`sampling` = 'balanced' must go with one class per example, got targets of shape {tuple(labels.shape)} "
            f"and dtype {str(labels.dtype).removeprefix('torch.')}. Use sampling='shuffled'"
        )
    counts = torch.bincount(labels.cpu())
    weights = (1.0 / counts.double().clamp(min=1))[labels.cpu()]
    generator = torch.Generator().manual_seed(seed)
    # by inversion instead of torch.multinomial, which refuses more than 2**24 examples
    bounds = weights.cumsum(0)
    draws = torch.rand(len(labels), generator=generator, dtype=torch.float64) * bounds[-1]
    return torch.searchsorted(bounds, draws, right=True).clamp(max=len(labels) - 1)


def batches(
    source: Source,
    order: Tensor | None,
    batch_size: int,
    *,
    start: int = 0,
    drop_last: bool = False,
    seed: int = 0,
) -> Iterator[Examples]:
    """Batches of a source in an order, from batch `start` on.

    Args:
        source: Examples in memory (on any device), or streamed ones.
        order: Indices of the examples, (m,) int64; None for the stored order, the only one an iterable has.
        batch_size: Examples in a batch; the last one may hold fewer.
        start: Number of batches to leave out at the front.
        drop_last: Whether to leave out a last batch of fewer examples.
        seed: Of the epoch, for what a streamed data set draws at random.
    """
    if isinstance(source, Examples):
        yield from _in_memory(source, order, batch_size, start, drop_last)
    elif source.iterable:
        yield from _iterable(source, batch_size, start, drop_last, seed)
    else:
        indices = stored_order(len(source)) if order is None else order
        yield from _by_index(source, indices, batch_size, start, drop_last, seed)


def batch_count(examples: int, batch_size: int, *, drop_last: bool = False) -> int:
    """Number of batches in an epoch."""
    return examples // batch_size if drop_last else -(-examples // batch_size)


def _in_memory(
    source: Examples, order: Tensor | None, batch_size: int, start: int, drop_last: bool
) -> Iterator[Examples]:
    total = len(source) if order is None else len(order)
    last = batch_count(total, batch_size, drop_last=drop_last)
    if order is None:
        for number in range(start, last):
            yield source.cut(number * batch_size, min((number + 1) * batch_size, total))
        return
    device = source.targets.device if source.targets is not None else None
    order = order if device is None else order.to(device)
    for number in range(start, last):
        yield source.take(order[number * batch_size : (number + 1) * batch_size])


def _by_index(
    source: Streamed, order: Tensor, batch_size: int, start: int, drop_last: bool, seed: int
) -> Iterator[Examples]:
    last = batch_count(len(order), batch_size, drop_last=drop_last)
    plan = [[number, *order[number * batch_size : (number + 1) * batch_size].tolist()] for number in range(start, last)]
    loader: DataLoader[Any] = DataLoader(
        _SeededByBatch(source.dataset, seed),
        batch_sampler=plan,
        collate_fn=source.collate,
        num_workers=source.workers,
        generator=torch.Generator().manual_seed(seed),
    )
    for collated in loader:
        yield source.batch(collated)


def _iterable(source: Streamed, batch_size: int, start: int, drop_last: bool, seed: int) -> Iterator[Examples]:
    loader: DataLoader[Any] = DataLoader(
        source.dataset,
        batch_size=batch_size,
        collate_fn=source.collate,
        num_workers=source.workers,
        drop_last=drop_last,
        generator=torch.Generator().manual_seed(seed),
    )
    for collated in itertools.islice(_own_randomness(loader, seed), start, None):
        yield source.batch(collated)


class _SeededByBatch(Dataset[Any]):
    """A data set whose random draws for a batch depend on (seed, number of the batch) alone.

    It is asked for `[number of the batch, index, index, ...]`.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def __getitems__(self, asked: list[int]) -> Any:
        number, *indices = asked
        with random_state_of(_mixed(self.seed, number)):
            if callable(getattr(self.dataset, "__getitems__", None)):
                return self.dataset.__getitems__(indices)
            return [self.dataset[index] for index in indices]

    def __getitem__(self, index: int) -> Any:
        return self.dataset[index]


@contextlib.contextmanager
def random_state_of(seed: int) -> Iterator[None]:
    """Seed Python's, NumPy's and torch's CPU generators for a while, then put them back as they were."""
    with random_state_kept():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)
        yield


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Leave Python's, NumPy's and torch's CPU generators as they were: looking changes nothing."""
    python, numpy, here = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(here)


def _own_randomness(loader: DataLoader[Any], seed: int) -> Iterator[Any]:
    """Iterate with random generators of one's own: what is drawn inside and outside do not mix."""
    with random_state_of(seed):
        inner = iter(loader)
        state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    while True:
        with random_state_kept():
            random.setstate(state[0])
            np.random.set_state(state[1])
            torch.set_rng_state(state[2])
            try:
                item = next(inner)
            except StopIteration:
                return
            state = random.getstate(), np.random.get_state(), torch.get_rng_state()
        yield item


def _mixed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> np.uint64(1))
