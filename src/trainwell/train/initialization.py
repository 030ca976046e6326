"""How the weights start, where the recipe does not leave it to the model factory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.data import Examples
from trainwell.problem.forward import call, evaluating
from trainwell.recipe.parts import Initialization

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_LSUV_ROUNDS = 10
_LSUV_TOLERANCE = 0.02


@torch.no_grad()
def initialize(model: nn.Module, part: Initialization, batch: Callable[[], Examples]) -> None:
    """Draw the weights of linear and convolution layers anew; their biases become zero. Tied weights are drawn once.

    Args:
        model: Changed in place, from torch's generator.
        part: xavier (Glorot & Bengio 2010), kaiming (He et al. 2015, for ReLU), orthogonal (Saxe et al. 2014),
            lsuv (Mishkin & Matas 2016: orthogonal, then scaled to outputs of variance 1 on one batch).
        batch: Gives scaled training examples; asked for lsuv alone.
    """
    layers = _distinct([m for m in model.modules() if isinstance(m, _LAYERS)])
    if part.name != "default":
        for layer in layers:
            _DRAW["orthogonal" if part.name == "lsuv" else part.name](layer.weight)
            layer.weight.mul_(part.gain)
            if layer.bias is not None:
                layer.bias.zero_()
    if part.name == "lsuv":
        _scale_to_unit_variance(model, layers, batch())
    if part.zero_residual:
        _zero_last_of_residual_branches(model)


def _distinct(layers: list[Any]) -> list[Any]:
    seen: set[int] = set()
    kept = []
    for layer in layers:
        if id(layer.weight) not in seen:
            seen.add(id(layer.weight))
            kept.append(layer)
    return kept


def _kaiming(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


_DRAW: dict[str, Callable[[Tensor], Any]] = {
    "xavier": nn.init.xavier_uniform_,
    "kaiming": _kaiming,
    "orthogonal": nn.init.orthogonal_,
}


def _scale_to_unit_variance(model: nn.Module, layers: list[Any], batch: Examples) -> None:
    """Divide each layer's weights by the deviation of its outputs, in the order in which layers are called."""
    for layer in layers:
        for _ in range(_LSUV_ROUNDS):
            deviation = _output_deviation(model, layer, batch)
            if deviation is None or deviation < 1e-8 or abs(deviation - 1) < _LSUV_TOLERANCE:
                break
            layer.weight.div_(deviation)


def _output_deviation(model: nn.Module, layer: nn.Module, batch: Examples) -> float | None:
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
    try:
        with evaluating(model):
            call(model, batch.inputs)
    finally:
        handle.remove()
    return float(seen[0].float().std()) if seen else None


def _zero_last_of_residual_branches(model: nn.Module) -> None:
    """Zero the scale of the last norm (or the last layer) of every block that says it is residual.

    A block is taken for residual where its class name holds Residual, BasicBlock, Bottleneck or TransformerEncoderLayer
    (Goyal et al. 2017; Zhang et al. 2019).
    """
    for block in model.modules():
        if not any(word in type(block).__name__ for word in ("Residual", "BasicBlock", "Bottleneck", "EncoderLayer")):
            continue
        inside = [m for m in block.modules() if isinstance(m, (*_LAYERS, nn.BatchNorm1d, nn.BatchNorm2d))]
        if inside and inside[-1].weight is not None:
            inside[-1].weight.zero_()
            bias = getattr(inside[-1], "bias", None)
            if bias is not None:
                bias.zero_()
