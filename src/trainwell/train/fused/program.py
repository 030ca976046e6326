"""Forward and backward pass of K runs as one: `torch.func.vmap` over any model."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from trainwell.data import Examples
from trainwell.train.fused.dropping import RunDropout, with_run_dropout
from trainwell.train.fused.losses import StackedLoss
from trainwell.train.fused.recurrent import unrolled
from trainwell.train.fused.tensors import Tensors
from trainwell.train.losses import LossFunction, loss_of, scores

Autocast = Callable[[], AbstractContextManager[Any]]


class Program(Protocol):
    """How the losses, gradients and outputs of K runs are computed."""

    name: str
    own_dropout: bool  # whether each run drops with its own probability

    def gradients(
        self, tensors: Tensors, batch: Examples, shared: bool, loss: StackedLoss, weight: Tensor | None, first: bool
    ) -> Tensor:
        """Write the gradients of a batch into `tensors.gradients`.

        Args:
            tensors: Parameters, buffers (updated in place) and gradients.
            batch: (K, B, ...), or (B, ...) if it is shared by all runs.
            shared: Whether it is.
            loss: Of the runs.
            weight: What the batch counts in its update, (K,); None for 1.
            first: Whether it is the first of its update; otherwise gradients are added.

        Returns:
            Losses times the weight, (K,).
        """

    def outputs(self, tensors: Tensors, batch: Examples, loss: LossFunction) -> tuple[Tensor, Tensor | None]:
        """Losses (K,) and scores (K, B, ...) of a batch that all runs share, in eval mode."""


class VmapProgram:
    """Any model, by `vmap` over `functional_call`; ordinary autograd for the gradients.

    Args:
        model: Of one run.
        autocast: Around every call of it.
        own_dropout: Whether each run drops with its own probability; otherwise all with that of the model.
    """

    name = "vmap"

    def __init__(self, model: nn.Module, autocast: Autocast = nullcontext, *, own_dropout: bool = True) -> None:
        model = copy.deepcopy(model)
        self.skeleton = unrolled(with_run_dropout(model) if own_dropout else model)
        self.own_dropout = own_dropout
        self._dropouts = [name for name, module in self.skeleton.named_modules() if isinstance(module, RunDropout)]
        self.autocast = autocast

    def gradients(
        self, tensors: Tensors, batch: Examples, shared: bool, loss: StackedLoss, weight: Tensor | None, first: bool
    ) -> Tensor:
        """Write the gradients of a batch into `tensors.gradients`."""
        self.skeleton.train()
        parameters = tensors.parameters
        targets = tensors.gradients
        leaves = {name: parameters[name].detach().requires_grad_() for name in targets}
        with torch.enable_grad():
            losses = self._losses({**parameters, **leaves}, self._given(tensors), batch, shared, loss)
            total = losses if weight is None else losses * weight
            found = torch.autograd.grad(total.sum(), list(leaves.values()), allow_unused=True)
        for view, gradient in zip(targets.values(), found, strict=True):
            if gradient is None:
                if first:
                    view.zero_()
            elif first:
                view.copy_(gradient)
            else:
                view.add_(gradient)
        return total.detach()

    def _losses(
        self,
        parameters: dict[str, Tensor],
        buffers: dict[str, Tensor],
        batch: Examples,
        shared: bool,
        loss: StackedLoss,
    ) -> Tensor:
        def one(own: Any, own_buffers: Any, inputs: Any, targets: Any, values: Any) -> Tensor:
            with self.autocast():
                return loss_of(self._bound(own, own_buffers), Examples(inputs, targets), loss.of_run(values))[
                    0
                ].reshape(())

        data = None if shared else 0
        dims = (0, 0, data, data if batch.targets is not None else None, 0)
        result: Tensor = vmap(one, in_dims=dims, randomness="different")(
            parameters, buffers, batch.inputs, batch.targets, loss.values
        )
        return result

    def outputs(self, tensors: Tensors, batch: Examples, loss: LossFunction) -> tuple[Tensor, Tensor | None]:
        """Losses and scores of a batch that all runs share, in eval mode."""
        self.skeleton.eval()

        def one(own: Any, own_buffers: Any) -> Any:
            with self.autocast():
                value, returned = loss_of(self._bound(own, own_buffers), batch, loss)
            value = value.reshape(())  # anything but one number is an error, which the run alone explains
            return (value, scores(returned).float()) if batch.targets is not None else (value,)

        with torch.no_grad():
            found = vmap(one, randomness="different")(tensors.parameters, self._given(tensors))
        return found[0], found[1] if len(found) > 1 else None

    def _given(self, tensors: Tensors) -> dict[str, Tensor]:
        """Buffers, and the probabilities of dropout, which are buffers here."""
        return {**tensors.buffers, **{f"{name}.p" if name else "p": tensors.dropouts[name] for name in self._dropouts}}

    def _bound(self, parameters: Any, buffers: Any) -> Any:
        """The model with other tensors, as something to call."""

        def bound(*arguments: Any, **keywords: Any) -> Any:
            return functional_call(self.skeleton, (parameters, buffers), arguments, keywords)

        return bound


@contextmanager
def vectorisable() -> Iterator[None]:
    """Choose those implementations of attention that `vmap` knows, and make a slow fallback an error."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH), warnings.catch_warnings():
            warnings.filterwarnings("error", message="There is a performance drop")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
