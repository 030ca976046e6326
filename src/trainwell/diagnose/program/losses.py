"""The loss itself: shapes that do not fit, the wrong kind for the targets, values that say nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from trainwell.diagnose import loss
from trainwell.diagnose.program.reading import (
    behind,
    kind,
    main_optimizer,
    near_loss,
    trace_of,
)
from trainwell.diagnose.rule import rule
from trainwell.records import BackwardTrace, Finding, GraphTrace, Place, Remedy, RunRecord

STEEP = ("sqrt", "rsqrt", "log", "log2", "log10", "acos", "asin", "arccos", "arcsin", "atanh", "div", "pow", "exp")
"""Functions whose value or slope is infinite somewhere, the likeliest first."""


def _first(graphs: tuple[GraphTrace, ...]) -> tuple[GraphTrace, ...]:
    """Graphs, one per place of the backward call."""
    return tuple({str(g.place): g for g in reversed(graphs)}.values())


@rule("loss-broadcast", "error", explains=("underfitting", "no-better-than-chance", "learning-rate-too-low"))
def loss_broadcast(run: RunRecord) -> Iterator[Finding]:
    """Prediction and target of different shape are broadcast against each other.

    ## What it checks
    Shapes at the loss, for torch's functions and for losses written by hand: a prediction of shape (N, 1) that meets
    a target of shape (N,) (or the other way round) and becomes (N, N), in a difference or product right at the loss.

    ## Why it matters
    Every prediction is compared with every target. The best answer is the mean of all targets: the model learns a
    constant, while the loss falls and looks plausible.

    ## What to try
    `prediction.squeeze(1)`, or `target.unsqueeze(1)`.

    ## When it is wrong
    Pairwise losses broadcast on purpose: they add the dimension explicitly, or both sides carry gradients; these are
    not reported.

    ## Source
    PyTorch's own warning in mse_loss, which notebooks and logs hide; FAULTS catalogue.
    """
    trace = trace_of(run)
    for entry in trace.losses:
        a, b = entry.input_shape, entry.target_shape
        elementwise = entry.function in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
        if entry.grad and elementwise and _clash(a, b):
            yield _broadcast(a, b, entry.place)
            return
    if any(e.grad and e.function.startswith(("mse", "l1", "smooth", "huber")) for e in trace.losses):
        return
    for graph in _first(trace.graphs):
        near = near_loss(graph)
        for index in near:
            node = graph.nodes[index]
            if kind(node) not in ("Sub", "Rsub", "Mul", "Div") or len(node.shape) != 2 or -1 not in node.inputs:
                continue
            source = next((i for i in node.inputs if i >= 0), None)
            if source is None or source >= len(graph.nodes):
                continue
            inner = graph.nodes[source]
            if kind(inner) == "Unsqueeze" or (kind(inner) == "View" and _explicit(graph, source)):
                continue
            n = node.shape[0]
            if n > 1 and node.shape == (n, n) and inner.shape in ((n,), (n, 1)):
                other = (n, 1) if inner.shape == (n,) else (n,)
                made = next((b.made for b in trace.backwards if b.made and str(b.place) == str(graph.place)), None)
                yield _broadcast(inner.shape, other, made or trace.places.get("loss") or graph.place)
                return


def _explicit(graph: GraphTrace, index: int) -> bool:
    inner = behind(graph, index, passing=())
    return inner is not None and len(graph.nodes[inner].shape) < len(graph.nodes[index].shape)


def _clash(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    if a == b or not a or not b:
        return False
    wide = tuple(max(x, y) for x, y in zip(_padded(a, b), _padded(b, a), strict=True))
    size = math.prod(wide)
    return size > math.prod(a) and size > math.prod(b)


def _padded(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * (max(len(a), len(b)) - len(a)) + a


def _broadcast(a: tuple[int, ...], b: tuple[int, ...], place: Place | None) -> Finding:
    return Finding(
        "loss-broadcast",
        "error",
        f"A prediction of shape {tuple(a)} meets a target of shape {tuple(b)}: every one is compared with every other.",
        {"prediction_shape": list(a), "target_shape": list(b)},
        Remedy("Bring both to one shape.", code="loss_fn(prediction.squeeze(1), target)"),
        place,
    )


@rule(
    "wrong-loss",
    "warning",
    explains=(
        "underfitting",
        "no-better-than-chance",
        "bad-initial-loss",
        "constant-loss",
        "activation-on-output",
        "invalid-labels",
    ),
)
def wrong_loss(run: RunRecord) -> Iterator[Finding]:
    """The loss does not fit the task: squared error on class numbers, or softmax over a single score.

    ## What it checks
    Cross-entropy over one score; a regression loss whose targets are whole numbers stored as integers (class
    indices 0 ... K-1 with K >= 3 of them, all seen) while the program also takes an argmax-like
    width of output, or with a single output that it rounds. Only the first is certain.

    ## Why it matters
    Softmax of a single score is always 1: loss and gradient are zero. Squared error treats class 3 as lying between
    2 and 4.

    ## What to try
    CrossEntropyLoss with one score per class; BCEWithLogitsLoss for one score.

    ## When it is wrong
    Ordinal targets and counts, for which a regression is meant.

    ## Source
    Humbatova et al. 2020, Taxonomy of real faults in deep learning systems, ICSE (wrong loss function).
    """
    for entry in trace_of(run).losses:
        if not entry.grad:
            continue
        if entry.function == "cross_entropy" and len(entry.input_shape) >= 2 and entry.input_shape[1] == 1:
            yield Finding(
                "wrong-loss",
                "warning",
                "Cross-entropy over a single score per example is always zero.",
                {"output_shape": list(entry.input_shape), "function": entry.function},
                Remedy("Use BCEWithLogitsLoss for one score, or one score per class.", code="nn.BCEWithLogitsLoss()"),
                entry.made or entry.place,
            )
        stats = entry.target_stats
        regression = entry.function in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
        distinct = int(stats.get("distinct", 0))
        width = entry.input_shape[-1] if len(entry.input_shape) > 1 else 1
        if (
            regression
            and stats.get("integral")
            and 3 <= distinct <= 20
            and stats.get("min") == 0
            and stats.get("max") == distinct - 1
            and math.prod(entry.input_shape) == math.prod(entry.target_shape)
            and width == 1
            and int(stats.get("count", 0)) >= 8
            and _classifies(run)
        ):
            yield Finding(
                "wrong-loss",
                "warning",
                f"{entry.function} is given class numbers 0 to {distinct - 1} as targets.",
                {"function": entry.function, "distinct_targets": distinct},
                Remedy("Use one score per class and CrossEntropyLoss.", code="nn.CrossEntropyLoss()"),
                entry.made or entry.place,
            )


def _classifies(run: RunRecord) -> bool:
    """Whether the user's own words around the model speak of classes, labels or accuracy."""
    words = {w for call in trace_of(run).calls for w in call.words}
    return any(part in w for w in words for part in ("acc", "label", "class", "round", "correct", "digit"))


