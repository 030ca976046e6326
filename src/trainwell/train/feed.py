"""The batches of an epoch, in groups that make one update each; the order depends on (seed, epoch) alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import torch

from trainwell.data import Examples, Source, Streamed
from trainwell.data.batches import balanced_order, batches, epoch_order, stored_order
from trainwell.recipe import Recipe
from trainwell.seeding import Streams
from trainwell.train.plan import Plan
from trainwell.train.scaled import Scaled

_SHUFFLE_WHOLE_BYTES = 128 * 2**20


class Feed:
    """Groups of batches of the training split.

    A split in memory is put in the epoch's order at once and cut into views: no Python per example, one gather
    per epoch. Larger ones are gathered batch by batch; streamed ones go through torch's `DataLoader`.
    """

    def __init__(
        self,
        source: Source,
        plan: Plan,
        recipe: Recipe,
        streams: Streams,
        device: torch.device,
        *,
        labels: torch.Tensor | None = None,
        scaled: Scaled | None = None,
    ) -> None:
        self.source = source
        self.plan = plan
        self.sampling = recipe.sampling.name
        self.streams = streams
        self.device = device
        self.labels = labels
        self.scaled = scaled

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Sequence[Examples]]:
        """The groups of one epoch.

        Args:
            epoch: From 0.
            skip: Batches that were trained on already (a resume in the middle of an epoch).
        """
        stream = self._batches(epoch, skip)
        if self.plan.accumulate == 1:
            for batch in stream:
                yield (batch,)
            return
        group: list[Examples] = []
        done = skip
        for batch in stream:
            group.append(batch)
            done += 1
            if len(group) == self.plan.accumulate or done == self.plan.batches_per_epoch:
                yield group
                group = []

    def order(self, epoch: int) -> torch.Tensor:
        """Indices of the examples of an epoch, in order; int64, as many as are trained on."""
        assert self.plan.examples is not None
        seed = self.streams.order(epoch)
        if self.sampling == "balanced":
            assert self.labels is not None
            order = balanced_order(self.labels, seed)
        else:
            order = (stored_order if self.sampling == "ordered" else lambda n: epoch_order(n, seed))(self.plan.examples)
        return order[: self.plan.batches_per_epoch * self.plan.batch_size]

    def _batches(self, epoch: int, skip: int) -> Iterator[Examples]:
        size = self.plan.batch_size
        if isinstance(self.source, Streamed):
            order = None if self.source.iterable else self.order(epoch)
            stream = batches(self.source, order, size, start=skip, seed=self.streams.order(epoch))
            for batch in islice(stream, self.plan.batches_per_epoch - skip):
                moved = batch.to(self.device)
                yield moved if self.scaled is None else self.scaled.apply_batch(moved)
            return
        order = self.order(epoch).to(self.device)
        if self.source.bytes <= _SHUFFLE_WHOLE_BYTES:
            yield from _cut(self.source.take(order), size, skip)
        else:
            yield from batches(self.source, order, size, start=skip)


def _cut(examples: Examples, size: int, skip: int) -> Iterator[Examples]:
    """Views of consecutive batches; one split call per tensor."""
    inputs, targets = examples.inputs, examples.targets
    if isinstance(inputs, torch.Tensor) and targets is not None:
        for x, y in islice(zip(torch.split(inputs, size), torch.split(targets, size), strict=True), skip, None):
            yield Examples(x, y)
        return
    yield from batches(examples, None, size, start=skip)
