"""What the tracer keeps while a program runs: counters and small plain values, weak references to torch's objects."""

from __future__ import annotations

import weakref
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainwell.probes import origin, source
from trainwell.probes.place import Site, place
from trainwell.records import (
    ActivationTrace,
    BackwardTrace,
    CallTrace,
    ClipTrace,
    DatasetTrace,
    LoaderTrace,
    LossTrace,
    ModelTrace,
    OptimizerTrace,
    ParameterTrace,
    ScalerTrace,
    SchedulerTrace,
)

if TYPE_CHECKING:
    import torch

    from trainwell.probes.tracer import Tracer

MOST_VALUES = 4000
AROUND = (
    "sqrt",
    "rsqrt",
    "log",
    "log2",
    "log10",
    "acos",
    "asin",
    "arccos",
    "arcsin",
    "atanh",
    "div",
    "pow",
    "exp",
    "softmax",
    "log_softmax",
    "sigmoid",
    "relu",
    "tanh",
    "detach",
    "item",
    "argmax",
    "tensor",
    "numpy",
    "Softmax",
)


def keep(values: list[Any], entry: Any) -> None:
    """Append; when the list is full, thin its first half."""
    values.append(entry)
    if len(values) > MOST_VALUES:
        half = MOST_VALUES // 2
        values[:half] = values[:half:2]


def no_object() -> None:
    """Stands for a weak reference whose object is gone."""
    return


@dataclass(eq=False)
class OptimizerState:
    """One optimizer."""

    key: int
    kind: str
    site: Site | None
    optimizer: Any = no_object
    step_site: Site | None = None
    clear_site: Site | None = None
    steps: int = 0
    cycle: list[str] = field(default_factory=list)
    cycles: Counter[str] = field(default_factory=Counter)
    first_cycles: list[str] = field(default_factory=list)
    lr: list[tuple[int, float]] = field(default_factory=list)
    last_lr: float | None = None
    groups: list[dict[str, Any]] = field(default_factory=list)
    tensors: int = 0
    made_at_step: int = 0
    shares_with: int | None = None
    live_shares: bool = False
    ids: frozenset[int] = frozenset()
    reached_ids: set[int] = field(default_factory=set)
    walks: int = 0
    looks: int = 0
    unchanged_looks: int = 0
    update_ratio: list[tuple[int, float]] = field(default_factory=list)
    gradient_norm: list[tuple[int, float]] = field(default_factory=list)
    gradient_pairs: list[tuple[int, float, float]] = field(default_factory=list)
    slopes: list[Any] = field(default_factory=list)
    slopes_at: int = -2
    witnesses: list[Any] = field(default_factory=list)
    cleared: bool = True
    before: Any = None
    direct_under_scaler: int = 0
    scaled_steps: int = 0
    state_loaded: bool = False
    weights_from: int | None = None
    closure: bool = False
    stack: tuple[Site, ...] = ()
    new_parameters: bool = True

    def record(self, tracer: Tracer) -> OptimizerTrace:
        """As plain values."""
        return OptimizerTrace(
            key=self.key,
            kind=self.kind,
            place=place(self.site),
            step_place=place(self.step_site),
            clear_place=place(self.clear_site),
            tensors=self.tensors,
            groups=tuple(self.groups),
            steps=self.steps,
            cycles=dict(self.cycles.most_common(60)),
            first_cycles=tuple(self.first_cycles),
            lr=tuple(self.lr),
            made_at_step=self.made_at_step,
            shares_with=self.shares_with,
            live_shares=self.live_shares,
            reached=len(self.reached_ids & self.ids) / len(self.ids) if self.ids else None,
            walks=self.walks,
            looks=self.looks,
            unchanged_looks=self.unchanged_looks,
            update_ratio=tuple(self.update_ratio),
            gradient_norm=tuple(self.gradient_norm),
            gradient_pairs=tuple(self.gradient_pairs),
            scaled_steps=self.scaled_steps,
            direct_steps_under_scaler=self.direct_under_scaler,
            state_loaded=self.state_loaded,
            weights_from=self.weights_from,
            closure=self.closure,
            stack=tuple(p for s in self.stack if (p := place(s)) is not None),
        )


