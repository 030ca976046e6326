"""Numbers that depend on the step alone, taken out of a traced update and computed in Python.

A compiler of loops computes them where they are used, once for every few weights: the two powers of Adam's bias
corrections were 40 % of the compiled step of a small network.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

aten = torch.ops.aten


def _divide(a: float, b: float) -> float:
    return a / b if b else math.copysign(math.inf, a) if a else math.nan


def _root(a: float) -> float:
    return math.sqrt(a) if a >= 0 else math.nan


def _power(a: float, b: float) -> float:
    if b == 0.5:
        return _root(a)
    try:
        return float(a**b)
    except (ZeroDivisionError, OverflowError):
        return math.inf


def _reverse_subtract(a: float, b: float) -> float:
    return b - a


def _choose(condition: bool, a: float, b: float) -> float:
    return a if condition else b


def _same(a: float) -> float:
    return a


_PYTHON: dict[Any, Callable[..., Any]] = {
    aten.add.Tensor: operator.add,
    aten.sub.Tensor: operator.sub,
    aten.rsub.Scalar: _reverse_subtract,
    aten.mul.Tensor: operator.mul,
    aten.div.Tensor: _divide,
    aten.neg.default: operator.neg,
    aten.sqrt.default: _root,
    aten.pow.Scalar: _power,
    aten.pow.Tensor_Scalar: _power,
    aten.pow.Tensor_Tensor: _power,
    aten.gt.Scalar: operator.gt,
    aten.where.ScalarOther: _choose,
    aten.where.ScalarSelf: _choose,
    aten.where.self: _choose,
    aten._to_copy.default: _same,
}
_FLOATS = (torch.float32, torch.float64)


@dataclass(frozen=True)
class StepNumbers:
    """What a step needs beside tensors.

    Attributes:
        compute: From the numbers of a step (see `hoist`) to those that the rest of the graph takes.
        dtypes: Of these.
    """

    compute: Callable[..., tuple[float, ...]]
    dtypes: tuple[torch.dtype, ...]


def hoist(module: fx.GraphModule, numbers: int) -> StepNumbers:
    """Take the arithmetic on the last inputs of a graph out of it, in place.

    Args:
        module: A traced function whose last `numbers` inputs are float64 tensors (). They are replaced by the inputs
            that the rest of the graph takes, tensors () too.
        numbers: How many.
    """
    graph, outside = module.graph, fx.Graph()
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    known: dict[fx.Node, fx.Node] = {node: outside.placeholder(node.name) for node in inputs[len(inputs) - numbers :]}
    same: dict[tuple[Any, ...], fx.Node] = {}
    for node in graph.nodes:
        if _is_number(node, known):
            arguments = tuple(known[a] if isinstance(a, fx.Node) else a for a in node.args)
            key = (node.target, *((type(a), a) for a in arguments))
            if key not in same:
                same[key] = outside.call_function(_PYTHON[node.target], arguments)
            known[node] = same[key]
    needed: dict[tuple[fx.Node, torch.dtype], fx.Node] = {}
    body = next(node for node in graph.nodes if node.op != "placeholder")
    for node, number in known.items():
        users = [user for user in node.users if user not in known]
        key = (number, node.meta["val"].dtype)
        if users and key not in needed:
            with graph.inserting_before(body):
                needed[key] = graph.placeholder(f"number_{len(needed)}")
                needed[key].meta["val"] = node.meta["val"]
        for user in users:
            user.replace_input_with(node, needed[key])
    for node in reversed(known):
        graph.erase_node(node)
    outside.output(tuple(number for number, _ in needed))
    graph.lint()
    module.recompile()
    return StepNumbers(fx.GraphModule({}, outside).forward, tuple(dtype for _, dtype in needed))


def _is_number(node: fx.Node, known: dict[fx.Node, fx.Node]) -> bool:
    """Whether a node computes a number from known numbers, in a way that Python can."""
    if node in known or node.op != "call_function" or node.target not in _PYTHON:
        return False
    if node.target is aten._to_copy.default:
        if set(node.kwargs) - {"dtype"} or node.kwargs.get("dtype") not in _FLOATS:
            return False
    elif node.kwargs:
        return False
    operands = [a for a in node.args if isinstance(a, fx.Node)]
    return bool(operands) and node.meta["val"].ndim == 0 and all(a in known for a in operands)
