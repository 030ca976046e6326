"""Layers: what stands between them, and whether their units live."""

from __future__ import annotations

from collections.abc import Iterator

from trainwell.diagnose.program.reading import (
    PASSING,
    also,
    behind,
    first_layer_behind,
    kind,
    main_optimizer,
    optimized,
    trace_of,
    weight_place,
    written,
)
from trainwell.diagnose.rule import rule
from trainwell.records import ActivationTrace, Finding, GraphTrace, Place, Remedy, RunRecord, TraceRecord

_WEAK = ("underfitting", "no-better-than-chance", "learning-rate-too-low")
_UNROLLED = 8
_ACTIVATIONS = ("ReLU", "GELU", "SiLU", "LeakyReLU", "ELU", "PReLU", "Tanh", "Sigmoid", "Mish", "Hardswish", "ReLU6")
_BETWEEN = (*PASSING, "NativeBatchNorm", "Mul", "Div")


@rule("missing-nonlinearity", "warning", explains=_WEAK)
def missing_nonlinearity(run: RunRecord) -> Iterator[Finding]:
    """Two linear or convolution layers follow each other with nothing between.

    ## What it checks
    The graph: a linear layer whose input is the output of another linear layer, or a convolution of a convolution,
    through reshaping, dropout or batch norm only, both with parameters as weights.

    ## Why it matters
    Two linear maps in a row are one linear map: the second layer adds parameters and no power.

    ## What to try
    An activation between them.

    ## When it is wrong
    A narrow layer between two wide ones is a low-rank factorisation and not reported, nor are depthwise convolutions
    followed by pointwise ones, attention projections, gated units, and parts with activations of their own (a projector
    and a predictor) of which the one feeds the other.

    ## Source
    Goodfellow, Bengio & Courville 2016, Deep Learning, section 6.1.
    """
    trace = trace_of(run)
    for graph in trace.graphs:
        found = [(i, pair) for i in range(len(graph.nodes)) if (pair := _linear_pair(graph, i)) is not None]
        pairs = [(i, pair) for i, pair in found if not _are_networks_in_a_row(trace, *pair)]
        if pairs:
            index, (first, second) = pairs[0]
            node = graph.nodes[index]
            line = node.place if node.made is None else None
            yield also(
                Finding(
                    "missing-nonlinearity",
                    "warning",
                    f"{first} feeds {second} with no activation between"
                    + (f" ({len(pairs)} such pairs)." if len(pairs) > 1 else "."),
                    {"pairs": len(pairs), "first": first, "second": second},
                    Remedy("Put an activation such as ReLU between the two layers."),
                    line or weight_place(trace, f"{second}.weight") or trace.places.get("model_call") or graph.place,
                ),
                weight_place(trace, f"{first}.weight"),
            )
            return


def _weight(graph: GraphTrace, index: int) -> tuple[str, tuple[int, ...], int] | None:
    """Name, shape (out, in, ...) of a dense layer's weight and the slot of its input."""
    node = graph.nodes[index]
    name = kind(node)
    slots = {"Addmm": (2, 1), "Mm": (1, 0), "Convolution": (1, 0), "MkldnnConvolution": (1, 0)}.get(name)
    if slots is None or len(node.inputs) <= slots[0]:
        return None
    found = behind(graph, index, slots[0])
    if found is None or graph.nodes[found].leaf is None or len(graph.nodes[found].shape) < 2:
        return None
    return graph.nodes[found].leaf or "", graph.nodes[found].shape, slots[1]


def _linear_pair(graph: GraphTrace, index: int) -> tuple[str, str] | None:
    outer = _weight(graph, index)
    if outer is None:
        return None
    source = behind(graph, index, outer[2], passing=_BETWEEN)
    if source is None:
        return None
    inner = _weight(graph, source)
    if inner is None or outer[0] == inner[0] or "?" in (outer[0], inner[0]):
        return None
    dense = ("Addmm", "Mm")
    if (kind(graph.nodes[index]) in dense) != (kind(graph.nodes[source]) in dense):
        return None
    middle, wide_in, wide_out = inner[1][0], inner[1][1], outer[1][0]
    if _leaves_a_model(graph, index, outer[2], source) or _is_gated(graph, index, outer[2], source):
        return None
    readers = sum(1 for n in graph.nodes if source in n.inputs)
    if readers > 1 or middle < min(wide_in, wide_out):
        return None
    if kind(graph.nodes[index]) not in dense:
        if graph.nodes[index].detail.get("groups", 1) != 1 or graph.nodes[source].detail.get("groups", 1) != 1:
            return None
        if len(outer[1]) != len(inner[1]) or (outer[1][2:] != inner[1][2:] and 1 in (*outer[1][2:], *inner[1][2:])):
            return None
        if (
            len(outer[1]) > 2
            and all(s == 1 for s in (*outer[1][2:], *inner[1][2:]))
            and middle < max(wide_in, wide_out)
        ):
            return None
        if sorted(set(inner[1][2:]) | set(outer[1][2:])) and inner[1][2:] != outer[1][2:]:
            return None
    return inner[0].rpartition(".")[0], outer[0].rpartition(".")[0]


