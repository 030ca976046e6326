"""Calls of loss functions and backward passes."""

from __future__ import annotations

import weakref
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainwell.probes import keeping, origin, source
from trainwell.probes.place import Site, place
from trainwell.probes.state.values import as_trace
from trainwell.records import BackwardTrace, LossTrace

if TYPE_CHECKING:
    import torch


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
        return as_trace(
            LossTrace,
            self,
            made=place(self.made_site),
            target_stats=_pooled(self.target_stats),
            label_counts={str(k): v for k, v in self.label_counts.most_common(2000)},
            **self.facts,
        )


def _pooled(stats: dict[str, Any]) -> dict[str, Any]:
    """Statistics with mean and deviation over all values that were looked at."""
    found = {name: value for name, value in stats.items() if name not in ("sum", "squares")}
    if "sum" in stats and stats["count"]:
        found["mean"] = stats["sum"] / stats["count"]
        found["std"] = max(0.0, stats["squares"] / stats["count"] - found["mean"] ** 2) ** 0.5
    return found


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
    updated_by_hand: int = 0
    uncleared_by_hand: int = 0
    through_grad: int = 0
    waiting: list[tuple[int, torch.Tensor]] = field(default_factory=list)

    def _around(self) -> dict[str, Site]:
        """Calls before it in its function that may stand between a model and the loss."""
        found = {} if self.site is None else source.calls_before(self.site)
        return {name: where for name, where in found.items() if name in AROUND}

    def record(self) -> BackwardTrace:
        """As plain values."""
        return as_trace(
            BackwardTrace,
            self,
            made=None if self.site is None else place(origin.given(self.site)),
            kept=None if self.site is None else place(keeping.kept_at(self.site)),
            around={k: w for k, s in self._around().items() if (w := place(s)) is not None},
            stored=self.stored_history[-1] if self.stored_history else 0,
            stored_history=tuple(self.stored_history[-60:]),
        )
