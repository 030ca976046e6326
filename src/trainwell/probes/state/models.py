"""Models, their calls, what runs inside them, passes over evaluation data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainwell.probes import source
from trainwell.probes.place import Site, place
from trainwell.probes.state.values import as_trace, no_object
from trainwell.records import ActivationTrace, CallTrace, ModelTrace, ParameterTrace

if TYPE_CHECKING:
    from trainwell.probes.state.optimization import OptimizerState
    from trainwell.probes.tracer import Tracer


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
    ran: set[int] = field(default_factory=set)
    optimized: bool = False
    fed: bool = False

    def record(self, tracer: Tracer) -> ModelTrace:
        """As plain values."""
        owners: dict[int, list[OptimizerState]] = {}
        for optimizer in [*tracer.past_optimizers, *tracer.optimizers.values()]:
            for identity in optimizer.ids:
                owners.setdefault(identity, []).append(optimizer)
        cuts = {k: s for k, s in self.cuts.items() if s is None or not source.is_an_option(s)}
        return as_trace(
            ModelTrace,
            self,
            parameters=tuple(
                ParameterTrace(
                    name=p["name"],
                    shape=p["shape"],
                    kind=p["kind"],
                    requires_grad=p["requires_grad"],
                    optimizers=tuple(o.key for o in owners.get(identity, ()) if _at_one_time(o, p)),
                    reached=p.get("reached", 0),
                    thawed_alone=p.get("thawed_alone", 0),
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
            cuts={k: w for k, s in cuts.items() if (w := place(s)) is not None},
            cut_by_option=bool(self.cuts) and not cuts,
            eval_place=place(self.still_site),
        )


def _at_one_time(optimizer: OptimizerState, parameter: dict[str, Any]) -> bool:
    """Whether an optimizer and a parameter were there together; else one has the identity of something freed."""
    before = optimizer.until is not None and optimizer.until < parameter["since"]
    after = "until" in parameter and parameter["until"] < optimizer.key
    return not (before or after)


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
    fed_to_still: int = 0
    graphless: int = 0
    run: int = 0
    after_first_step: int = 0
    rows: int = 0
    words: tuple[str, ...] = ()
    output_shape: tuple[int, ...] = ()
    loader: int | None = None
    functional_dropout: int = 0
    functional_dropout_site: Site | None = None
    recalibration: bool = False
    last_input: Any = no_object
    noise_now: tuple[bool, bool] = (False, False)
    walks: int = 0
    walk_says: bool = True

    def is_evaluation(self) -> bool:
        """Whether these calls look like evaluation: no backward came of them, several after training began."""
        return self.trained == 0 and self.after_first_step > 0 and not self.fed_on and not self.grad

    def record(self) -> CallTrace:
        """As plain values."""
        return as_trace(
            CallTrace,
            self,
            model=self.model.key,
            outer=place(self.outer),
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
    right_at_loss: int = 0
    judged_at_loss: int = 0
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

    def record(self) -> ActivationTrace:
        """As plain values."""
        dead = 0.0
        if self.alive is not None and len(self.alive):
            dead = 1.0 - float(self.alive.sum()) / len(self.alive)
        return as_trace(
            ActivationTrace,
            self,
            dead_share=dead,
        )


class Tag:
    """Sits in a graph node's metadata: says which call made it, and dies with the node."""

    __slots__ = ("__weakref__", "call", "kind")

    def __init__(self, kind: str, call: CallState | None = None) -> None:
        self.kind = kind
        self.call = call