def _is_gated(graph: GraphTrace, index: int, slot: int, source: int) -> bool:
    """Whether the way from a layer back to another passes a product with something that is computed too."""
    found = graph.nodes[index].inputs[slot]
    for _ in range(30):
        if found == source or not 0 <= found < len(graph.nodes) or not graph.nodes[found].inputs:
            return False
        node = graph.nodes[found]
        others = [behind(graph, found, k) for k in range(1, len(node.inputs))] if kind(node) in ("Mul", "Div") else []
        if any(other is not None and graph.nodes[other].leaf is None for other in others):
            return True
        found = node.inputs[0]
    return False


def _are_networks_in_a_row(trace: TraceRecord, first: str, second: str) -> bool:
    """Whether two layers end and begin parts of their own, each with activations inside (a projector, a predictor)."""
    (first_part, _, _), (second_part, _, _) = first.rpartition("."), second.rpartition(".")
    if first_part == second_part:
        return False
    return all(_has_activation(trace, part) for part in (first_part, second_part))


def _has_activation(trace: TraceRecord, part: str) -> bool:
    model, _, name = part.partition(".")
    return bool(name) and any(
        layer.rpartition(".")[0] == name and made in _ACTIVATIONS
        for m in trace.models
        if m.kind == model
        for layer, made in m.layers.items()
    )


def _leaves_a_model(graph: GraphTrace, index: int, slot: int, source: int) -> bool:
    """Whether the way from a layer back to another passes the output of a model: parts that are used apart."""
    found = graph.nodes[index].inputs[slot]
    for _ in range(30):
        if not 0 <= found < len(graph.nodes):
            return False
        if "output_of" in graph.nodes[found].detail:
            return True
        if found == source or not graph.nodes[found].inputs:
            return False
        found = graph.nodes[found].inputs[0]
    return False


@rule("dead-units", "warning", explains=(*_WEAK, "vanishing-gradients"))
def dead_units(run: RunRecord) -> Iterator[Finding]:
    """Units of a ReLU layer are zero for every sample of many batches.

    ## What it checks
    Outputs of every ReLU in the graphs that were walked (at least 4, over the run): the share of units (channels)
    that were never above zero for any sample. Reported from 50 % of a layer of 8 units or more
    on, over 100 samples or more.

    ## Why it matters
    A unit that is always zero gets no gradient and cannot come back: the layer has lost that part of its capacity,
    usually by a learning rate that was too high or a large negative bias.

    ## What to try
    A lower learning rate, He initialisation, leaky ReLU or GELU, normalised inputs.

    ## When it is wrong
    Sparse layers whose units fire for rare samples: more samples tell.

    ## Source
    Lu, Shin, Su & Karniadakis 2019, Dying ReLU and initialization.
    """
    trace = trace_of(run)
    if not any(optimized(m) for m in trace.models):
        return
    bad = [
        a
        for a in trace.activations
        if a.op == "ReluBackward0" and a.looks >= 4 and a.rows >= 100 and a.units >= 8 and a.dead_share >= 0.5
    ]
    if bad:
        worst = max(bad, key=lambda a: a.dead_share)
        yield Finding(
            "dead-units",
            "warning",
            f"{worst.dead_share:.0%} of the {worst.units} units of a ReLU layer were zero for all of "
            f"{worst.rows} samples.",
            {"dead_share": worst.dead_share, "units": worst.units, "samples": worst.rows, "layers": len(bad)},
            Remedy("Lower the learning rate, initialise for ReLU, or use leaky ReLU or GELU."),
            _layer_of(trace, worst) or trace.places.get("model_call"),
        )


def _layer_of(trace: TraceRecord, activation: ActivationTrace) -> Place | None:
    """Where the weights were set, or the layer made, that an activation reads."""
    for graph in trace.graphs:
        found = [i for i, node in enumerate(graph.nodes) if kind(node) in ("Relu", "Tanh", "Sigmoid")]
        if activation.position < len(found) and graph.nodes[found[activation.position]].op == activation.op:
            index = found[activation.position]
            by_user = [p.initialised_at for m in trace.models for p in m.parameters if p.initialised_at is not None]
            return by_user[0] if by_user else first_layer_behind(trace, graph, index) or written(trace, graph, index)[0]
    return None


