"""What recipes do to gradients and weights beside the rule: penalties, noise, clipping, limits of norms, by run."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from trainwell.optim.clipping import clip_runs_by_norm_, norms_of_runs
from trainwell.optim.penalty import add_gradient_noise, add_penalty_gradient, project_rows
from trainwell.optim.rules.rule import Value
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.tensors import Tensors


class Limits:
    """The settings of some runs as tensors over them.

    Attributes:
        clipped: Runs that clip, and so record the norm of each step.
    """

    def __init__(self, lanes: Sequence[Lane], device: torch.device) -> None:
        self.lanes = list(lanes)
        parts = [lane.recipe.regularization for lane in lanes]
        clips = [lane.recipe.clipping for lane in lanes]

        def column(values: Sequence[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device)

        self._l1, self._l2 = column([p.l1 for p in parts]), column([p.l2 for p in parts])
        self._penalised = any(p.l1 or p.l2 for p in parts)
        self._disturbed = [k for k, p in enumerate(parts) if p.gradient_noise]
        self._max_norms = column([p.max_norm or math.inf for p in parts])[:, None]
        self._projected = any(p.max_norm for p in parts)
        self._norms = column([c.limit if c.name == "norm" else math.inf for c in clips])
        self._by_norm = any(c.name == "norm" for c in clips)
        self._one_by_one = [k for k, c in enumerate(clips) if c.name in ("value", "adaptive")]
        self.clipped = {k for k, c in enumerate(clips) if c.name != "none"}

    def gradients_(self, tensors: Tensors, step: int, looking: bool) -> Tensor | None:
        """Add penalties and noise, then clip, in place.

        Returns:
            Norm of the gradient of each run before clipping, (K,); None where nobody asked for it.
        """
        if self._penalised:
            self._penalise(tensors)
        for k in self._disturbed:
            lane = self.lanes[k]
            assert lane.parts.noise is not None
            own = [tensors.gradients[name][k] for name in lane.trained_names]
            add_gradient_noise(own, step, lane.recipe.regularization.gradient_noise, lane.parts.noise)
        rows = tensors.gradient_rows
        norms: Tensor | None = None
        if self._by_norm:
            norms = clip_runs_by_norm_(rows, self._norms)
        elif looking or self._one_by_one:
            norms = norms_of_runs(rows)
        for k in self._one_by_one:
            clip = self.lanes[k].parts.update.clip
            assert clip is not None
            clip([row[k] for row in rows])
        return norms

    def _penalise(self, tensors: Tensors) -> None:
        for group, values, gradient in (part for block in tensors.blocks for part in block.parts):
            on: Value = group.penalised
            if isinstance(on, Tensor) or on:
                add_penalty_gradient([gradient], [values], self._l1 * on, self._l2 * on)

    def weights_(self, tensors: Tensors) -> None:
        """Shrink the incoming weights of each unit to the run's limit, in place."""
        if self._projected:
            for block in tensors.blocks:
                project_rows(list(block.parameters.values()), self._max_norms, stacked=True)  # type: ignore[arg-type]