@dataclass(eq=False)
class SchedulerState:
    """One scheduler."""

    key: int
    kind: str
    site: Site | None
    scheduler: Any = no_object
    optimizer: OptimizerState | None = None
    step_site: Site | None = None
    steps: int = 0
    before_first_step: bool = False
    made_at_step: int = 0
    made_at_optimizer_step: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    inside: bool = True

    def record(self) -> SchedulerTrace:
        """As plain values."""
        return SchedulerTrace(
            key=self.key,
            kind=self.kind,
            optimizer=None if self.optimizer is None else self.optimizer.key,
            place=place(self.site),
            step_place=place(self.step_site),
            steps=self.steps,
            before_first_step=self.before_first_step,
            made_at_step=self.made_at_step,
            optimizer_steps=0 if self.optimizer is None else self.optimizer.steps - self.made_at_optimizer_step,
            options=dict(self.options),
        )


def _pooled(stats: dict[str, Any]) -> dict[str, Any]:
    """Statistics with mean and deviation over all values that were looked at."""
    found = {name: value for name, value in stats.items() if name not in ("sum", "squares")}
    if "sum" in stats and stats["count"]:
        found["mean"] = stats["sum"] / stats["count"]
        found["std"] = max(0.0, stats["squares"] / stats["count"] - found["mean"] ** 2) ** 0.5
    return found


@dataclass(eq=False)
class LossState:
    """Calls of one loss function from one place."""

    function: str
    site: Site | None
    grad: bool
    calls: int = 0
    looks: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    input_stats: dict[str, Any] = field(default_factory=dict)
    target_stats: dict[str, Any] = field(default_factory=dict)
    label_counts: Counter[int] = field(default_factory=Counter)
    values: list[tuple[int, float]] = field(default_factory=list)
    module: str = ""
    made_site: Site | None = None

    def record(self) -> LossTrace:
        """As plain values."""
        return LossTrace(
            function=self.function,
            place=place(self.site),
            grad=self.grad,
            calls=self.calls,
            module=self.module,
            made=place(self.made_site),
            input_stats=dict(self.input_stats),
            target_stats=_pooled(self.target_stats),
            label_counts={str(k): v for k, v in self.label_counts.most_common(2000)},
            values=tuple(self.values),
            **self.facts,
        )


@dataclass(eq=False)
class CallState:
    """Calls of one model from one place in one mode."""

    model: ModelState
    site: Site | None
    outer: Site | None
    grad: bool
    training: bool
    calls: int = 0
    noisy: int = 0
    still: int = 0
    dropout_on: int = 0
    batch_norm_on: int = 0
    trained: int = 0
    untrained: int = 0
    repeated: int = 0
    fed_on: int = 0
    run: int = 0
    after_first_step: int = 0
    rows: int = 0
    words: tuple[str, ...] = ()
    input: dict[str, Any] = field(default_factory=dict)
    output_shape: tuple[int, ...] = ()
    loader: int | None = None
    functional_dropout: int = 0
    functional_dropout_site: Site | None = None
    recalibration: bool = False
    last_input: Any = no_object
    noise_now: tuple[bool, bool] = (False, False)
    hashed_rows: int = 0
    names: tuple[str, ...] = ()
    walks: int = 0
    walk_says: bool = True

    def is_evaluation(self) -> bool:
        """Whether these calls look like evaluation: no backward came of them, several after training began."""
        return self.trained == 0 and self.after_first_step > 0 and not self.fed_on and not self.grad

    def record(self) -> CallTrace:
        """As plain values."""
        return CallTrace(
            model=self.model.key,
            place=place(self.site),
            grad=self.grad,
            training=self.training,
            calls=self.calls,
            noisy=self.noisy,
            still=self.still,
            dropout_on=self.dropout_on,
            batch_norm_on=self.batch_norm_on,
            trained=self.trained,
            untrained=self.untrained,
            repeated=self.repeated,
            fed_on=self.fed_on,
            run=self.run,
            after_first_step=self.after_first_step,
            rows=self.rows,
            words=self.words,
            input=dict(self.input),
            output_shape=self.output_shape,
            loader=self.loader,
            functional_dropout=self.functional_dropout,
            functional_dropout_place=place(self.functional_dropout_site),
            recalibration=self.recalibration,
        )


