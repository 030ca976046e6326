"""What the tracer saw of a training program: events, losses, models, data, in plain values.

A *cycle* is what happened between two steps of one optimizer, as a string of letters in order:

| letter | event | letter | event |
|---|---|---|---|
| `b` | backward onto empty gradients | `B` | backward onto gradients that were already there |
| `z` | gradients cleared | `c` | gradients clipped |
| `u` | `scaler.unscale_` | `k` | `scaler.update` |
| `l` | a scheduler's step | `s` | step of this optimizer (ends the cycle) |
| `e` | step of this optimizer without any gradient (ends the cycle) | `p` | another backward through `autograd.grad` |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainwell.records.finding import Place


@dataclass(frozen=True)
class OptimizerTrace:
    """One optimizer.

    Attributes:
        cycles: Pattern of a cycle to how often it was seen; `first_cycles` are the first of them in order.
        lr: Learning rate of the first group as (step, rate), one entry per change.
        groups: Options of each parameter group, with `parameters` (tensors) and `kinds` (norm, bias, weight).
        shares_with: Earlier optimizer over the same parameters, if any.
        live_shares: Whether that earlier optimizer had been stepped before this one was made.
        reached: Share of its parameters that a walked graph reached or that ever held a gradient.
        gradient_pairs: Gradients of two successive steps at a few parameters, as (step, inner product, mean square
            norm).
        unchanged_looks: Of `looks` at a few parameters around a step, how many saw no bit change.
        discarded: Backward passes whose gradients were cleared before any step, while another one from the same forward
            pass followed; `discard_place` is the line that clears them.
        weights_from: `target` of the last model-load that wrote its parameters before its first step.
    """

    key: int
    kind: str
    place: Place | None = None
    step_place: Place | None = None
    clear_place: Place | None = None
    discard_place: Place | None = None
    discarded: int = 0
    tensors: int = 0
    groups: tuple[Mapping[str, Any], ...] = ()
    steps: int = 0
    cycles: Mapping[str, int] = field(default_factory=dict)
    first_cycles: tuple[str, ...] = ()
    lr: tuple[tuple[int, float], ...] = ()
    made_at_step: int = 0
    shares_with: int | None = None
    live_shares: bool = False
    reached: float | None = None
    walks: int = 0
    looks: int = 0
    unchanged_looks: int = 0
    update_ratio: tuple[tuple[int, float], ...] = ()
    gradient_norm: tuple[tuple[int, float], ...] = ()
    gradient_pairs: tuple[tuple[int, float, float], ...] = ()
    scaled_steps: int = 0
    direct_steps_under_scaler: int = 0
    state_loaded: bool = False
    weights_from: int | None = None
    closure: bool = False
    stack: tuple[Place, ...] = ()


@dataclass(frozen=True)
class SchedulerTrace:
    """One learning-rate scheduler; `options` are the plain numbers it was made with."""

    key: int
    kind: str
    optimizer: int | None = None
    place: Place | None = None
    step_place: Place | None = None
    steps: int = 0
    before_first_step: bool = False
    made_at_step: int = 0
    optimizer_steps: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LossTrace:
    """Calls of one loss function from one place, with gradients on or off.

    Attributes:
        input_stats, target_stats: min, max, mean, distinct, integral, rows_sum_to_one, zero_one, ... of sampled calls.
        label_counts: Class index to count over sampled calls, for integer targets.
    """

    function: str
    place: Place | None = None
    grad: bool = True
    calls: int = 0
    input_shape: tuple[int, ...] = ()
    target_shape: tuple[int, ...] = ()
    input_dtype: str = ""
    target_dtype: str = ""
    reduction: str = ""
    weighted: bool = False
    ignore_index: int | None = None
    label_smoothing: float = 0.0
    input_requires_grad: bool = False
    module: str = ""
    made: Place | None = None
    input_stats: Mapping[str, Any] = field(default_factory=dict)
    target_stats: Mapping[str, Any] = field(default_factory=dict)
    label_counts: Mapping[str, int] = field(default_factory=dict)
    values: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class ParameterTrace:
    """One parameter of a model.

    Attributes:
        reached: In how many of the model's walked graphs it was a leaf.
        thawed_alone: In how many of them it was a leaf after it had been frozen, while no optimizer had stepped on it
            since.
        ran: Whether the module that holds it ran in a looked-at forward.
        versions_changed: Whether it was written to in place after the first look (a manual update counts).
        place, initialised_at: Where the module that holds it was made, and where the user set its first values.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    requires_grad: bool = True
    optimizers: tuple[int, ...] = ()
    reached: int = 0
    thawed_alone: int = 0
    had_gradient: bool = False
    ran: bool = False
    versions_changed: bool = False
    equal_rows: float = 0.0
    gradient_rms: float | None = None
    weight_rms: float | None = None
    place: Place | None = None
    initialised_at: Place | None = None