@rule("saturated-activations", "warning", explains=(*_WEAK, "vanishing-gradients"))
def saturated_activations(run: RunRecord) -> Iterator[Finding]:
    """Most tanh or sigmoid units sit at their limits from the start.

    ## What it checks
    Share of outputs of tanh and sigmoid layers beyond 0.97 of their limits (0.985 and 0.015 for sigmoid), in the first
    looks. Reported when it is 60 % or more from the first look on, for a layer that is not the output; of a layer
    that is called 8 times or more in a step (rollouts, cells unrolled by hand), if that holds for 80 % of its calls.

    ## Why it matters
    At the limit the slope is nearly zero, so hardly any gradient passes: too large weights or unscaled inputs.

    ## What to try
    Xavier initialisation, inputs of unit scale, normalisation before the activation.

    ## When it is wrong
    Gates of recurrent cells are inside torch's own LSTM and GRU and not looked at; late in training, saturation is
    normal.

    ## Source
    Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks.
    """
    trace = trace_of(run)
    optimizer = main_optimizer(trace)
    if optimizer is None or optimizer.steps < 3:
        return
    for entry in trace.activations:
        if entry.op not in ("TanhBackward0", "SigmoidBackward0") or entry.looks < 3 or entry.units < 8:
            continue
        first = [s for _, s in entry.limit_share[:3]]
        alike = [min(s for _, s in other.limit_share[:3]) >= 0.6 for other in trace.activations
                 if other.op == entry.op and other.units == entry.units and other.limit_share]  # fmt: skip
        unrolled = len(alike) >= _UNROLLED  # one layer that is called many times in a step
        if min(first) >= 0.6 and (not unrolled or sum(alike) >= 0.8 * len(alike)):
            yield Finding(
                "saturated-activations",
                "warning",
                f"{first[0]:.0%} of the outputs of a "
                f"{entry.op.removesuffix('Backward0').lower()} layer sit at its limits "
                "from the first step on.",
                {"share_at_limit": first[0], "units": entry.units},
                Remedy("Scale the inputs, use Xavier initialisation, or normalise before the activation."),
                _layer_of(trace, entry) or trace.places.get("model_call"),
            )
            return


@rule("batchnorm-small-batch", "warning", explains=("loss-spikes", "split-shift"))
def batchnorm_small_batch(run: RunRecord) -> Iterator[Finding]:
    """Batch norm trains on fewer than four values per feature.

    ## What it checks
    Values that each feature of a batch norm layer in train mode is normalised over: batch times positions.

    ## Why it matters
    Mean and variance of two or three values are noise; training is erratic, and the running statistics used in
    evaluation fit none of it.

    ## What to try
    Larger batches, group norm or layer norm, or `drop_last=True` when only the last batch is small.

    ## When it is wrong
    Large feature maps have many positions and are not reported.

    ## Source
    Wu & He 2018, Group normalization, ECCV.
    """
    trace = trace_of(run)
    for model in trace.models:
        count = model.batch_norm_batch
        if count is not None and count < 4 and optimized(model):
            yield Finding(
                "batchnorm-small-batch",
                "warning",
                f"Batch norm normalises over {count} values per feature.",
                {"values_per_feature": count},
                Remedy("Use larger batches, or group norm.", code="nn.GroupNorm(groups, channels)"),
                trace.places.get("train_loader") or trace.places.get("model_call"),
            )
            return


@rule("excessive-dropout", "advice")
def excessive_dropout(run: RunRecord) -> Iterator[Finding]:
    """A dropout layer drops 80 % or more.

    ## What it checks
    The rate of every dropout layer of a model that is trained.

    ## Why it matters
    Little of the signal passes; usually the rate to keep was given where the rate to drop is meant.

    ## What to try
    0.1 to 0.5.

    ## When it is wrong
    Very wide layers or masked training on purpose.

    ## Source
    Srivastava et al. 2014, Dropout, JMLR 15.
    """
    trace = trace_of(run)
    for model in trace.models:
        if model.largest_dropout >= 0.8 and optimized(model):
            yield Finding(
                "excessive-dropout",
                "advice",
                f"A dropout layer drops {model.largest_dropout:.0%}.",
                {"rate": model.largest_dropout},
                Remedy("Use 0.1 to 0.5; the argument is the share to drop, not to keep.", code="nn.Dropout(0.2)"),
                model.place,
            )
            return


@rule("output-size-mismatch", "warning", explains=("bad-initial-loss",))
def output_size_mismatch(run: RunRecord) -> Iterator[Finding]:
    """The output has many more classes than the labels.

    ## What it checks
    Width of the scores at a cross-entropy against the labels seen: 5 classes or fewer in use while the
    output has five times as many and at least 10; over 500 labels or more.

    ## Why it matters
    The surplus scores are trained to be impossible; usually a head was copied from another task.

    ## What to try
    An output as wide as the number of classes.

    ## When it is wrong
    Vocabularies and hierarchical labels.

    ## Source
    FAULTS catalogue.
    """
    trace = trace_of(run)
    for entry in trace.losses:
        if not entry.grad or entry.function not in ("cross_entropy", "nll_loss") or len(entry.input_shape) != 2:
            continue
        width, used = entry.input_shape[1], len(entry.label_counts)
        total = sum(entry.label_counts.values())
        top = max((int(k) for k in entry.label_counts), default=0) + 1
        if 2 <= used <= 20 and width >= max(10, 5 * top) and total >= 500 and not any(m.loaded for m in trace.models):
            yield Finding(
                "output-size-mismatch",
                "warning",
                f"The output has {width} classes; the labels use {used}.",
                {"output_width": width, "labels_seen": used, "looked_at": total},
                Remedy(f"Make the last layer {top} wide."),
                trace.places.get("model_call") or entry.place,
            )
            return