@dataclass(eq=False)
class ModelState:
    """An outermost module."""

    key: int
    kind: str
    module: Any
    site: Site | None
    noisy: list[Any] = field(default_factory=list)
    calls: dict[Any, CallState] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)
    dropout: int = 0
    batch_norm: int = 0
    largest_dropout: float = 0.0
    stray: Counter[str] = field(default_factory=Counter)
    stray_trainable: int = 0
    stray_ids: set[int] = field(default_factory=set)
    stray_site: Site | None = None
    still_site: Site | None = None
    cuts: dict[str, Site | None] = field(default_factory=dict)
    walks: int = 0
    loaded: bool = False
    compiled: bool = False
    first_layer: dict[str, Any] = field(default_factory=dict)
    batch_norm_batch: int | None = None
    looks: int = 0
    parameters: dict[int, dict[str, Any]] = field(default_factory=dict)
    structure: int = -1
    ran: set[int] = field(default_factory=set)
    outputs_tagged: int = 0
    optimized: bool = False
    fed: bool = False

    def record(self, tracer: Tracer) -> ModelTrace:
        """As plain values."""
        owners: dict[int, list[int]] = {}
        for optimizer in [*tracer.past_optimizers, *tracer.optimizers.values()]:
            for identity in optimizer.ids:
                owners.setdefault(identity, []).append(optimizer.key)
        return ModelTrace(
            key=self.key,
            kind=self.kind,
            place=place(self.site),
            parameters=tuple(
                ParameterTrace(
                    name=p["name"],
                    shape=p["shape"],
                    kind=p["kind"],
                    requires_grad=p["requires_grad"],
                    optimizers=tuple(owners.get(identity, ())),
                    reached=p.get("reached", 0),
                    had_gradient=p.get("had_gradient", False),
                    ran=p["module"] in self.ran,
                    versions_changed=p.get("changed", False),
                    equal_rows=p.get("equal_rows", 0.0),
                    gradient_rms=p.get("gradient_rms"),
                    weight_rms=p.get("weight_rms"),
                    place=place(p.get("made")),
                    initialised_at=place(p.get("initialised")),
                )
                for identity, p in list(self.parameters.items())[:1500]
            ),
            layers=dict(list(self.layers.items())[:600]),
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            largest_dropout=self.largest_dropout,
            stray=dict(self.stray),
            stray_trainable=self.stray_trainable,
            stray_place=place(self.stray_site),
            cuts={k: w for k, s in self.cuts.items() if (w := place(s)) is not None},
            cut_by_option=any(source.is_an_option(s) for s in self.cuts.values() if s is not None),
            eval_place=place(self.still_site),
            walks=self.walks,
            loaded=self.loaded,
            compiled=self.compiled,
            first_layer=dict(self.first_layer),
            batch_norm_batch=self.batch_norm_batch,
        )


@dataclass(eq=False)
class BackwardState:
    """Backward calls from one place."""

    site: Site | None
    calls: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    without_graph: int = 0
    walks: int = 0
    no_parameters: int = 0
    half: bool = False
    scaled: int = 0
    tags: deque[weakref.ref[Any]] = field(default_factory=lambda: deque(maxlen=400))
    stored_history: list[int] = field(default_factory=list)
    stored_looks: int = 0
    unknown_leaves: int = 0
    through_grad: int = 0
    waiting: list[tuple[int, torch.Tensor]] = field(default_factory=list)
    last_op: str = ""

    def _around(self) -> dict[str, Site]:
        """Calls before it in its function that may stand between a model and the loss."""
        found = {} if self.site is None else source.calls_before(self.site)
        return {name: where for name, where in found.items() if name in AROUND}

    def record(self) -> BackwardTrace:
        """As plain values."""
        return BackwardTrace(
            place=place(self.site),
            calls=self.calls,
            losses=tuple(self.losses),
            made=None if self.site is None else place(origin.given(self.site)),
            around={k: w for k, s in self._around().items() if (w := place(s)) is not None},
            without_graph=self.without_graph,
            walks=self.walks,
            no_parameters=self.no_parameters,
            half=self.half,
            scaled=self.scaled,
            stored=self.stored_history[-1] if self.stored_history else 0,
            stored_looks=self.stored_looks,
            stored_history=tuple(self.stored_history[-60:]),
            unknown_leaves=self.unknown_leaves,
            through_grad=self.through_grad,
        )


@dataclass(eq=False)
class ClipState:
    """Clip calls from one place."""

    function: str
    site: Site | None
    calls: int = 0
    norms: list[tuple[int, float, float]] = field(default_factory=list)
    empty: int = 0

    def record(self) -> ClipTrace:
        """As plain values."""
        return ClipTrace(self.function, place(self.site), self.calls, tuple(self.norms), self.empty)


@dataclass(eq=False)
class ScalerState:
    """One enabled GradScaler."""

    site: Site | None
    scaler: Any = no_object
    scale_calls: int = 0
    steps: int = 0
    updates: int = 0
    unscales: int = 0
    unscaled: bool = False
    scaled: bool = False
    clips_before_unscale: int = 0
    clip_site: Site | None = None
    step_site: Site | None = None
    skipped: int = 0
    stepped_inside: bool = False

    def record(self) -> ScalerTrace:
        """As plain values."""
        return ScalerTrace(
            place=place(self.site),
            scale_calls=self.scale_calls,
            steps=self.steps,
            updates=self.updates,
            unscales=self.unscales,
            clips_before_unscale=self.clips_before_unscale,
            clip_place=place(self.clip_site),
            step_place=place(self.step_site),
            skipped=self.skipped,
        )


