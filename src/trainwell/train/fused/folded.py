"""Forward and backward pass of K convolutional networks: runs folded into channels, in channels-last layout.

A convolution of K runs is one with K groups (Wang et al. 2021, HFTA). On a CPU it is the layout that pays: pooling and
grouped convolution work along memory.

Legend of shapes: K runs, B examples, C channels, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn import functional as F

from trainwell.data import Examples
from trainwell.train.fused.dropping import dropped
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.layers import flat, hooked
from trainwell.train.fused.losses import StackedLoss
from trainwell.train.fused.tensors import Tensors
from trainwell.train.losses import LossFunction

Named = Mapping[str, Tensor]


class FoldedProgram:
    """A `nn.Sequential` of convolutions, norms, pooling and activations on images, and a head of linear layers."""

    name = "folded"
    own_dropout = True

    def __init__(self, lane: Lane) -> None:
        self.layers = _pooled_first(list(flat(lane.model, "")))

    @staticmethod
    def suits(lane: Lane) -> bool:
        """Whether a run's model and data are of that kind."""
        source = lane.parts.feed.source
        images = isinstance(source, Examples) and isinstance(source.inputs, Tensor) and source.inputs.ndim == 4
        return (
            images
            and source.targets is not None  # type: ignore[union-attr]
            and lane.parts.autocast is None
            and all(p.dtype == torch.float32 for p in lane.model.parameters())
            and len(list(lane.model.parameters())) == len(list(lane.model.named_parameters(remove_duplicate=False)))
            and _known(list(flat(lane.model, "")))
        )

    def gradients(
        self, tensors: Tensors, batch: Examples, shared: bool, loss: StackedLoss, weight: Tensor | None, first: bool
    ) -> Tensor:
        """Write the gradients of a batch into `tensors.gradients`."""
        assert batch.targets is not None
        targets = tensors.gradients
        leaves = {name: tensors.parameters[name].detach().requires_grad_() for name in targets}

        def one(outputs: Tensor, truth: Tensor, values: Any) -> Tensor:
            return loss.of_run(values)(outputs, truth)

        with torch.enable_grad():
            z = self._forward(tensors, {**tensors.parameters, **leaves}, batch, shared, True)
            losses: Tensor = vmap(one, in_dims=(0, None if shared else 0, 0))(z, batch.targets, loss.values)
            total = losses if weight is None else losses * weight
            found = torch.autograd.grad(total.sum(), list(leaves.values()))
        for view, gradient in zip(targets.values(), found, strict=True):
            view.copy_(gradient) if first else view.add_(gradient)
        return total.detach()

    def outputs(self, tensors: Tensors, batch: Examples, loss: LossFunction) -> tuple[Tensor, Tensor | None]:
        """Losses and scores of a batch that all runs share, in eval mode."""
        assert batch.targets is not None
        with torch.no_grad():
            z = self._forward(tensors, tensors.parameters, batch, True, False)
            return vmap(loss, in_dims=(0, None))(z, batch.targets), z

    def _forward(self, tensors: Tensors, parameters: Named, batch: Examples, shared: bool, training: bool) -> Tensor:
        """Scores (K, B, ...)."""
        buffers, runs = tensors.buffers, len(tensors)
        x: Any = batch.inputs
        if not shared:
            x = x.transpose(0, 1).flatten(1, 2)
        x = x.contiguous(memory_format=torch.channels_last)
        for name, module in self.layers:
            own = {key: parameters.get(f"{name}.{key}") for key in ("weight", "bias")}
            if isinstance(module, nn.Conv2d):
                groups = module.groups if shared else module.groups * runs
                x = _convolve(module, x, own, groups)
                shared = False
            elif isinstance(module, nn.BatchNorm2d):
                x = _batch_norm(module, name, x, own, buffers, training)
            elif isinstance(module, nn.GroupNorm):
                x = F.group_norm(
                    x, runs * module.num_groups, _flatten(own["weight"]), _flatten(own["bias"]), module.eps
                )
            elif isinstance(module, nn.Flatten):
                x = torch.unflatten(x, 1, (runs, -1)).flatten(2).transpose(0, 1)
            elif isinstance(module, nn.Linear):
                assert own["weight"] is not None
                weight = own["weight"].mT
                x = torch.bmm(x, weight) if own["bias"] is None else torch.baddbmm(own["bias"].unsqueeze(1), x, weight)
            elif isinstance(module, nn.ReLU):
                x = F.relu(x)
            elif isinstance(module, nn.Dropout):
                if training and tensors.dropping[name].active:
                    x = _drop(x, tensors.dropouts[name])
            else:
                x = module(x)
        found: Tensor = x
        return found


