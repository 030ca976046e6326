"""Questions about a trace that several rules ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from trainwell.records import (
    CallTrace,
    Finding,
    GraphNode,
    GraphTrace,
    ModelTrace,
    OptimizerTrace,
    Place,
    RunRecord,
    TraceRecord,
)

CURVES = (
    "learning-rate-too-high",
    "learning-rate-too-low",
    "loss-spikes",
    "underfitting",
    "overfitting",
    "no-better-than-chance",
    "best-weights-lost",
    "stopped-early",
)
"""What any structural fault may look like in the curves."""
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
DENSE = ("Addmm", "Mm", "Convolution", "Linear", "MkldnnConvolution", "MkldnnLinear", "Bmm", "Baddbmm")
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


def written(trace: TraceRecord, graph: GraphTrace, index: int) -> tuple[Place | None, Place | None]:
    """Where an operation of the graph is written: its place, and another that may be meant.

    Operations of torch's layers stand where the layer was made, others at the line of the user's that calls them. Where
    the operation ran outside of a model's forward, the line is looked up in the source around the backward call.
    """
    found = index
    for _ in range(3):
        node = graph.nodes[found]
        if node.made is not None or node.place is not None:
            return (node.made or node.place, node.place if node.made is not None else None)
        found = next((i for i, other in enumerate(graph.nodes) if found in other.inputs), found)
        if kind(graph.nodes[found]) not in PASSING:
            break
    name = kind(graph.nodes[index])
    spelled = {"Softmax": ("softmax", "Softmax"), "LogSoftmax": ("log_softmax",)}.get(name, (name.lower(),))
    for backward in trace.backwards:
        if str(backward.place) == str(graph.place):
            return next((backward.around[s] for s in spelled if s in backward.around), None), None
    return None, None


def weight_place(trace: TraceRecord, name: str) -> Place | None:
    """Where the layer was made that holds a parameter, by its name in a graph (`model.name`)."""
    for model in trace.models:
        for parameter in model.parameters:
            if f"{model.kind}.{parameter.name}" == name:
                return parameter.place
    return None


def first_layer_behind(trace: TraceRecord, graph: GraphTrace, index: int) -> Place | None:
    """Where the nearest layer with a weight was made that an operation reads."""
    queue = [index]
    for node in queue:
        if len(queue) > 80 or node >= len(graph.nodes):
            break
        leaf = graph.nodes[node].leaf
        if leaf is not None and (found := weight_place(trace, leaf)) is not None:
            return found
        queue.extend(i for i in graph.nodes[node].inputs if i >= 0 and i not in queue)
    return None


def also(finding: Finding, *places: Place | None) -> Finding:
    """Name further places in a finding's evidence."""
    others = list(dict.fromkeys(str(p) for p in places if p is not None and p != finding.place))
    return replace(finding, evidence={**finding.evidence, "also_at": others}) if others else finding


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


def near_loss(graph: GraphTrace) -> list[int]:
    """Nodes reached from the loss without passing a layer with weights."""
    seen, queue = {0}, [0]
    for index in queue:
        if index >= len(graph.nodes) or kind(graph.nodes[index]) in DENSE or len(queue) > 80:
            continue
        for following in graph.nodes[index].inputs:
            if 0 <= following < len(graph.nodes) and following not in seen:
                seen.add(following)
                queue.append(following)
    return queue
