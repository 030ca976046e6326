"""The losses of K runs as one function, with label smoothing and class weights of each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainwell.data import Examples, Source
from trainwell.problem import Problem
from trainwell.problem.metrics import IGNORED
from trainwell.recipe.parts import Loss
from trainwell.train.losses import LossFunction, training_loss


@dataclass(frozen=True)
class StackedLoss:
    """Loss of one run out of K, as a function to be vectorised over the runs.

    Attributes:
        smoothing: Label smoothing of each run, (K,), where it differs.
        class_weights: (K, classes), where some run has them.
    """

    problem: Problem
    part: Loss
    smoothing: Tensor | None
    class_weights: Tensor | None

    @classmethod
    def of(cls, problem: Problem, parts: Sequence[Loss], weights: Sequence[Tensor | None], device: Any) -> StackedLoss:
        """Join the losses of runs that differ in smoothing and class weights at most."""
        smoothing = [part.label_smoothing for part in parts]
        given = next((w for w in weights if w is not None), None)
        return cls(
            problem,
            parts[0],
            torch.tensor(smoothing, device=device) if len(set(smoothing)) > 1 else None,
            None
            if given is None
            else torch.stack([torch.ones_like(given) if w is None else w for w in weights]).to(device),
        )

    @property
    def values(self) -> dict[str, Tensor]:
        """What differs by run, (K, ...)."""
        named = {"smoothing": self.smoothing, "class_weights": self.class_weights}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def cross_entropy(self) -> bool:
        """Whether it is plain cross-entropy of classes, apart from smoothing."""
        own = self.problem.loss if self.part.name == "problem" else self.part.name
        named = own == "cross-entropy" or (own == "bce" and self.problem.task == "binary")
        return named and self.class_weights is None and self.part.focal_gamma == 0

    @property
    def smoothed(self) -> float | Tensor:
        """Label smoothing: one number, or (K,)."""
        return self.part.label_smoothing if self.smoothing is None else self.smoothing

    def select(self, runs: Tensor) -> StackedLoss:
        """The same for some of the runs."""
        chosen = {name: value[runs] for name, value in self.values.items()}
        return StackedLoss(self.problem, self.part, chosen.get("smoothing"), chosen.get("class_weights"))

    def of_run(self, values: dict[str, Tensor]) -> LossFunction:
        """The loss of one run.

        Smoothing enters every loss here as a blend: L(s) = (1 - s) L(0) + s L(1).
        """
        weights = values.get("class_weights")
        if "smoothing" not in values:
            return training_loss(self.problem, self.part, weights)
        hard, soft = (
            training_loss(self.problem, self.part.model_copy(update={"label_smoothing": s}), weights)
            for s in (0.0, 1.0)
        )
        share = values["smoothing"]

        def blended(outputs: Any, targets: Tensor) -> Tensor:
            return torch.lerp(hard(outputs, targets), soft(outputs, targets), share)

        return blended


def plain_classes(source: Source) -> bool:
    """Whether each example of a split has one class, and none is to be ignored."""
    targets = source.targets if isinstance(source, Examples) else None
    if targets is None or targets.ndim != 1 or targets.is_floating_point():
        return False
    return bool((targets != IGNORED).all())
