"""A run with its weights: a record that can build its model again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from trainwell.errors import RecordError
from trainwell.problem import Problem, load_problem
from trainwell.records import RunRecord, load_run
from trainwell.train.scaled import RawModel

SCALING = "trainwell.scaling."


@dataclass(frozen=True)
class Run(RunRecord):
    """One training: its record, and its model on demand."""

    source: Problem | None = field(default=None, repr=False, compare=False)
    weights: Mapping[str, Tensor] | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        best = self.info.best
        kept = "" if best is None else ", ".join(f"{name} {value:.4g}" for name, value in best.metrics.items())
        said = f", best val {kept}" if kept else ""
        place = "" if self.folder is None else f", in {self.folder}"
        return f"Run({self.info.problem.name}, seed {self.seed}: {self.status}{said}{place})"

    def model(self, problem: Problem | None = None) -> nn.Module:
        """Build the model with the kept weights, in eval mode; it takes raw inputs (scaling is part of it).

        Args:
            problem: Needed for a run loaded from disk whose problem was made in memory.

        Raises:
            RecordError: If there are no weights, or the problem is not known.
        """
        problem = problem or self.source or self._stored_problem()
        state = self.stored_weights()
        scaling = {k.removeprefix(SCALING): state.pop(k) for k in list(state) if k.startswith(SCALING)}
        inner = problem.build(self.info.recipe.get("model", {}))
        inner.load_state_dict(state)
        return (RawModel.of(inner, scaling) if scaling else inner).eval()

    @classmethod
    def load(cls, folder: str | Path, problem: Problem | None = None) -> Run:
        """Load a run from its folder.

        Raises:
            RecordError: If the folder holds no run or a damaged one.
        """
        record = load_run(folder)
        values: dict[str, Any] = {f.name: getattr(record, f.name) for f in fields(record)}
        return cls(**values, source=problem)

    def stored_weights(self) -> dict[str, Tensor]:
        """The kept weights (and the scaling), from memory or from the folder."""
        if self.weights is not None:
            return dict(self.weights)
        path = None if self.folder is None else self.folder / "weights.safetensors"
        if path is None or not path.is_file():
            raise RecordError(
                f"the run must have weights, got none in {self.folder}. It was stopped before they were kept"
            )
        try:
            return load_file(path)
        except SafetensorError as error:
            raise RecordError(f"{path} must hold weights, got damage: {error}") from None

    def _stored_problem(self) -> Problem:
        spec = self.info.problem_spec
        if not spec:
            raise RecordError("the run's problem was made in memory: give it, run.model(problem)")
        return load_problem(spec)
