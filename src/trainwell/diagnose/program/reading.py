"""Questions about a trace that several rules ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainwell.records import CallTrace, GraphNode, GraphTrace, ModelTrace, OptimizerTrace, RunRecord, TraceRecord

PASSING = (
    "View",
    "UnsafeView",
    "Reshape",
    "Transpose",
    "Permute",
    "Squeeze",
    "Unsqueeze",
    "Slice",
    "Select",
    "Index",
    "Clone",
    "ToCopy",
    "Alias",
    "Expand",
    "Cat",
    "Stack",
    "T",
    "NativeDropout",
    "Unbind",
    "Split",
    "CppFunction",
    "Chunk",
)
SHAPING = tuple(name for name in PASSING if name not in ("NativeDropout", "Index"))
LOSSES = (
    "NllLoss",
    "NllLoss2D",
    "MseLoss",
    "L1Loss",
    "SmoothL1Loss",
    "HuberLoss",
    "BinaryCrossEntropy",
    "BinaryCrossEntropyWithLogits",
)
_NUMBER = re.compile(r"Backward\d+$")


def trace_of(run: RunRecord) -> TraceRecord:
    """What the tracer saw; an empty record for runs of our own trainer."""
    return run.trace if run.trace is not None else TraceRecord()


def share(optimizer: OptimizerTrace, pattern: str) -> float:
    """Share of an optimizer's cycles that a regular expression matches as a whole."""
    total = sum(optimizer.cycles.values())
    return count(optimizer, pattern) / total if total else 0.0


def count(optimizer: OptimizerTrace, pattern: str) -> int:
    """How many of an optimizer's cycles a regular expression matches as a whole."""
    return sum(n for cycle, n in optimizer.cycles.items() if re.fullmatch(pattern, cycle))


def kind(node: GraphNode) -> str:
    """Name of a node's operation without the ending `Backward0`."""
    return _NUMBER.sub("", node.op)


def behind(graph: GraphTrace, index: int, slot: int = 0, *, passing: tuple[str, ...] = PASSING) -> int | None:
    """The node that made an input, looking through operations that only move numbers."""
    if index >= len(graph.nodes) or slot >= len(graph.nodes[index].inputs):
        return None
    found = graph.nodes[index].inputs[slot]
    for _ in range(30):
        if not 0 <= found < len(graph.nodes):
            return None
        node = graph.nodes[found]
        if kind(node) not in passing or not node.inputs:
            return found
        found = node.inputs[0]
    return None


def loss_nodes(graph: GraphTrace) -> Iterator[int]:
    """Nodes of torch's loss functions, from the loss on."""
    for index, node in enumerate(graph.nodes):
        if kind(node) in LOSSES:
            yield index


def scores(graph: GraphTrace) -> Iterator[tuple[int, int]]:
    """Pairs of a classification loss's node and the softmax node it reads, for cross-entropy of any kind."""
    for index, node in enumerate(graph.nodes):
        if kind(node) in ("NllLoss", "NllLoss2D"):
            found = behind(graph, index)
            if found is not None:
                yield index, found


def training_calls(trace: TraceRecord, model: ModelTrace) -> list[CallTrace]:
    """Calls of a model that a backward pass came from."""
    return [c for c in trace.calls if c.model == model.key and c.trained and c.grad]


def evaluation_calls(trace: TraceRecord, model: ModelTrace) -> list[CallTrace]:
    """Calls of a model in which it was evaluated: no backward came of them, after training began."""
    return [
        c
        for c in trace.calls
        if c.model == model.key and not c.trained and c.after_first_step and not c.fed_on and not c.recalibration
    ]


def optimized(model: ModelTrace) -> bool:
    """Whether an optimizer holds parameters of the model."""
    return any(p.optimizers for p in model.parameters)


def main_optimizer(trace: TraceRecord) -> OptimizerTrace | None:
    """The optimizer that made the most steps."""
    return max(trace.optimizers, key=lambda o: o.steps, default=None)
