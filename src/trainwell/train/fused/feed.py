"""The batches of K runs: one gather a step for all of them, in each run's own order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainwell.data import Examples, Source
from trainwell.problem.partition import joined
from trainwell.train.feed import Feed


@dataclass(frozen=True)
class StackedBatch:
    """A batch of every run.

    Attributes:
        examples: (K, B, ...), or (B, ...) where all runs see the same.
        size: Examples B of a run.
    """

    examples: Examples
    shared: bool
    size: int

    def of_run(self, k: int) -> Examples:
        """The batch of one run."""
        return self.examples if self.shared else self.examples.map(lambda t: t[k])


class StackedFeed:
    """Groups of batches for runs that train on splits of one size: the same, or one of each fold.

    Args:
        feeds: Of the runs; they agree in everything but the data and the order.

    Attributes:
        source: The different splits, one after the other.
        shared: Whether all runs see the same batches.
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self.feeds = list(feeds)
        splits = {id(feed.source): feed.source for feed in feeds}
        self.source = _one_after_the_other(list(splits.values()))
        size = len(self.source) // len(splits)
        self._begins = [size * list(splits).index(id(feed.source)) for feed in feeds]
        self.plan = feeds[0].plan
        self.device = feeds[0].device
        self.shared = len(splits) == 1 and len({(feed.streams.seed, feed.sampling) for feed in feeds}) == 1

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[list[StackedBatch]]:
        """The groups of one epoch, each for one update; `skip` batches are left out at the front."""
        orders: dict[tuple[int, str], Tensor] = {}
        for feed in self.feeds:
            key = (feed.streams.seed, feed.sampling)
            if key not in orders:
                orders[key] = feed.order(epoch)
        rows = [
            orders[feed.streams.seed, feed.sampling] + begin
            for feed, begin in zip(self.feeds[: 1 if self.shared else None], self._begins, strict=False)
        ]
        order = torch.stack(rows).to(self.device)
        plan = self.plan
        group: list[StackedBatch] = []
        for number in range(skip, plan.batches_per_epoch):
            group.append(self._batch(order[:, number * plan.batch_size : (number + 1) * plan.batch_size]))
            if len(group) == plan.accumulate or number + 1 == plan.batches_per_epoch:
                yield group
                group = []

    def _batch(self, order: Tensor) -> StackedBatch:
        size = order.shape[1]
        if self.shared:
            return StackedBatch(self.source.take(order[0]), True, size)
        taken = self.source.take(order.flatten())
        return StackedBatch(taken.map(lambda t: torch.unflatten(t, 0, (-1, size))), False, size)


def _one_after_the_other(splits: Sequence[Source]) -> Examples:
    whole = splits[0]
    for split in splits[1:]:
        whole = joined(whole, split)
    assert isinstance(whole, Examples)
    return whole


def stack_examples(examples: Sequence[Examples]) -> Examples:
    """Batches of K runs as one, (K, B, ...)."""
    inputs: Any = [e.inputs for e in examples]
    if isinstance(inputs[0], Tensor):
        stacked: Any = torch.stack(inputs)
    elif isinstance(inputs[0], dict):
        stacked = {name: torch.stack([own[name] for own in inputs]) for name in inputs[0]}
    else:
        stacked = tuple(torch.stack(list(column)) for column in zip(*inputs, strict=True))
    targets = [e.targets for e in examples if e.targets is not None]
    return Examples(stacked, torch.stack(targets) if targets else None)