@dataclass(eq=False)
class LoaderState:
    """One DataLoader."""

    key: int
    loader: Any
    dataset: DatasetState
    site: Site | None
    use_site: Site | None = None
    batch_size: int | None = None
    batches: int | None = None
    sampler: str = ""
    shuffled: bool = False
    workers: int = 0
    passes: int = 0
    delivered: int = 0
    train: int = 0
    evaluate: int = 0
    wait: float = 0.0
    labels: list[Any] = field(default_factory=list)
    names: tuple[str, ...] = ()
    drawn: dict[int, int] = field(default_factory=dict)
    pass_hashes: list[list[int]] = field(default_factory=list)
    looked_twice: int = 0
    drawn_twice: int = 0
    set_epoch_calls: int = 0
    worker_init: bool = False
    order_runs: float | None = None
    order_chance: float | None = None
    label_total: int = 0
    distinct: int = 0
    words: tuple[str, ...] = ()

    def record(self) -> LoaderTrace:
        """As plain values."""
        return LoaderTrace(
            key=self.key,
            dataset=self.dataset.key,
            place=place(self.site),
            place_of_use=place(self.use_site),
            sampler_place=place(None if self.site is None else origin.argument(self.site, "sampler")),
            batch_size=self.batch_size,
            batches=self.batches,
            sampler=self.sampler,
            shuffled=self.shuffled,
            workers=self.workers,
            passes=self.passes,
            delivered=self.delivered,
            train=self.train,
            evaluate=self.evaluate,
            wait_seconds=self.wait,
            label_runs=self.order_runs,
            label_chance=self.order_chance,
            labels=self.label_total,
            distinct_labels=self.distinct,
            names=self.names,
            looked_twice=self.looked_twice,
            drawn_twice=self.drawn_twice,
            set_epoch_calls=self.set_epoch_calls,
            worker_init=self.worker_init,
        )


@dataclass(eq=False)
class DatasetState:
    """A dataset behind loaders."""

    key: int
    kind: str
    dataset: Any
    length: int | None = None
    root: str = ""
    site: Site | None = None
    transforms: tuple[str, ...] = ()
    random_transforms: tuple[str, ...] = ()
    hashes: Any = None
    fingerprinted: bool = False
    stored: Any = None
    facts: dict[str, Any] = field(default_factory=dict)

    def record(self) -> DatasetTrace:
        """As plain values."""
        return DatasetTrace(
            key=self.key,
            kind=self.kind,
            length=self.length,
            root=self.root,
            place=place(self.site),
            transforms=self.transforms,
            random_transforms=self.random_transforms,
            fingerprinted=0 if self.hashes is None else len(self.hashes),
            facts=dict(self.facts),
        )


@dataclass(eq=False)
class EvaluationState:
    """A pass over evaluation data that is going on."""

    step: int
    key: Any
    site: Site | None
    name: str
    loss_sum: float = 0.0
    loss_rows: int = 0
    right: int = 0
    judged: int = 0
    rows: int = 0
    calls: int = 0
    pending_loss: float = 0.0
    label_counts: Counter[int] = field(default_factory=Counter)


@dataclass(eq=False)
class ActivationState:
    """One activation of the walked graphs."""

    op: str
    position: int
    layer: str
    looks: int = 0
    units: int = 0
    rows: int = 0
    alive: Any = None
    limit_share: list[tuple[int, float]] = field(default_factory=list)
    gate: bool = False

    def record(self) -> ActivationTrace:
        """As plain values."""
        dead = 0.0
        if self.alive is not None and len(self.alive):
            dead = 1.0 - float(self.alive.sum()) / len(self.alive)
        return ActivationTrace(
            op=self.op,
            position=self.position,
            layer=self.layer,
            looks=self.looks,
            units=self.units,
            rows=self.rows,
            dead_share=dead,
            limit_share=tuple(self.limit_share),
            gate=self.gate,
        )


class Tag:
    """Sits in a graph node's metadata: says which call made it, and dies with the node."""

    __slots__ = ("__weakref__", "call", "kind")

    def __init__(self, kind: str, call: CallState | None = None) -> None:
        self.kind = kind
        self.call = call