def _convolve(module: nn.Conv2d, x: Tensor, own: Mapping[str, Tensor | None], groups: int) -> Tensor:
    weight = own["weight"]
    assert weight is not None
    folded = weight.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return F.conv2d(x, folded, _flatten(own["bias"]), module.stride, module.padding, module.dilation, groups)


def _batch_norm(
    module: nn.BatchNorm2d, name: str, x: Tensor, own: Mapping[str, Tensor | None], buffers: Named, training: bool
) -> Tensor:
    """Channels of all runs are channels of one norm; its running statistics are views of the buffers."""
    mean, variance = buffers.get(f"{name}.running_mean"), buffers.get(f"{name}.running_var")
    if training and f"{name}.num_batches_tracked" in buffers:
        buffers[f"{name}.num_batches_tracked"].add_(1)
    weight, bias = _flatten(own["weight"]), _flatten(own["bias"])
    return F.batch_norm(
        x,
        _flatten(mean),
        _flatten(variance),
        weight,
        bias,
        training or mean is None,
        module.momentum or 0.0,
        module.eps,
    )


def _drop(x: Tensor, p_K: Tensor) -> Tensor:
    """Dropout of runs that lie in the channels (B, KC, H, W), or first (K, B, F)."""
    if x.ndim == 4:
        return dropped(x, p_K.repeat_interleave(x.shape[1] // len(p_K)).reshape(1, -1, 1, 1))
    return dropped(x, p_K.reshape(-1, 1, 1))


def _flatten(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.flatten()


def _pooled_first(layers: list[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Put a ReLU behind the max-pooling that follows it: the same values and gradients on fewer numbers."""
    order = list(layers)
    for i in range(len(order) - 1):
        if isinstance(order[i][1], nn.ReLU) and isinstance(order[i + 1][1], nn.MaxPool2d):
            order[i], order[i + 1] = order[i + 1], order[i]
    return order


def _known(layers: list[tuple[str, nn.Module]]) -> bool:
    """Convolutional part, one flatten, linear part; a convolution without groups of its own first."""
    kinds = [type(module) for _, module in layers]
    if nn.Flatten not in kinds or kinds[0] is not nn.Conv2d or any(hooked(module) for _, module in layers):
        return False
    at = kinds.index(nn.Flatten)
    return (
        all(kind in _BEFORE for kind in kinds[:at])
        and all(kind in _AFTER for kind in kinds[at + 1 :])
        and all(_plain(module) for _, module in layers)
    )


def _plain(module: nn.Module) -> bool:
    rules: dict[type, Callable[[Any], bool]] = {
        nn.Conv2d: lambda m: m.padding_mode == "zeros" and m.groups == 1,
        nn.BatchNorm2d: lambda m: m.momentum is not None,
        nn.Flatten: lambda m: (m.start_dim, m.end_dim) == (1, -1),
        nn.MaxPool2d: lambda m: not m.return_indices,
    }
    return rules.get(type(module), lambda _: True)(module)


_ANYWHERE = (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU, nn.Identity, nn.Dropout)
_BEFORE = (*_ANYWHERE, nn.Conv2d, nn.BatchNorm2d, nn.GroupNorm, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
_AFTER = (*_ANYWHERE, nn.Linear)
