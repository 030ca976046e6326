"""The autograd graph behind a loss, in plain values: operations, shapes, saved numbers, leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from trainwell.probes.place import place
from trainwell.records import GraphNode

MOST_STORED = 700
MOST_WALKED = 20_000
_UNSIGNED = 1 << 63
_SAVED = {
    "SoftmaxBackward0": ("dim",),
    "LogSoftmaxBackward0": ("dim",),
    "ConvolutionBackward0": ("groups",),
    "NllLossBackward0": ("reduction",),
    "NllLoss2DBackward0": ("reduction",),
    "MseLossBackward0": ("reduction",),
    "BinaryCrossEntropyWithLogitsBackward0": ("reduction",),
    "DivBackward0": ("other",),
    "MulBackward0": ("other",),
    "SumBackward1": ("dim",),
    "LogsumexpBackward0": ("dim",),
    "ExpandBackward0": (),
}


@dataclass
class Walk:
    """One walk: stored nodes, the parameters reached, and live activations to look at."""

    nodes: list[GraphNode] = field(default_factory=list)
    leaves: dict[int, torch.Tensor] = field(default_factory=dict)
    activations: list[tuple[str, Any]] = field(default_factory=list)
    complete: bool = True
    tags: list[Any] = field(default_factory=list)
    opaque: bool = False
    half: bool = False


def walk(root: Any, name_of: Callable[[torch.Tensor], str | None], *, saved: bool = True) -> Walk:
    """Walk from a loss's `grad_fn` to the leaves, breadth first.

    Args:
        root: The `grad_fn`.
        name_of: Name of a leaf tensor, None if no model holds it.
        saved: Whether tensors saved by activations may be looked at (not under saved-tensor hooks).
    """
    found = Walk()
    index: dict[Any, int] = {root: 0}
    queue = [root]
    position = 0
    while position < len(queue):
        node = queue[position]
        position += 1
        if position > MOST_WALKED:
            found.complete = False
            break
        op = node.name()
        following = node.next_functions
        inputs = []
        for parent, slot in following:
            if parent is None:
                inputs.append(-1)
                continue
            if parent not in index:
                index[parent] = len(queue)
                queue.append(parent)
            inputs.append(index[parent])
            del slot
        leaf = None
        if op == "torch::autograd::AccumulateGrad":
            variable = node.variable
            found.leaves[id(variable)] = variable
            leaf = name_of(variable) or "?"
        elif "Compiled" in op or "Checkpoint" in op or (not op.endswith(("0", "1", "2", "3", "4")) and "::" not in op):
            found.opaque = True
        metadata, line = node.metadata, (None, None)
        if metadata:
            line = metadata.get("trainwell_line", line)
            tag = metadata.get("trainwell")
            if tag is not None:
                found.tags.append(tag)
        if saved and op in ("ReluBackward0", "TanhBackward0", "SigmoidBackward0"):
            found.activations.append((op, node))
        if len(found.nodes) < MOST_STORED:
            shape: tuple[int, ...] = ()
            about = node._input_metadata
            if about:
                shape = tuple(about[0].shape)
                found.half = found.half or about[0].dtype == torch.float16
            found.nodes.append(
                GraphNode(
                    op=op,
                    shape=shape,
                    inputs=tuple(inputs),
                    detail=_detail(op, node, following),
                    leaf=leaf,
                    place=place(line[0]),
                    made=place(line[1]),
                )
            )
    found.complete = found.complete and len(queue) <= MOST_STORED
    return found


def _detail(op: str, node: Any, following: Any) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    for name in _SAVED.get(op, ()):
        if op in ("DivBackward0", "MulBackward0"):
            continue
        try:
            value = getattr(node, f"_saved_{name}")
        except (AttributeError, RuntimeError):
            continue
        if isinstance(value, int):
            detail[name] = value - 2 * _UNSIGNED if value >= _UNSIGNED else value
        elif isinstance(value, float | bool | str):
            detail[name] = value
        elif isinstance(value, tuple | list):
            detail[name] = [v - 2 * _UNSIGNED if isinstance(v, int) and v >= _UNSIGNED else v for v in value]
    metadata = node.metadata
    if metadata and "trainwell" in metadata:
        kind = getattr(metadata["trainwell"], "kind", None)
        if kind is not None:
            detail["output_of"] = kind
    # which result of the parent an input is, where it is not the first
    slots = [slot for parent, slot in following if parent is not None]
    if any(slots):
        detail["slots"] = slots
    shapes = []
    for parent, slot in following:
        if parent is None or slot == 0:
            continue
        about = parent._input_metadata
        if slot < len(about):
            shapes.append(list(about[slot].shape))
    if shapes:
        detail["slot_shapes"] = shapes
    return detail
