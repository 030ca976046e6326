"""One optimizer update: forward, loss, backward, limits on the gradient, step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import backward

from trainwell.data import Examples
from trainwell.optim.clipping import Clipper, total_norm
from trainwell.train.evaluate import weight_of
from trainwell.train.losses import LossFunction, loss_of

Looks = list[tuple[str, Tensor | float]]
GradientHook = Callable[[int], None]


class Update:
    """Makes one update of the model from a group of batches.

    The loss of a group is the mean over its examples, also where the last batch is smaller than the others.

    Attributes:
        looks: What was measured in the last update: gradient_norm, update_ratio, clip_factor.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: LossFunction,
        optimizer: torch.optim.Optimizer,
        *,
        autocast: Callable[[], AbstractContextManager[Any]] | None = None,
        scaler: torch.amp.GradScaler | None = None,
        clip: Clipper | None = None,
        augment: Callable[[Examples], Examples] | None = None,
        before_step: Sequence[GradientHook] = (),
        after_step: Sequence[GradientHook] = (),
        gradients_every: int = 10,
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.autocast, self.scaler, self.clip, self.augment = autocast, scaler, clip, augment
        self.before_step, self.after_step = before_step, after_step
        self.gradients_every = gradients_every
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.looks: Looks = []
        self._closure = isinstance(optimizer, torch.optim.LBFGS)

    def __call__(self, group: Sequence[Examples], step: int) -> Tensor:
        """Update once.

        Args:
            group: Batches whose gradients are accumulated.
            step: Updates done before.

        Returns:
            The loss of the group before the update, detached, shape ().
        """
        self.looks = []
        if self.augment is not None:
            group = [self.augment(batch) for batch in group]
        if self._closure:
            return self._closure_step(group, step)
        self.optimizer.zero_grad()
        loss = self._gradients(group)
        scaler = self.scaler
        if scaler is not None:
            scaler.unscale_(self.optimizer)
        for hook in self.before_step:
            hook(step)
        looking = step % self.gradients_every == 0
        if self.clip is not None:
            norm = self.clip(self._gradients_now())
            self.looks.append(("gradient_norm", norm))
        elif looking:
            self.looks.append(("gradient_norm", total_norm(self._gradients_now())))
        before = [p.detach().clone() for p in self.parameters] if step % (5 * self.gradients_every) == 0 else None
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()
        if before is not None:
            self.looks.append(("update_ratio", update_ratio(before, self.parameters)))
        for hook in self.after_step:
            hook(step)
        return loss

    def _gradients(self, group: Sequence[Examples]) -> Tensor:
        if len(group) == 1:
            loss = self._loss(group[0])
            backward(loss if self.scaler is None else self.scaler.scale(loss))
            return loss.detach()
        weights = [weight_of(batch) for batch in group]
        total = sum(weights)
        mean: Tensor | None = None
        for batch, weight in zip(group, weights, strict=True):
            part = self._loss(batch) * (weight / total)
            backward(part if self.scaler is None else self.scaler.scale(part))
            mean = part.detach() if mean is None else mean + part.detach()
        assert mean is not None
        return mean

    def _gradients_now(self) -> list[Tensor]:
        return [p.grad for p in self.parameters if p.grad is not None]

    def _loss(self, batch: Examples) -> Tensor:
        if self.autocast is None:
            return self._value(batch)
        with self.autocast():
            return self._value(batch)

    def _value(self, batch: Examples) -> Tensor:
        return loss_of(self.model, batch, self.loss)[0]

    def _closure_step(self, group: Sequence[Examples], step: int) -> Tensor:
        first: list[Tensor] = []

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            loss = self._gradients(group)
            for hook in self.before_step:
                hook(step)
            if not first:
                first.append(loss)
                self.looks.append(("gradient_norm", total_norm(self._gradients_now())))
            return loss

        self.optimizer.step(closure)  # type: ignore[arg-type]
        for hook in self.after_step:
            hook(step)
        return first[0]


def update_ratio(before: Sequence[Tensor], after: Sequence[Tensor]) -> Tensor:
    """Norm of the change of the weights over the norm of the weights, shape ()."""
    with torch.no_grad():
        change = torch._foreach_sub([p.detach() for p in after], before)  # type: ignore[arg-type]
        moved = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(change)))
        size = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(before))))
    ratio: Tensor = moved / size.clamp(min=1e-12)
    return ratio
