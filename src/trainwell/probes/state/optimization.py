"""Optimizers, schedulers, clipping, loss scaling."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainwell.probes.place import Site, place
from trainwell.probes.state.values import as_trace, no_object
from trainwell.records import ClipTrace, OptimizerTrace, ScalerTrace, SchedulerTrace

if TYPE_CHECKING:
    from trainwell.probes.tracer import Tracer


@dataclass(eq=False)
class OptimizerState:
    """One optimizer."""

    key: int
    kind: str
    site: Site | None
    optimizer: Any = no_object
    step_site: Site | None = None
    clear_site: Site | None = None
    discard_site: Site | None = None
    discarded: int = 0
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
    until: int | None = None
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
    measured: list[Any] = field(default_factory=list)
    cleared: bool = True
    before: Any = None
    direct_under_scaler: int = 0
    scaled_steps: int = 0
    state_loaded: bool = False
    weights_from: int | None = None
    closure: bool = False
    stack: tuple[Site, ...] = ()

    def record(self, tracer: Tracer) -> OptimizerTrace:
        """As plain values."""
        return as_trace(
            OptimizerTrace,
            self,
            cycles=dict(self.cycles.most_common(60)),
            reached=len(self.reached_ids & self.ids) / len(self.ids) if self.ids else None,
            direct_steps_under_scaler=self.direct_under_scaler,
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

    def record(self) -> SchedulerTrace:
        """As plain values."""
        return as_trace(
            SchedulerTrace,
            self,
            optimizer=None if self.optimizer is None else self.optimizer.key,
            optimizer_steps=0 if self.optimizer is None else self.optimizer.steps - self.made_at_optimizer_step,
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
        return as_trace(ClipTrace, self)


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
        return as_trace(ScalerTrace, self)
