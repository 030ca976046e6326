"""The record of one training: everything that rules, reports and comparisons may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from trainwell.records.environment import Environment
from trainwell.records.facts import Baselines, DataFacts, ModelFacts, ProblemFacts, Sanity
from trainwell.records.finding import Finding
from trainwell.records.series import Evaluation, Evaluations, Steps
from trainwell.records.trace import TraceRecord

Status = Literal["running", "completed", "stopped", "diverged", "interrupted", "failed"]


@dataclass(frozen=True)
class Best:
    """The evaluation whose weights were kept."""

    step: int
    epoch: float
    loss: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class RunInfo:
    """What `run.json` holds.

    Attributes:
        status: running, completed (planned end), stopped (early stopping or a budget), diverged (a loss or
            weight became NaN or infinite), interrupted (by the user), failed (an exception).
        reason: Why it has this status, in one sentence.
        recipe: All fields of the recipe.
        planned_steps: Length of the run as planned. [optimizer updates]
        problem_spec: Name or path that finds the problem again; empty for one made in memory.
        parent: For runs of a study: what it was for, e.g. `{"step": "baseline"}`.
    """

    problem: ProblemFacts
    recipe: Mapping[str, Any]
    seed: int
    status: Status = "running"
    reason: str = ""
    started: str = ""
    seconds: float = 0.0
    steps: int = 0
    planned_steps: int = 0
    steps_per_epoch: int = 0
    best: Best | None = None
    problem_spec: str = ""
    device: str = "cpu"
    threads: int = 0
    parent: Mapping[str, Any] = field(default_factory=dict)
    environment: Environment | None = None
    format: int = 1


@dataclass(frozen=True)
class RunRecord:
    """One training, from memory or from its folder; parts that were not recorded are None or empty."""

    info: RunInfo
    steps: Steps = field(default_factory=Steps)
    all_evaluations: tuple[Evaluation, ...] = ()
    data: DataFacts | None = None
    model_facts: ModelFacts | None = None
    baselines: Baselines | None = None
    sanity: Sanity | None = None
    findings: tuple[Finding, ...] = ()
    folder: Path | None = None
    notes: tuple[Mapping[str, Any], ...] = ()
    trace: TraceRecord | None = None

    @property
    def problem(self) -> ProblemFacts:
        """The problem in plain values."""
        return self.info.problem

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.info.seed

    @property
    def status(self) -> Status:
        """How the run ended, or that it has not."""
        return self.info.status

    @property
    def diverged(self) -> bool:
        """Whether a loss or a weight became NaN or infinite."""
        return self.info.status == "diverged"

    def recipe_value(self, path: str, default: Any = None) -> Any:
        """A field of the recipe by dotted path."""
        value: Any = self.info.recipe
        for key in path.split("."):
            if not isinstance(value, Mapping) or key not in value:
                return default
            value = value[key]
        return value

    def evaluations(self, split: str = "val") -> Evaluations:
        """The evaluations of one split (train, val, test), in order."""
        return Evaluations(tuple(row for row in self.all_evaluations if row.split == split))

    def best_metric(self, name: str | None = None) -> float:
        """A validation metric at the weights that were kept; NaN for a run without any evaluation."""
        best = self.info.best
        return float("nan") if best is None else best.metrics.get(name or self.problem.metric, float("nan"))
