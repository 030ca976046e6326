"""How a problem's data come apart: shares held out of the training data, and folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import ConcatDataset

from trainwell.data.examples import Examples, map_inputs, tensors_of
from trainwell.data.fingerprints import keys_of
from trainwell.data.splits import Fold, Index, folds, holdout, representatives, splits_of, spread
from trainwell.data.streamed import Source, Streamed, count
from trainwell.errors import ProblemError
from trainwell.problem.targets import known_targets
from trainwell.records import Task

_MANY_UNIQUE = 100


@dataclass(frozen=True)
class Plan:
    """How examples are to be parted.

    Attributes:
        split: auto, stratified, grouped, time, random, or a scikit-learn splitter.
        task: Labels of classification tasks are stratified.
        groups: Group of each example, (n,), or None.
    """

    split: Any
    task: Task
    groups: NDArray[Any] | None
    seed: int

    def hold_out(self, whole: Source, shares: Mapping[str, float]) -> dict[str, Index]:
        """Hold out shares of a source; `train` is what is left.

        Raises:
            ProblemError: If the shares or the data allow no such split.
        """
        total = _refuse_unsplittable(whole, shares)
        if is_splitter(self.split):
            return self._by_splitter(whole, total, shares)
        labels = self._labels(whole)
        parts = self._together(whole, total, labels, tuple(shares.values())) or holdout(
            total, tuple(shares.values()), kind=self.split, labels=labels, groups=self.groups, seed=self.seed
        )
        return dict(zip(("train", *shares), parts, strict=True))

    def fold(self, whole: Source, k: int, repeats: int) -> list[Fold]:
        """Folds of a source.

        Raises:
            ProblemError: If the data are too few, or stand in an order of their own.
        """
        total = cast(int, count(whole))
        labels = self._labels(whole)
        if is_splitter(self.split):
            return splits_of(self.split, total, labels, self.groups)
        if self.groups is None and self.split != "time":
            unique, member = _unique_inputs(whole, total)
            if max(k, _MANY_UNIQUE) <= len(unique) < total:
                few = folds(len(unique), k, repeats=repeats, kind=self.split, labels=at(labels, unique), seed=self.seed)
                return [Fold(*spread((fold.train, fold.val), member)) for fold in few]
        return folds(total, k, repeats=repeats, kind=self.split, labels=labels, groups=self.groups, seed=self.seed)

    def _labels(self, source: Source) -> NDArray[Any] | None:
        if self.task not in ("multiclass", "binary") or self.split in ("random", "time"):
            return None
        labels = known_targets(source)
        return None if labels is None else labels.numpy()

    def _together(
        self, whole: Source, total: int, labels: NDArray[Any] | None, shares: tuple[float, ...]
    ) -> list[Index] | None:
        """Keep examples with identical inputs on one side; None where there are none, or where nearly all repeat."""
        if self.groups is not None or self.split not in ("auto", "stratified", "random"):
            return None
        unique, member = _unique_inputs(whole, total)
        if not _MANY_UNIQUE <= len(unique) < total:
            return None
        parts = spread(holdout(len(unique), shares, kind=self.split, labels=at(labels, unique), seed=self.seed), member)
        near = [
            total * share / 2 <= len(part) <= total * share * 2 for share, part in zip(shares, parts[1:], strict=True)
        ]
        return parts if all(near) else None

    def _by_splitter(self, whole: Source, total: int, shares: Mapping[str, float]) -> dict[str, Index]:
        if "val" not in shares:
            raise ProblemError("`split` must be a name where `val` is data, got a splitter. Use split='auto'")
        labels = self._labels(whole)
        inner: Index = np.arange(total)
        held = {}
        if "test" in shares:
            inner, held["test"] = holdout(total, (shares["test"],), labels=labels, groups=self.groups, seed=self.seed)
        found = splits_of(self.split, len(inner), at(labels, inner), at(self.groups, inner))[0]
        return {"train": inner[found.train], "val": inner[found.val], **held}


def is_splitter(value: Any) -> bool:
    """Whether a value has scikit-learn's `split` (which strings have, too)."""
    return hasattr(value, "split") and not isinstance(value, str)


def joined(a: Source, b: Source) -> Source:
    """Two sources of one kind, one after the other.

    Raises:
        ProblemError: If they are of different kinds, or iterables.
    """
    if isinstance(a, Examples) and isinstance(b, Examples):
        pairs = iter(zip(tensors_of(a.inputs), tensors_of(b.inputs), strict=True))
        targets = None if a.targets is None or b.targets is None else torch.cat([a.targets, b.targets])
        return Examples(map_inputs(lambda _: torch.cat(next(pairs)), a.inputs), targets)
    if isinstance(a, Streamed) and isinstance(b, Streamed) and not (a.iterable or b.iterable):
        return replace(a, dataset=ConcatDataset([a.dataset, b.dataset]))
    raise ProblemError("`folds` must have train and val of one kind, in memory or by index. Give both as arrays")


def at(values: NDArray[Any] | None, index: Index) -> NDArray[Any] | None:
    """Some of the values, where there are any."""
    return None if values is None else values[index]


def _refuse_unsplittable(whole: Source, shares: Mapping[str, float]) -> int:
    total = count(whole)
    if total is None or (isinstance(whole, Streamed) and whole.iterable):
        raise ProblemError(
            f"`{next(iter(shares))}` must be data where `train` is an iterable, got a share. Pass a source for it"
        )
    for part, share in shares.items():
        if not 0 < share < 1:
            raise ProblemError(f"`{part}` must be a share above 0 and below 1, got {share:g}. Use 0.1")
    if sum(shares.values()) >= 1:
        raise ProblemError(f"`val` and `test` must sum to below 1, got {sum(shares.values()):g}. Use 0.1 each")
    return total


def _unique_inputs(source: Source, total: int) -> tuple[Index, Index]:
    """First example of each distinct input, and for each example the number of its input among these."""
    keys = keys_of(source, total)
    return representatives(range(total) if keys is None else keys)
