"""What the loss reads: probabilities for scores, activations that it does not expect."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trainwell.diagnose.program.reading import (
    CURVES,
    DENSE,
    also,
    behind,
    first_layer_behind,
    kind,
    loss_nodes,
    near_loss,
    scores,
    trace_of,
    written,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, GraphTrace, LossTrace, Place, Remedy, RunRecord

_SLOW = (*CURVES, "bad-initial-loss", "vanishing-gradients", "dead-units")
_NODES = {"mse_loss": "MseLoss", "l1_loss": "L1Loss", "smooth_l1_loss": "SmoothL1Loss", "huber_loss": "HuberLoss"}


def _loss_place(run: RunRecord, functions: tuple[str, ...], graph: GraphTrace) -> Place | None:
    for entry in trace_of(run).losses:
        if entry.function in functions and entry.grad:
            return entry.place
    return graph.place


@rule("double-softmax", "error", explains=_SLOW)
def double_softmax(run: RunRecord) -> Iterator[Finding]:
    """Probabilities go into a loss that applies softmax itself.

    ## What it checks
    The autograd graph at the loss: the log-softmax of the loss reads, through nothing but reshaping, the output of
    another softmax (or a sigmoid, then the message says so). Log-softmax twice is harmless and only advice.

    ## Why it matters
    Scores between 0 and 1 cannot express confidence: the loss of K classes cannot fall below
    ln(1 + (K - 1)/e), gradients are small, training is slow and ends worse. Accuracy alone hardly shows it.

    ## What to try
    Give the loss raw scores; apply softmax only where probabilities are shown.

    ## When it is wrong
    Softmax inside attention or of a teacher is not at the loss and not reported.

    ## Source
    PyTorch documentation, CrossEntropyLoss ("unnormalized logits"); Zhang et al. 2018, ISSTA.
    """
    done: set[str] = set()
    for graph in trace_of(run).graphs:
        for index, node in enumerate(graph.nodes):
            if kind(node) != "LogSoftmax":
                continue
            found = behind(graph, index)
            if found is None or kind(graph.nodes[found]) not in ("Softmax", "LogSoftmax") or str(graph.place) in done:
                continue
            done.add(str(graph.place))
            again = kind(graph.nodes[found]) == "LogSoftmax"
            place = _loss_place(run, ("cross_entropy",), graph)
            first, second = written(trace_of(run), graph, found)
            yield also(
                Finding(
                    "double-softmax",
                    "advice" if again else "error",
                    "The loss applies log-softmax to what is already "
                    + (
                        "a log-softmax: harmless, and superfluous." if again else "a softmax: its scores lie in [0, 1]."
                    ),
                    {
                        "inner": kind(graph.nodes[found]),
                        "classes": node.shape[-1] if node.shape else None,
                        "smallest_possible_loss": _floor(node.shape[1]) if len(node.shape) > 1 and not again else 0.0,
                    },
                    Remedy(
                        "Remove the softmax from the model, or use NLLLoss on log-probabilities.", code="return logits"
                    ),
                    first or place,
                ),
                second,
                place,
            )


def _floor(classes: int) -> float:
    return math.log(1 + (classes - 1) / math.e)


@rule("double-sigmoid", "error", explains=_SLOW)
def double_sigmoid(run: RunRecord) -> Iterator[Finding]:
    """Probabilities go into BCEWithLogitsLoss, which applies the sigmoid itself.

    ## What it checks
    The graph at the loss: binary cross-entropy with logits reads, through nothing but reshaping, a sigmoid or softmax.

    ## Why it matters
    The loss sees scores in [0, 1] only: no example can be called negative with confidence, the loss cannot fall
    below about 0.31 for positives and 0.69 for negatives.

    ## What to try
    Remove the sigmoid from the model, or use BCELoss.

    ## When it is wrong
    Gates inside the model are not at the loss and not reported.

    ## Source
    PyTorch documentation, BCEWithLogitsLoss.
    """
    done: set[str] = set()
    for graph in trace_of(run).graphs:
        for index, node in enumerate(graph.nodes):
            if kind(node) != "BinaryCrossEntropyWithLogits":
                continue
            found = behind(graph, index)
            if found is None or kind(graph.nodes[found]) not in ("Sigmoid", "Softmax") or str(graph.place) in done:
                continue
            done.add(str(graph.place))
            first, second = written(trace_of(run), graph, found)
            place = _loss_place(run, ("binary_cross_entropy_with_logits",), graph)
            yield also(
                Finding(
                    "double-sigmoid",
                    "error",
                    f"BCEWithLogits reads the output of a {kind(graph.nodes[found]).lower()}: it is squashed twice.",
                    {"inner": kind(graph.nodes[found])},
                    Remedy("Give the loss raw scores, or use BCELoss on probabilities.", code="return logits"),
                    first or place,
                ),
                second,
                place,
            )


@rule(
    "missing-log-softmax",
    "error",
    explains=(*_SLOW, "learning-rate-too-high", "non-finite-loss", "exploding-gradients"),
)
def missing_log_softmax(run: RunRecord) -> Iterator[Finding]:
    """NLLLoss reads raw scores or plain probabilities instead of log-probabilities.

    ## What it checks
    The graph at the loss: `nll_loss` reads, through nothing but reshaping, the output of a layer, a softmax or an
    activation. Log-softmax made by hand (logarithm, or minus logsumexp) is seen and fine.

    ## Why it matters
    The loss is just minus one score: it falls without limit when scores grow, and says nothing of the other classes.

    ## What to try
    CrossEntropyLoss on raw scores, or `log_softmax` before NLLLoss.

    ## When it is wrong
    Models that output energies for which minus the score is meant as a loss.

    ## Source
    PyTorch documentation, NLLLoss ("log-probabilities of each class").
    """
    done: set[str] = set()
    for graph in trace_of(run).graphs:
        for _, found in scores(graph):
            node = graph.nodes[found]
            name = kind(node)
            if (
                name not in (*DENSE, "Softmax", "Relu", "Sigmoid", "Tanh", "Gelu", "LeakyRelu")
                or str(graph.place) in done
            ):
                continue
            done.add(str(graph.place))
            entry = next((e for e in trace_of(run).losses if e.function == "nll_loss" and e.grad), None)
            lowest = min((v for _, v in entry.values), default=None) if entry is not None else None
            what = "probabilities" if name == "Softmax" else "raw scores"
            layer = written(trace_of(run), graph, found)[0]
            place = _loss_place(run, ("nll_loss",), graph)
            yield also(
                Finding(
                    "missing-log-softmax",
                    "error",
                    f"NLLLoss reads {what} instead of log-probabilities.",
                    {"read": name, "lowest_loss": lowest},
                    Remedy(
                        "Use CrossEntropyLoss on raw scores, or log_softmax before NLLLoss.",
                        code="F.cross_entropy(logits, y)",
                    ),
                    layer
                    if what == "probabilities" and layer is not None
                    else (entry.made if entry is not None else None) or place,
                ),
                place,
                layer,
            )


@rule("softmax-over-wrong-dimension", "error", explains=_SLOW)
def softmax_over_wrong_dimension(run: RunRecord) -> Iterator[Finding]:
    """Softmax at the output normalises over the batch (or another non-class dimension).

    ## What it checks
    The graph at a loss: the softmax or log-softmax that the loss reads, through reshaping and logarithm only, and
    the dimension it saved: 0 where the tensor has two or more dimensions, the rows are the batch and the scores
    come from a layer with weights; or the positions of a sequence, where the loss then takes the last dimension as
    the classes.

    ## Why it matters
    Examples of a batch compete with each other instead of classes: the prediction for an example depends on its
    neighbours in the batch.

    ## What to try
    `dim=1` (or `dim=-1`).

    ## When it is wrong
    Retrieval losses that compare a batch with itself (square score matrices of two embeddings) are not reported.

    ## Source
    PyTorch documentation, Softmax (`dim`).
    """
    done: set[str] = set()
    for graph in trace_of(run).graphs:
        near = near_loss(graph)
        for index in near:
            node = graph.nodes[index]
            if kind(node) not in ("Softmax", "LogSoftmax") or len(node.shape) < 2 or str(graph.place) in done:
                continue
            dim = node.detail.get("dim")
            if not isinstance(dim, int):
                continue
            dim %= len(node.shape)
            wrong = dim == 0 or (len(node.shape) == 4 and dim > 1) or _rows_are_positions(graph, index, dim)
            source = behind(graph, index)
            if not wrong or source is None or node.shape[0] < 2 or not _from_weights(graph, source):
                continue
            done.add(str(graph.place))
            place = _loss_place(run, ("nll_loss", "cross_entropy", "mse_loss", "binary_cross_entropy"), graph)
            first, second = written(trace_of(run), graph, index)
            yield also(
                Finding(
                    "softmax-over-wrong-dimension",
                    "error",
                    f"Softmax runs over dimension {dim} of a tensor of shape {tuple(node.shape)}: over the "
                    f"{'examples of the batch' if dim == 0 else 'positions'}, not the classes.",
                    {"dim": dim, "shape": list(node.shape)},
                    Remedy("Normalise over the class dimension.", code="softmax(scores, dim=1)"),
                    first or place,
                ),
                second,
                place,
            )


def _rows_are_positions(graph: GraphTrace, softmax: int, dim: int) -> bool:
    """Whether a loss reads the scores as rows of their last dimension, and the softmax ran over another one."""
    shape = graph.nodes[softmax].shape
    if len(shape) != 3 or dim == 2:
        return False
    rows = (shape[0] * shape[1], shape[2])
    for _, found in scores(graph):
        if found == softmax:
            break
    else:
        return False
    reshaped = [n for n in graph.nodes if softmax in n.inputs and tuple(n.shape) == rows]
    return bool(reshaped) and all(kind(n) in ("View", "UnsafeView", "ReshapeAlias") for n in reshaped)


def _from_weights(graph: GraphTrace, index: int) -> bool:
    """Whether a node is a layer whose weight is a parameter (not a product of two activations)."""
    node = graph.nodes[index]
    if kind(node) in ("Convolution", "MkldnnConvolution"):
        return True
    if kind(node) == "Add":  # of a bias
        source = behind(graph, index)
        return source is not None and kind(graph.nodes[source]) in DENSE and _from_weights(graph, source)
    if kind(node) not in DENSE:
        return False
    return any(
        (found := behind(graph, index, slot)) is not None
        and graph.nodes[found].leaf is not None
        and len(graph.nodes[found].shape) >= 2
        for slot in range(len(node.inputs))
    )


@rule("activation-on-output", "warning", explains=_SLOW)
def activation_on_output(run: RunRecord) -> Iterator[Finding]:
    """The last layer's scores pass an activation that the loss does not expect.

    ## What it checks
    The last operation before the loss: ReLU, tanh or sigmoid under a softmax cross-entropy; ReLU under
    BCEWithLogits; sigmoid or tanh under a regression loss whose targets lie outside of its range; ReLU under a
    regression loss with negative targets.

    ## Why it matters
    ReLU on scores cuts the gradient of every class with a negative score, and bounded activations cannot reach
    unbounded targets.

    ## What to try
    End the model with a plain linear layer.

    ## When it is wrong
    Scores that are bounded on purpose and scaled afterwards are not directly at the loss and not reported.

    ## Source
    Goodfellow, Bengio & Courville 2016, Deep Learning, section 6.2.2 (output units).
    """
    trace = trace_of(run)
    done: set[str] = set()
    for graph in trace.graphs:
        found: tuple[str, str] | None = None
        at = 0
        for _, softmax in scores(graph):
            source = behind(graph, softmax) if kind(graph.nodes[softmax]) == "LogSoftmax" else None
            if source is not None and kind(graph.nodes[source]) in ("Relu", "Tanh", "Sigmoid", "Relu6", "Hardtanh"):
                found, at = (kind(graph.nodes[source]), "cross-entropy"), source
        for index in loss_nodes(graph):
            name, source = kind(graph.nodes[index]), behind(graph, index)
            if source is None:
                continue
            last = kind(graph.nodes[source])
            if name == "BinaryCrossEntropyWithLogits" and last in ("Relu", "Tanh"):
                found, at = (last, "binary cross-entropy with logits"), source
            if name in ("MseLoss", "L1Loss", "SmoothL1Loss", "HuberLoss"):
                low, high = _target_range(tuple(e for e in trace.losses if _NODES.get(e.function) == name))
                beyond = {
                    "Sigmoid": low < -0.01 or high > 1.01,
                    "Tanh": low < -1.01 or high > 1.01,
                    "Relu": low < -1e-6,
                }.get(last, False)
                if beyond:
                    found, at = (last, f"targets between {low:.3g} and {high:.3g}"), source
        if found is not None and str(graph.place) not in done:
            done.add(str(graph.place))
            first, second = written(trace, graph, at)
            yield also(
                Finding(
                    "activation-on-output",
                    "warning",
                    f"The model's output passes {found[0]} before it meets {found[1]}.",
                    {"activation": found[0], "against": found[1]},
                    Remedy("End the model with a plain linear layer."),
                    first or trace.places.get("loss") or graph.place,
                ),
                second,
                first_layer_behind(trace, graph, at),
            )


def _target_range(losses: tuple[LossTrace, ...]) -> tuple[float, float]:
    rows = [e.target_stats for e in losses if e.grad and "min" in e.target_stats]
    return (min((r["min"] for r in rows), default=0.0), max((r["max"] for r in rows), default=0.0))