@dataclass(frozen=True)
class ModelTrace:
    """An outermost module that was called.

    Attributes:
        layers: Qualified name to kind, for the modules that hold parameters or draw random numbers.
        stray: Modules with trainable parameters that ran inside it but are not registered: name of kind to count.
        loaded: Whether weights were loaded into it before the first step.
        cuts: Where its forward first called detach, item, numpy, tolist, argmax, .data, or ran under no_grad, but for
            lines under an `if` that asks for freezing or the like.
        cut_by_option: Whether there are such lines, and no other.
        eval_place: Where it was last put into eval mode.
    """

    key: int
    kind: str
    place: Place | None = None
    parameters: tuple[ParameterTrace, ...] = ()
    layers: Mapping[str, str] = field(default_factory=dict)
    dropout: int = 0
    batch_norm: int = 0
    largest_dropout: float = 0.0
    stray: Mapping[str, int] = field(default_factory=dict)
    stray_trainable: int = 0
    stray_place: Place | None = None
    cuts: Mapping[str, Place] = field(default_factory=dict)
    cut_by_option: bool = False
    eval_place: Place | None = None
    walks: int = 0
    loaded: bool = False
    compiled: bool = False
    first_layer: Mapping[str, Any] = field(default_factory=dict)
    batch_norm_batch: int | None = None


@dataclass(frozen=True)
class CallTrace:
    """Calls of one model from one place in one mode.

    Attributes:
        training: The model's own flag; `noisy` counts calls in which a dropout or batch norm layer was in
            training mode, `still` those in which all of them were in eval mode.
        trained: Calls whose output a backward pass came from; `untrained` calls where none did.
        repeated: Calls on the very input of the call before.
        fed_on: Calls whose output went into another model; `fed_to_still` into one in eval mode, without gradients.
        graphless: Calls with gradients enabled whose output needs none, as of a frozen model.
        run: Longest run of calls without a backward or a step between.
        outer: The line of the user's that called the function around the call.
        words: Names around the call in the user's code (functions, variables), lower case.
    """

    model: int
    place: Place | None
    grad: bool
    training: bool
    outer: Place | None = None
    calls: int = 0
    noisy: int = 0
    still: int = 0
    dropout_on: int = 0
    batch_norm_on: int = 0
    trained: int = 0
    untrained: int = 0
    repeated: int = 0
    fed_on: int = 0
    fed_to_still: int = 0
    graphless: int = 0
    run: int = 0
    after_first_step: int = 0
    rows: int = 0
    words: tuple[str, ...] = ()
    output_shape: tuple[int, ...] = ()
    loader: int | None = None
    functional_dropout: int = 0
    functional_dropout_place: Place | None = None
    random_inside: int = 0
    recalibration: bool = False