@rule("non-finite-loss", "error")
def non_finite_loss(run: RunRecord) -> Iterator[Finding]:
    """Stands where the loss calls a function whose slope is infinite somewhere, if it came without growth."""
    trace = trace_of(run)
    for finding in loss.non_finite_loss(run):
        near = {} if finding.evidence["grew_before"] else {k: w for b in trace.backwards for k, w in b.around.items()}
        yield replace(finding, place=next((near[name] for name in STEEP if name in near), None))


@rule("summed-loss", "advice")
def summed_loss(run: RunRecord) -> Iterator[Finding]:
    """The loss is summed over the batch, so the step grows with the batch.

    ## What it checks
    `reduction="sum"` at a loss whose value goes into the backward pass as it is, over more than one example.

    ## Why it matters
    Twice the batch means twice the gradient: learning rate, clipping and weight decay have to be tuned anew.

    ## What to try
    `reduction="mean"`, with the learning rate multiplied by the batch size.

    ## When it is wrong
    Losses that are divided afterwards (not reported), and objectives defined as sums, such as the ELBO.

    ## Source
    Goyal et al. 2017, Accurate, large minibatch SGD, section 2.
    """
    trace = trace_of(run)
    for graph in _first(trace.graphs):
        if graph.nodes and kind(graph.nodes[0]) in ("NllLoss", "MseLoss", "BinaryCrossEntropyWithLogits"):
            sums = graph.nodes[0].detail.get("reduction") == 2
            entry = next((e for e in trace.losses if e.grad and e.reduction == "sum"), None)
            optimizer = main_optimizer(trace)
            if (
                sums
                and entry is not None
                and entry.input_shape[:1] > (1,)
                and optimizer is not None
                and optimizer.steps
            ):
                yield Finding(
                    "summed-loss",
                    "advice",
                    f"The loss is the sum over {entry.input_shape[0]} examples.",
                    {"reduction": "sum", "batch": entry.input_shape[0]},
                    Remedy("Use the mean.", code='reduction="mean"'),
                    entry.place,
                )


