"""Layers of K multi-layer perceptrons at once, each with a backward pass written out.

Legend of shapes: K runs, F features, B examples of a batch. Values lie as (K, F, B): with the examples last, a linear
layer is one batched product, and means over the batch and softmax over classes run along contiguous memory (measured
on one core, K = 16: log-softmax over 10 classes 14 us instead of 137, second layer 42 instead of 78).
Buffers are kept from step to step: fresh memory costs as much as the arithmetic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.train.fused.dropping import Dropping
from trainwell.train.fused.tensors import Tensors

Named = Mapping[str, Tensor]
_aten = torch.ops.aten
_MOST_BUFFERS = 12  # of a layer: batches, ragged last batches, evaluation


class Layer(ABC):
    """One layer of all runs.

    `forward` may overwrite what it is given and keeps what `backward` needs; so may `backward`, which writes the
    gradients of its parameters and returns that of its input.
    """

    def __init__(self, module: nn.Module, name: str) -> None:
        self.module, self.name = module, name
        self._kept: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    @abstractmethod
    def forward(self, x: Tensor, tensors: Tensors, training: bool) -> Tensor:
        """Outputs (K, F', B) of inputs (K, F, B)."""

    @abstractmethod
    def backward(self, gradient: Tensor, tensors: Tensors, first: bool, wanted: bool) -> Tensor:
        """Gradient of the inputs from that of the outputs.

        Args:
            gradient: (K, F', B).
            tensors: Parameters, and where their gradients go.
            first: Whether they are written, or added to what is there.
            wanted: Whether anything before this layer needs the result.
        """

    def _buffer(self, key: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Memory that is kept from step to step."""
        kept = self._kept.get((key, shape))
        if kept is None:
            if len(self._kept) > _MOST_BUFFERS:
                self._kept.clear()
            kept = self._kept[key, shape] = torch.empty(shape, dtype=like.dtype, device=like.device)
        return kept

    def _own(self, tensors: Named, attribute: str) -> Tensor | None:
        return tensors.get(f"{self.name}.{attribute}" if self.name else attribute)


class Linear(Layer):
    """`nn.Linear`."""

    module: nn.Linear

    def forward(self, x: Tensor, tensors: Tensors, training: bool) -> Tensor:
        """One batched product, with the bias added in it."""
        weight, bias = self._own(tensors.parameters, "weight"), self._own(tensors.parameters, "bias")
        assert weight is not None
        self._x = x
        out = self._buffer("out", (len(weight), weight.shape[1], x.shape[2]), weight)
        if bias is None:
            return torch.bmm(weight, x, out=out)
        return torch.baddbmm(bias.unsqueeze(2), weight, x, out=out)

    def backward(self, gradient: Tensor, tensors: Tensors, first: bool, wanted: bool) -> Tensor:
        """Products with the transposed inputs and weights."""
        to_weight, to_bias = self._own(tensors.gradients, "weight"), self._own(tensors.gradients, "bias")
        if to_weight is not None:
            if first:
                torch.bmm(gradient, self._x.mT, out=to_weight)
            else:
                to_weight.baddbmm_(gradient, self._x.mT)
        if to_bias is not None:
            _give(to_bias, gradient.sum(2), first)
        if not wanted:
            return gradient
        weight = self._own(tensors.parameters, "weight")
        assert weight is not None
        out = self._buffer("gradient", tuple(self._x.shape), gradient)
        return torch.bmm(weight.mT, gradient, out=out)


class ReLU(Layer):
    """`nn.ReLU`, in place."""

    def forward(self, x: Tensor, tensors: Tensors, training: bool) -> Tensor:
        """max(x, 0)."""
        self._y: Tensor = x.relu_()
        return self._y

    def backward(self, gradient: Tensor, tensors: Tensors, first: bool, wanted: bool) -> Tensor:
        """Where the output is above 0."""
        found: Tensor = _aten.threshold_backward.grad_input(gradient, self._y, 0, grad_input=gradient)
        return found


class Activation(Layer):
    """An activation whose derivative torch has as a function of input or output."""

    def forward(self, x: Tensor, tensors: Tensors, training: bool) -> Tensor:
        """The module itself, on all runs."""
        y: Tensor = self.module(x)
        self._x, self._y = x, y
        return y

    def backward(self, gradient: Tensor, tensors: Tensors, first: bool, wanted: bool) -> Tensor:
        """Torch's own derivative."""
        found: Tensor = _DERIVATIVES[type(self.module)](self.module, gradient, self._x, self._y)
        return found


_DERIVATIVES: dict[type, Callable[[Any, Tensor, Tensor, Tensor], Any]] = {
    nn.Tanh: lambda m, g, x, y: _aten.tanh_backward(g, y),
    nn.Sigmoid: lambda m, g, x, y: _aten.sigmoid_backward(g, y),
    nn.GELU: lambda m, g, x, y: _aten.gelu_backward(g, x, approximate=m.approximate),
    nn.SiLU: lambda m, g, x, y: _aten.silu_backward(g, x),
    nn.LeakyReLU: lambda m, g, x, y: _aten.leaky_relu_backward(g, x, m.negative_slope, False),
    nn.ELU: lambda m, g, x, y: _aten.elu_backward(g, m.alpha, 1, 1, False, x),
}


class Dropout(Layer):
    """`nn.Dropout`, with a probability for each run (`Dropping`)."""

    def forward(self, x: Tensor, tensors: Tensors, training: bool) -> Tensor:
        """Zero a share of the values and scale the others."""
        self._now = self._dropping(tensors, training)
        if self._now is None:
            return x
        self._mask = self._now.draw(x, self._buffer)
        return torch.mul(x, self._mask, out=self._buffer("out", tuple(x.shape), x))

    def backward(self, gradient: Tensor, tensors: Tensors, first: bool, wanted: bool) -> Tensor:
        """Through the same mask."""
        return gradient if self._now is None else gradient.mul_(self._mask)

    def _dropping(self, tensors: Tensors, training: bool) -> Dropping | None:
        """What is dropped, if anything is."""
        if not training:
            return None
        found = tensors.dropping[self.name]
        return found if found.active else None


class DroppedReLU(Dropout):
    """`nn.ReLU` with `nn.Dropout` behind it: what was dropped is 0 as well, so the output tells what passes."""

    def forward(self, x: Tensor, tensors: Tensors, training: bool) -> Tensor:
        """max(x, 0), in place, and a share of it dropped."""
        self._now = self._dropping(tensors, training)
        self._y: Tensor = x.relu_()
        if self._now is not None:
            self._y.mul_(self._now.draw(x, self._buffer))
        return self._y

    def backward(self, gradient: Tensor, tensors: Tensors, first: bool, wanted: bool) -> Tensor:
        """Where the output is above 0, times the scale."""
        found: Tensor = _aten.threshold_backward.grad_input(gradient, self._y, 0, grad_input=gradient)
        return found if self._now is None else found.mul_(self._now.scale)


class BatchNorm(Layer):
    r"""`nn.BatchNorm1d` over the examples, with the running statistics of each run.

    With the centred values $c$, the inverse deviation $r$ and the weight $w$ of a feature:
    $$ y = w r\, c + b, \qquad \nabla_w = r \sum g c, \qquad
       \nabla_x = w r \Big( g - \bar g - c\, r^2\, \overline{g c} \Big) $$
    """

    module: nn.BatchNorm1d

    def forward(self, x: Tensor, tensors: Tensors, training: bool) -> Tensor:
        """Standardise each feature over the batch in training, by the running statistics in evaluation."""
        mean, variance = self._own(tensors.buffers, "running_mean"), self._own(tensors.buffers, "running_var")
        self._by_batch = training or mean is None or variance is None
        if not self._by_batch:
            assert mean is not None
            assert variance is not None
            return self._affine(x, mean.unsqueeze(2), variance.unsqueeze(2), tensors)
        examples = x.shape[2]
        if examples == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got {x.shape[2]} example")
        own_mean = x.mean(2, keepdim=True)
        x.sub_(own_mean)
        square = torch.mul(x, x, out=self._buffer("out", tuple(x.shape), x))
        own_variance = square.mean(2, keepdim=True)
        if training and mean is not None and variance is not None:
            count = self._own(tensors.buffers, "num_batches_tracked")
            share: Any = self.module.momentum
            if count is not None:
                count.add_(1)
                share = share if share is not None else (1.0 / count.to(x.dtype)).unsqueeze(1)
            mean.lerp_(own_mean.squeeze(2), share)
            variance.lerp_(own_variance.squeeze(2) * (examples / (examples - 1)), share)
        return self._affine(x, None, own_variance, tensors)

    def _affine(self, x: Tensor, mean: Tensor | None, variance: Tensor, tensors: Tensors) -> Tensor:
        weight, bias = self._own(tensors.parameters, "weight"), self._own(tensors.parameters, "bias")
        self._centred = x if mean is None else x.sub_(mean)
        self._rstd = (variance + self.module.eps).rsqrt_()
        self._slope = self._rstd if weight is None else weight.unsqueeze(2) * self._rstd
        out = torch.mul(self._centred, self._slope, out=self._buffer("out", tuple(x.shape), x))
        return out if bias is None else out.add_(bias.unsqueeze(2))

    def backward(self, gradient: Tensor, tensors: Tensors, first: bool, wanted: bool) -> Tensor:
        """Derivative of standardising and of the affine map."""
        to_weight, to_bias = self._own(tensors.gradients, "weight"), self._own(tensors.gradients, "bias")
        product = torch.mul(gradient, self._centred, out=self._buffer("product", tuple(gradient.shape), gradient))
        along, total = product.sum(2, keepdim=True), gradient.sum(2, keepdim=True)
        if to_weight is not None:
            _give(to_weight, (along * self._rstd).squeeze(2), first)
        if to_bias is not None:
            _give(to_bias, total.squeeze(2), first)
        if not wanted:
            return gradient
        if self._by_batch:
            examples = gradient.shape[2]
            self._centred.mul_(along.mul_(self._rstd).mul_(self._rstd).div_(examples))
            gradient.sub_(self._centred).sub_(total.div_(examples))
        return gradient.mul_(self._slope)


class LayerNorm(Layer):
    """`nn.LayerNorm` over the features."""

    module: nn.LayerNorm

    def forward(self, x: Tensor, tensors: Tensors, training: bool) -> Tensor:
        """Standardise each example over its features."""
        weight, bias = self._own(tensors.parameters, "weight"), self._own(tensors.parameters, "bias")
        x.sub_(x.mean(1, keepdim=True))
        out = self._buffer("out", tuple(x.shape), x)
        variance = torch.mul(x, x, out=out).mean(1, keepdim=True)
        self._rstd = variance.add_(self.module.eps).rsqrt_()
        self._xhat = x.mul_(self._rstd)
        if weight is None:
            return out.copy_(self._xhat)
        torch.mul(self._xhat, weight.unsqueeze(2), out=out)
        return out if bias is None else out.add_(bias.unsqueeze(2))

    def backward(self, gradient: Tensor, tensors: Tensors, first: bool, wanted: bool) -> Tensor:
        """Derivative of standardising and of the affine map."""
        weight = self._own(tensors.parameters, "weight")
        to_weight, to_bias = self._own(tensors.gradients, "weight"), self._own(tensors.gradients, "bias")
        product = self._buffer("product", tuple(gradient.shape), gradient)
        if to_weight is not None:
            _give(to_weight, torch.mul(gradient, self._xhat, out=product).sum(2), first)
        if to_bias is not None:
            _give(to_bias, gradient.sum(2), first)
        if not wanted:
            return gradient
        if weight is not None:
            gradient.mul_(weight.unsqueeze(2))
        along = torch.mul(gradient, self._xhat, out=product).mean(1, keepdim=True)
        gradient.sub_(gradient.mean(1, keepdim=True)).sub_(self._xhat.mul_(along))
        return gradient.mul_(self._rstd)


def _give(target: Tensor, gradient: Tensor, first: bool) -> None:
    """Write a gradient, or add it to what is there."""
    if first:
        target.copy_(gradient)
    else:
        target.add_(gradient)


def layers_of(model: nn.Module) -> list[Layer] | None:
    """The layers of a multi-layer perceptron in order; None where the model is something else.

    It is one if it is an `nn.Sequential` (or several inside each other) of layers that are known here, on rows of
    features.
    """
    found: list[Layer] = []
    features: int | None = None
    for name, module in flat(model, ""):
        kind = type(module)
        if isinstance(module, nn.Flatten) and not found and (module.start_dim, module.end_dim) == (1, -1):
            continue
        if kind is nn.Identity:
            continue
        layer = _KINDS.get(kind)
        if layer is None or hooked(module):
            return None
        if isinstance(module, nn.LayerNorm) and tuple(module.normalized_shape) != (features,):
            return None
        if isinstance(module, nn.BatchNorm1d) and module.num_features != features:
            return None
        if isinstance(module, nn.Linear):
            features = module.out_features
        elif features is None:
            return None
        if layer is Dropout and found and type(found[-1]) is ReLU:
            found[-1] = DroppedReLU(module, name)
        else:
            found.append(layer(module, name))
    return found if found and isinstance(found[-1], Linear) else None


def flat(module: nn.Module, name: str) -> list[tuple[str, nn.Module]]:
    """The modules of a sequence, those of sequences inside it in their place, by name; also one that comes twice."""
    if type(module) is not nn.Sequential or hooked(module):
        return [(name, module)]
    children = [
        (f"{name}.{key}" if name else key, child) for key, child in module._modules.items() if child is not None
    ]
    return [entry for key, child in children for entry in flat(child, key)]


def hooked(module: nn.Module) -> bool:
    """Whether calling a module does more than its class says."""
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in vars(module)
        or hasattr(module, "parametrizations")
    )


_KINDS: dict[type, type[Layer]] = {
    nn.Linear: Linear,
    nn.ReLU: ReLU,
    nn.Dropout: Dropout,
    nn.BatchNorm1d: BatchNorm,
    nn.LayerNorm: LayerNorm,
    **dict.fromkeys(_DERIVATIVES, Activation),
}