@dataclass(frozen=True)
class GraphNode:
    """A node of the autograd graph: operation, result shape, inputs by index (-1 for none), details.

    `place` is the user's line that called for it, `made` the one that made the library's layer that did.
    `leaf` names the parameter of an accumulation node (`model.name`), `?` for a leaf that no model holds.
    """

    op: str
    shape: tuple[int, ...] = ()
    inputs: tuple[int, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    leaf: str | None = None
    place: Place | None = None
    made: Place | None = None


@dataclass(frozen=True)
class GraphTrace:
    """The graph behind one backward call, from the loss (node 0) on."""

    place: Place | None
    step: int
    nodes: tuple[GraphNode, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class BackwardTrace:
    """Backward calls from one place.

    Attributes:
        losses: (step, value) of the backwarded scalar.
        made: The last assignment to the loss before it; `around` calls of activations and the like in its function;
            `kept` the first statement there that stores the loss itself.
        without_graph: Calls on a tensor that requires no gradient.
        no_parameters: Of `walks` walked graphs, how many reached no parameter of a model or optimizer.
        half: Whether the graph was built under float16 autocast or in float16.
        scaled: Calls on a loss that a GradScaler had scaled.
        updated_by_hand: Of the successive pairs of calls without an optimizer that were looked at, those with a leaf
            written to between them; in `uncleared_by_hand` of them its gradient was still there.
        stored: How many earlier losses of this place were still alive with their graph.
    """

    place: Place | None
    calls: int = 0
    losses: tuple[tuple[int, float], ...] = ()
    made: Place | None = None
    kept: Place | None = None
    around: Mapping[str, Place] = field(default_factory=dict)
    without_graph: int = 0
    walks: int = 0
    no_parameters: int = 0
    half: bool = False
    scaled: int = 0
    stored: int = 0
    stored_looks: int = 0
    stored_history: tuple[int, ...] = ()
    unknown_leaves: int = 0
    updated_by_hand: int = 0
    uncleared_by_hand: int = 0
    through_grad: int = 0


@dataclass(frozen=True)
class ClipTrace:
    """Clip calls from one place; norms are (step, norm before, limit)."""

    function: str
    place: Place | None
    calls: int = 0
    norms: tuple[tuple[int, float, float], ...] = ()
    empty: int = 0


@dataclass(frozen=True)
class ScalerTrace:
    """One enabled GradScaler."""

    place: Place | None = None
    scale_calls: int = 0
    steps: int = 0
    updates: int = 0
    unscales: int = 0
    clips_before_unscale: int = 0
    clip_place: Place | None = None
    step_place: Place | None = None
    skipped: int = 0


@dataclass(frozen=True)
class LoaderTrace:
    """One DataLoader.

    Attributes:
        train, evaluate: Batches of it that went into training and into evaluation forwards.
        drawn_twice: Sampled indices whose content differed between passes; `looked_twice` how many were compared.
    """

    key: int
    dataset: int
    place: Place | None = None
    place_of_use: Place | None = None
    sampler_place: Place | None = None
    data_place: Place | None = None
    batch_size: int | None = None
    batches: int | None = None
    sampler: str = ""
    shuffled: bool = False
    workers: int = 0
    passes: int = 0
    delivered: int = 0
    train: int = 0
    evaluate: int = 0
    wait_seconds: float = 0.0
    names: tuple[str, ...] = ()
    looked_twice: int = 0
    drawn_twice: int = 0
    set_epoch_calls: int = 0
    worker_init: bool = False


@dataclass(frozen=True)
class DatasetTrace:
    """What stands behind loaders: `root` is the same for views (subsets) of one source."""

    key: int
    kind: str
    length: int | None = None
    root: str = ""
    place: Place | None = None
    transforms: tuple[str, ...] = ()
    fingerprinted: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OverlapTrace:
    """Rows of an evaluation source that also stand in the training source.

    `claimed` says by which of the user's words the source counts as held-out data; empty if none. `repeats` is the
    share of its rows that repeat another one of them.
    """

    name: str
    share: float
    rows: int
    looked_at: int
    place: Place | None = None
    claimed: str = ""
    same_object: bool = False
    says_train: bool = False
    repeats: float = 0.0


@dataclass(frozen=True)
class FileTrace:
    """A save or load: `what` is save, load, model-load or optimizer-load; `target` tells loads of one kind apart."""

    what: str
    place: Place | None
    step: int
    path: str = ""
    holds: tuple[str, ...] = ()
    target: int | None = None


@dataclass(frozen=True)
class EvaluationTrace:
    """One pass over evaluation data: mean loss and accuracy where they could be recognised."""

    step: int
    place: Place | None
    name: str
    loss: float | None = None
    accuracy: float | None = None
    rows: int = 0
    label_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ActivationTrace:
    """One activation seen in walked graphs, by its position from the loss.

    `dead_share` is the share of units that were zero for all sampled rows so far; `limit_share` the share of
    values beyond 0.97 of the limit, by step.
    """

    op: str
    position: int
    layer: str
    looks: int = 0
    units: int = 0
    rows: int = 0
    dead_share: float = 0.0
    limit_share: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class TraceRecord:
    """All that the tracer saw in one process.

    Attributes:
        places: Places by role: train_loader, eval_loader, loss, optimizer, evaluation, backward, step, scheduler.
        copies_weights: Whether the program took the state of a model, or a copy of it, after training began.
        stale_steps: Steps after which a state was used as if it held the weights of then, while it held those of now.
        random_labels: Whether the labels are drawn at random on the line that makes them.
        rare_metrics: Whether the program's source speaks of metrics that count rare classes (F1, AUROC, recall).
        averaged: Tensors reduced over processes: `gradients` between a backward pass and a step, `parameters`.
        weight_sums: Sum of the absolute weights of the optimizer after some steps, in distributed training;
            `other_sums` those of the other processes, by rank.
        waits: Lines that read a number off an accelerator, and how often.
        seconds: Time under observation; `own_seconds` of it was the tracer's. [seconds]
    """

    places: Mapping[str, Place] = field(default_factory=dict)
    optimizers: tuple[OptimizerTrace, ...] = ()
    schedulers: tuple[SchedulerTrace, ...] = ()
    losses: tuple[LossTrace, ...] = ()
    models: tuple[ModelTrace, ...] = ()
    calls: tuple[CallTrace, ...] = ()
    graphs: tuple[GraphTrace, ...] = ()
    backwards: tuple[BackwardTrace, ...] = ()
    clips: tuple[ClipTrace, ...] = ()
    scalers: tuple[ScalerTrace, ...] = ()
    loaders: tuple[LoaderTrace, ...] = ()
    datasets: tuple[DatasetTrace, ...] = ()
    overlaps: tuple[OverlapTrace, ...] = ()
    files: tuple[FileTrace, ...] = ()
    evaluations: tuple[EvaluationTrace, ...] = ()
    activations: tuple[ActivationTrace, ...] = ()
    train_data: Mapping[str, Any] = field(default_factory=dict)
    eval_data: Mapping[str, Any] = field(default_factory=dict)
    rare_metrics: bool = False
    random_labels: bool = False
    seeds: tuple[str, ...] = ()
    seconds: float = 0.0
    own_seconds: float = 0.0
    steps: int = 0
    backward_calls: int = 0
    processes: int = 1
    rank: int = 0
    averaged: Mapping[str, int] = field(default_factory=dict)
    weight_sums: tuple[tuple[int, float], ...] = ()
    other_sums: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    waits: tuple[tuple[Place, int], ...] = ()
    device: str = "cpu"
    finished: bool = False
    copies_weights: bool = False
    stale_steps: int = 0
    stopped: str = ""
    exit_status: int | None = None
    trouble: Mapping[str, int] = field(default_factory=dict)
