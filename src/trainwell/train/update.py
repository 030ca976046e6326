"""One optimizer update: forward, loss, backward, limits on the gradient, step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd import backward

from trainwell.data import Examples
from trainwell.optim.clipping import Clipper, total_norm
from trainwell.optim.sam import perturb, restore
from trainwell.optim.stepping import quick_step
from trainwell.train.evaluate import weight_of
from trainwell.train.losses import LossFunction, loss_of

Looks = list[tuple[str, Tensor | float]]
Hook = Callable[[int], None]
Note = Callable[..., None]
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory")


class Update:
    """Makes one update of the model from a group of batches.

    The loss of a group is the mean over its examples, also where its last batch is smaller than the others, so that
    accumulating k batches gives the gradient of one batch k times as large.

    Args:
        autocast: Context of the forward passes.
        scaler: Gradient scaler of float16; gradients are unscaled before anything looks at them.
        clip: Limits the gradients in place and returns their norm before.
        augment: Applied to each batch.
        before_step: Called with the step after the backward pass: penalties, gradient noise.
        after_step: Called after the update: projections, averages.
        sam_rho: Radius of sharpness-aware minimisation; 0 is off.
        gradients_every: Steps between looks at the gradient norm where nothing clips.
        guarded: Whether an update with a non-finite loss or gradient is left out.

    Attributes:
        looks: What was measured in the last update: gradient_norm, update_ratio.
        skipped: Whether the last update was left out.
        pieces: Into how many pieces batches are cut, after the memory did not suffice.
        decision: Whether the step is compiled (`CompiledUpdate`); a measurement may have decided it, so that a resume
            must know.
        note: Told of decisions in plain words.
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
        before_step: Sequence[Hook] = (),
        after_step: Sequence[Hook] = (),
        sam_rho: float = 0.0,
        gradients_every: int = 10,
        guarded: bool = False,
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.autocast, self.scaler, self.clip, self.augment = autocast, scaler, clip, augment
        self.before_step, self.after_step = before_step, after_step
        self.sam_rho, self.gradients_every, self.guarded = sam_rho, gradients_every, guarded
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.looks: Looks = []
        self.skipped = False
        self.pieces = 1
        self.decision: Literal["open", "compiled", "eager"] = "open"
        self.note: Note = lambda **what: None
        self._step = quick_step(optimizer)
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
        self.skipped = False
        if self.augment is not None:
            group = [self.augment(batch) for batch in group]
        return self.update(group, step)

    def update(self, group: Sequence[Examples], step: int) -> Tensor:
        """Update once, on batches that are augmented already."""
        if self._closure:
            return self._closure_step(group, step)
        self._clear()
        loss = self._gradients(group)
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        if self.sam_rho:
            self._sharpness_aware(group)
        for hook in self.before_step:
            hook(step)
        norm = self._limit(step)
        if self.guarded and not (math.isfinite(loss) and (norm is None or math.isfinite(norm))):
            self.skipped = True
            return loss
        before = self._weights() if step % (5 * self.gradients_every) == 0 else None
        if self.scaler is None:
            self._step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        if before is not None:
            self.looks.append(("update_ratio", update_ratio(before, self.parameters)))
        for hook in self.after_step:
            hook(step)
        return loss

    def _limit(self, step: int) -> Tensor | None:
        if self.clip is not None:
            norm = self.clip(self._grads())
        elif self.guarded or step % self.gradients_every == 0:
            grads = self._grads()
            norm = total_norm(grads) if grads else torch.zeros(())
        else:
            return None
        self.looks.append(("gradient_norm", norm))
        return norm

    def _weights(self) -> list[Tensor]:
        return [p.detach().clone() for p in self.parameters]

    def _clear(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def _grads(self) -> list[Tensor]:
        return [p.grad for p in self.parameters if p.grad is not None]

    # -- gradients --------------------------------------------------------------------------------------------

    def _gradients(self, group: Sequence[Examples]) -> Tensor:
        """Accumulate the gradients of a group; where memory does not suffice, in smaller pieces from then on."""
        while True:
            try:
                return self._accumulate(group)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error) or max(map(len, group)) <= self.pieces:
                    raise
            self._clear()
            self.pieces *= 2

    def _accumulate(self, group: Sequence[Examples]) -> Tensor:
        if self.pieces > 1:
            group = [piece for batch in group for piece in _cut(batch, self.pieces)]
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

    def _loss(self, batch: Examples) -> Tensor:
        if self.autocast is None:
            return loss_of(self.model, batch, self.loss)[0]
        with self.autocast():
            return loss_of(self.model, batch, self.loss)[0]

    def _sharpness_aware(self, group: Sequence[Examples]) -> None:
        """Replace the gradients by those at the worst point nearby; batch norm's statistics stay as they are."""
        moved = [p for p in self.parameters if p.grad is not None]
        originals = perturb(moved, self._grads(), self.sam_rho)
        self._clear()
        frozen = [m for m in self.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        momenta = [m.momentum for m in frozen]
        for module in frozen:
            module.momentum = 0.0
        try:
            self._accumulate(group)
        finally:
            restore(moved, originals)
            for module, momentum in zip(frozen, momenta, strict=True):
                module.momentum = momentum

    def _closure_step(self, group: Sequence[Examples], step: int) -> Tensor:
        first: list[Tensor] = []

        def closure() -> Tensor:
            self._clear()
            loss = self._gradients(group)
            for hook in self.before_step:
                hook(step)
            if not first:
                first.append(loss)
                self.looks.append(("gradient_norm", total_norm(self._grads())))
            return loss

        self.optimizer.step(closure)  # type: ignore[arg-type]
        for hook in self.after_step:
            hook(step)
        return first[0]


def update_ratio(before: Sequence[Tensor], after: Sequence[Tensor]) -> Tensor:
    """Norm of the change of the weights over the norm of the weights, shape ()."""
    with torch.no_grad():
        change = torch._foreach_sub([p.detach() for p in after], list(before))
        ratio: Tensor = total_norm(change) / total_norm(before).clamp(min=1e-12)
    return ratio


def _cut(batch: Examples, pieces: int) -> list[Examples]:
    size = -(-len(batch) // pieces)
    return [batch.cut(start, min(start + size, len(batch))) for start in range(0, len(batch), size)]


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in _OUT_OF_MEMORY)
