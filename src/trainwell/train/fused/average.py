"""Averages of the weights of K runs, each with its own decay, or its own start."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainwell.recipe.parts import Averaging


class StackedAverage:
    """Averages in rows; a run without one has its weights themselves as the average.

    Args:
        parts: `recipe.averaging` of each run.
        totals: Planned length of each run. [optimizer updates]
        steps_per_epoch: Of all runs.
    """

    def __init__(self, parts: Sequence[Averaging], totals: Sequence[int], steps_per_epoch: int) -> None:
        self.parts, self.totals, self.steps_per_epoch = list(parts), list(totals), steps_per_epoch
        self.counts = [0] * len(self.parts)
        self.averages: list[Tensor] = []

    @property
    def used(self) -> bool:
        """Whether any run has an average."""
        return any(part.name != "none" for part in self.parts)

    @torch.no_grad()
    def update(self, step: int, tensors: Sequence[Tensor]) -> None:
        """Take in the weights after an update.

        Args:
            step: Updates done before it.
            tensors: Parameters in rows and floating buffers, (K, ...).
        """
        if not self.averages:
            self.averages = [t.clone() for t in tensors]
        shares = [self._share(k, step) for k in range(len(self.parts))]
        if not any(shares):
            return
        share = torch.tensor(shares, device=tensors[0].device)
        for average, now in zip(self.averages, tensors, strict=True):
            average.lerp_(now, share.to(now.dtype).reshape(-1, *[1] * (now.ndim - 1)))

    def _share(self, k: int, step: int) -> float:
        """How far the average of a run goes to its weights; as `trainwell.train.averaging` has it for one run."""
        part, count = self.parts[k], self.counts[k]
        if part.name == "none":
            return 1.0
        if part.name == "swa":
            done = step + 1
            if done < round(part.start * self.totals[k]) or done % self.steps_per_epoch:
                return 0.0
        self.counts[k] += 1
        return 1 - min(part.decay, (1 + count) / (10 + count)) if part.name == "ema" else 1 / (count + 1)

    def rows(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """What is evaluated: the averages, and the weights of runs whose average has not begun."""
        if not self.averages:
            return list(tensors)
        begun = torch.tensor(
            [c > 0 and p.name != "none" for c, p in zip(self.counts, self.parts, strict=True)],
            device=tensors[0].device,
        )
        return [
            torch.where(begun.reshape(-1, *[1] * (now.ndim - 1)), average, now)
            for average, now in zip(self.averages, tensors, strict=True)
        ]

    def select(self, runs: Sequence[int]) -> StackedAverage:
        """The same for some of the runs."""
        chosen = StackedAverage([self.parts[k] for k in runs], [self.totals[k] for k in runs], self.steps_per_epoch)
        chosen.counts = [self.counts[k] for k in runs]
        chosen.averages = [t[list(runs)] for t in self.averages]
        return chosen