@rule(
    "constant-loss",
    "error",
    explains=(
        "no-better-than-chance",
        "learning-rate-too-low",
        "underfitting",
        "frozen-model",
        "unused-parameters",
        "detached-branch",
    ),
)
def constant_loss(run: RunRecord) -> Iterator[Finding]:
    """The loss does not depend on the parameters, or is exactly the same at every step.

    ## What it checks
    Backward passes whose graph reaches no parameter of a model or an optimizer; a backward pass on a tensor
    without a graph; or ten and more losses on changing batches that are equal to the last bit.

    ## Why it matters
    There is nothing to learn from. The usual reasons: the loss was wrapped in `torch.tensor(...)`, taken through
    `.item()`, `argmax` or NumPy, or computed under `no_grad`.

    ## What to try
    Compute the loss from the model's output with torch operations only.

    ## When it is wrong
    Gradients with respect to inputs (adversarial examples, visualisation) are meant to reach no parameter; they are
    made without an optimizer and not reported.

    ## Source
    FAULTS catalogue.
    """
    trace = trace_of(run)
    for backward in trace.backwards:
        stepped = any(o.steps for o in trace.optimizers) or bool(trace.optimizers)
        if backward.without_graph and stepped:
            yield Finding(
                "constant-loss",
                "error",
                "The loss has no graph: it does not depend on any parameter.",
                {"backward_calls": backward.calls, "without_graph": backward.without_graph},
                Remedy("Compute the loss from the model's output, without item(), argmax, NumPy or no_grad."),
                _cut(run, backward),
            )
            continue
        if backward.walks >= 2 and backward.no_parameters == backward.walks and any(o.steps for o in trace.optimizers):
            yield Finding(
                "constant-loss",
                "error",
                "The loss is differentiated, but no parameter of a model stands behind it.",
                {"walks": backward.walks, "reaching_a_parameter": 0},
                Remedy("Compute the loss from the model's output, without item(), argmax, NumPy, tensor() or no_grad."),
                _cut(run, backward),
            )
            continue
        values = [v for _, v in backward.losses]
        if (
            len(values) >= 10
            and len(set(values)) == 1
            and math.isfinite(values[0])
            and any(o.steps >= 10 for o in trace.optimizers)
        ):
            yield Finding(
                "constant-loss",
                "error",
                f"All {len(values)} losses equal {values[0]:.6g} to the last bit.",
                {"losses": len(values), "value": values[0]},
                Remedy("Look for a part of the model whose output does not vary, or a learning rate of zero."),
                trace.places.get("loss") or backward.place,
            )


def _cut(run: RunRecord, backward: BackwardTrace) -> Place | None:
    """Where the loss lost its graph: a call that cuts it, else the last assignment to the loss."""
    cuts = [p for m in trace_of(run).models for p in m.cuts.values()]
    tensor = backward.around.get("tensor")
    if cuts and tensor is None:
        return cuts[0]
    near = backward.made
    if near is not None or tensor is None:
        return near or backward.place
    return tensor
