"""What the loss is given: probabilities for scores, shapes that do not fit, targets of the wrong kind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from trainwell.diagnose import loss
from trainwell.diagnose.program.reading import (
    CURVES,
    also,
    behind,
    first_layer_behind,
    kind,
    loss_nodes,
    main_optimizer,
    scores,
    trace_of,
    written,
)
from trainwell.diagnose.program.rule import rule
from trainwell.records import BackwardTrace, Finding, GraphTrace, LossTrace, Place, Remedy, RunRecord

_SLOW = (*CURVES, "bad-initial-loss", "vanishing-gradients", "dead-units")
STEEP = ("sqrt", "rsqrt", "log", "log2", "log10", "acos", "asin", "arccos", "arcsin", "atanh", "div", "pow", "exp")
"""Functions whose value or slope is infinite somewhere, the likeliest first."""
_NODES = {"mse_loss": "MseLoss", "l1_loss": "L1Loss", "smooth_l1_loss": "SmoothL1Loss", "huber_loss": "HuberLoss"}
_DENSE = ("Addmm", "Mm", "Convolution", "Linear", "MkldnnConvolution", "MkldnnLinear", "Bmm", "Baddbmm")


def _loss_place(run: RunRecord, functions: tuple[str, ...], graph: GraphTrace) -> Place | None:
    for entry in trace_of(run).losses:
        if entry.function in functions and entry.grad:
            return entry.place
    return graph.place


def _first(graphs: tuple[GraphTrace, ...]) -> tuple[GraphTrace, ...]:
    """Graphs, one per place of the backward call."""
    return tuple({str(g.place): g for g in reversed(graphs)}.values())


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
                name not in (*_DENSE, "Softmax", "Relu", "Sigmoid", "Tanh", "Gelu", "LeakyRelu")
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
                    (entry.made if entry is not None else None) or (place if what == "raw scores" else layer) or place,
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
        near = _near_loss(graph)
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


def _near_loss(graph: GraphTrace) -> list[int]:
    """Nodes reached from the loss without passing a layer with weights."""
    seen, queue = {0}, [0]
    for index in queue:
        if index >= len(graph.nodes) or kind(graph.nodes[index]) in _DENSE or len(queue) > 80:
            continue
        for following in graph.nodes[index].inputs:
            if 0 <= following < len(graph.nodes) and following not in seen:
                seen.add(following)
                queue.append(following)
    return queue


def _from_weights(graph: GraphTrace, index: int) -> bool:
    """Whether a node is a layer whose weight is a parameter (not a product of two activations)."""
    node = graph.nodes[index]
    if kind(node) in ("Convolution", "MkldnnConvolution"):
        return True
    if kind(node) not in _DENSE:
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
        near = _near_loss(graph)
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
                yield _broadcast(inner.shape, other, trace.places.get("loss") or graph.place)
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
