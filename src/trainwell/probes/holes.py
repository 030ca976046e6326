"""Where numbers that are not finite come from: out of the inputs, while the weights are still whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from trainwell.probes.tracer import Tracer

_MOST = 3  # looks at losses that are not finite


def look(tracer: Tracer) -> None:
    """At a loss that is not finite: note how many inputs are not either, of models whose weights are finite."""
    if tracer.looks_for_holes >= _MOST:
        return
    tracer.looks_for_holes += 1
    with tracer.governor, torch.no_grad():
        for call, _ in tracer.pending:
            tensor, module = call.last_input(), call.model.module()
            if tensor is None or module is None or not tensor.is_floating_point() or tensor.requires_grad:
                continue
            if id(tensor) in tracer.untouched or not all(bool(torch.isfinite(p).all()) for p in module.parameters()):
                continue
            bad = int((~torch.isfinite(tensor)).sum())
            if bad:
                stats = call.model.first_layer.setdefault("stats", {"rows": len(tensor) if tensor.ndim else 1})
                stats["non_finite"] = max(bad, stats.get("non_finite", 0))
