"""The test split: read only by whoever proves something, never by a training."""

from __future__ import annotations

import math

from trainwell.problem import Problem
from trainwell.train.evaluate import evaluate
from trainwell.train.losses import plain_loss
from trainwell.train.run import Run


def measure_test(run: Run, problem: Problem, metric: str) -> float:
    """A metric of a run's kept weights on the test split; NaN for a diverged run."""
    assert problem.test is not None
    if run.diverged:
        return math.nan
    row = evaluate(
        run.model(problem), problem.test, problem=problem, loss=plain_loss(problem), split="test", step=run.info.steps,
        epoch=0.0,
    )  # fmt: skip
    return row.loss if metric == "loss" else row.metrics.get(metric, math.nan)
