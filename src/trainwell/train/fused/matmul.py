"""Forward and backward pass of K multi-layer perceptrons by batched products, without autograd."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from trainwell.data import Examples
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.layers import Layer, layers_of
from trainwell.train.fused.losses import StackedLoss, plain_classes
from trainwell.train.fused.tensors import Tensors
from trainwell.train.losses import LossFunction


class MatmulProgram:
    """A `nn.Sequential` of linear layers, activations, norms and dropout (`layers`)."""

    name = "matmul"
    own_dropout = True

    def __init__(self, lane: Lane) -> None:
        layers = layers_of(lane.model)
        assert layers is not None
        self.layers: list[Layer] = layers
        self.plain_classes = plain_classes(lane.parts.feed.source)

    @staticmethod
    def suits(lane: Lane) -> bool:
        """Whether a run's model and data are of that kind."""
        source = lane.parts.feed.source
        return (
            lane.parts.autocast is None
            and isinstance(source, Examples)
            and isinstance(source.inputs, Tensor)
            and source.targets is not None
            and source.inputs.dtype == torch.float32
            and all(p.dtype == torch.float32 for p in lane.model.parameters())
            and len(list(lane.model.parameters())) == len(list(lane.model.named_parameters(remove_duplicate=False)))
            and layers_of(lane.model) is not None
        )

    def gradients(
        self, tensors: Tensors, batch: Examples, shared: bool, loss: StackedLoss, weight: Tensor | None, first: bool
    ) -> Tensor:
        """Write the gradients of a batch into `tensors.gradients`."""
        assert isinstance(batch.inputs, Tensor)
        assert batch.targets is not None
        gradients = tensors.gradients
        with torch.no_grad():
            z = self._forward(tensors, _features_last(batch.inputs, shared, len(tensors)), training=True)
            targets = batch.targets.expand(len(tensors), *batch.targets.shape) if shared else batch.targets
            if self._simple(loss, z, targets):
                losses, gradient = cross_entropy(z, targets, loss.smoothed)
            else:
                losses, gradient = _by_autograd(z, targets, loss)
            if weight is not None:
                losses = losses * weight
                gradient = gradient.mul_(weight.reshape(-1, 1, 1))
            last = next((i for i, layer in enumerate(self.layers) if _trained(layer, gradients)), len(self.layers))
            for i in range(len(self.layers) - 1, last - 1, -1):
                gradient = self.layers[i].backward(gradient, tensors, first, wanted=i > last)
        return losses

    def outputs(self, tensors: Tensors, batch: Examples, loss: LossFunction) -> tuple[Tensor, Tensor | None]:
        """Losses and scores of a batch that all runs share, in eval mode."""
        assert isinstance(batch.inputs, Tensor)
        assert batch.targets is not None
        with torch.no_grad():
            z = self._forward(tensors, _features_last(batch.inputs, True, len(tensors)), training=False)
            scores = z.mT.contiguous()
            return vmap(loss, in_dims=(0, None))(scores, batch.targets), scores

    def _forward(self, tensors: Tensors, x: Tensor, training: bool) -> Tensor:
        for layer in self.layers:
            x = layer.forward(x, tensors, training)
        return x

    def _simple(self, loss: StackedLoss, z: Tensor, targets: Tensor) -> bool:
        classes = targets.ndim == 2 and not targets.is_floating_point()
        return self.plain_classes and classes and loss.cross_entropy and z.shape[1] > 1


def cross_entropy(scores_KCB: Tensor, targets_KB: Tensor, smoothing: float | Tensor) -> tuple[Tensor, Tensor]:
    r"""Mean cross-entropy of each run and its gradient.

    $$ L = -\frac1B \sum_b \big( (1 - s) \log p_{y_b} + \frac sC \sum_c \log p_c \big), \qquad
       \nabla_z L = \frac1B \big( p - (1 - s)\, e_y - \frac sC \big) $$

    Args:
        scores_KCB: Logits.
        targets_KB: Classes, int64.
        smoothing: Label smoothing s, one number or (K,).

    Returns:
        Losses (K,) and the gradient (K, C, B).
    """
    _, classes, examples = scores_KCB.shape
    at = targets_KB.unsqueeze(1)
    log_p = torch.log_softmax(scores_KCB, 1)
    losses = -log_p.gather(1, at).mean((1, 2))
    gradient = torch.softmax(scores_KCB, 1)
    if isinstance(smoothing, Tensor) or smoothing:
        losses = losses * (1 - smoothing) - log_p.mean((1, 2)) * smoothing
        share = smoothing.reshape(-1, 1, 1) if isinstance(smoothing, Tensor) else smoothing
        hot = -(1 - share) if isinstance(share, Tensor) else torch.full((1, 1, 1), -(1 - share), device=at.device)
        gradient.scatter_add_(1, at, hot.to(gradient.dtype).expand(at.shape)).sub_(share / classes)
    else:
        gradient.scatter_add_(1, at, gradient.new_full((1, 1, 1), -1.0).expand(at.shape))
    return losses, gradient.mul_(1 / examples)


def _by_autograd(z_KCB: Tensor, targets: Tensor, loss: StackedLoss) -> tuple[Tensor, Tensor]:
    """Losses and gradient at the scores for any other loss."""
    with torch.enable_grad():
        scores = z_KCB.mT.contiguous().requires_grad_()

        def one(outputs: Tensor, truth: Tensor, values: Any) -> Tensor:
            return loss.of_run(values)(outputs, truth)

        losses: Tensor = vmap(one, randomness="different")(scores, targets, loss.values)
        (gradient,) = torch.autograd.grad(losses.sum(), [scores])
    return losses.detach(), gradient.mT.contiguous()


def _features_last(inputs: Tensor, shared: bool, runs: int) -> Tensor:
    """Inputs as (K, F, B), as views."""
    if shared:
        return inputs.flatten(1).mT.expand(runs, -1, -1)
    return inputs.flatten(2).mT


def _trained(layer: Layer, gradients: Any) -> bool:
    prefix = f"{layer.name}." if layer.name else ""
    return any(name.startswith(prefix) for name in gradients)
