"""One run a fold, and the result with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.stats import Estimate, mean_interval
from trainwell.train.callbacks import Callback
from trainwell.train.fit import refuse_taken, refuse_wrong_kinds
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.many import train_lanes
from trainwell.train.fused.together import Listener
from trainwell.train.run import Run


@dataclass(frozen=True)
class Folds:
    """The runs of a cross-validation.

    Attributes:
        runs: One per fold, in order.
        metric: The deciding metric, measured on the fold that was left out.
        estimate: Mean over folds with a 95 % t interval that widens for the overlap of the training sets, or None
            where a run diverged.
    """

    runs: tuple[Run, ...]
    metric: str
    estimate: Estimate | None

    @property
    def values(self) -> tuple[float, ...]:
        """The metric by fold; NaN for a diverged run."""
        return tuple(math.nan if run.diverged else run.best_metric(self.metric) for run in self.runs)


def fit_folds(
    problem: Problem,
    recipe: Recipe | None = None,
    *,
    k: int = 5,
    repeats: int = 1,
    split: Any = "auto",
    seed: int = 0,
    folder: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    listener: Listener | None = None,
) -> Folds:
    """Train once per fold of the training and validation data together, as stacks; the test data stay untouched.

    The same recipe, initial weights and noise in each fold; scaling is fitted on each fold's own training part. The
    validation fold also picks the best epoch, so the values flatter a little; `stopping.keep = "last"` avoids that.

    Args:
        k: Folds.
        repeats: How often to fold anew.
        split: auto, stratified, grouped, time, random, or a scikit-learn splitter.
        seed: Of the folds and of the runs.
        folder: Where the runs are recorded, as `fold-NN`.
        callbacks: Told of the moments of every run.
        listener: Told in plain words what is trained as one batched program, and what is not and why.

    Returns:
        The runs and their mean. The interval's variance is s^2 (1/n + 1/(k - 1)) instead of s^2 / n.

    Raises:
        UsageError: For fewer than 2 folds or 1 repeat.
        ProblemError: If the data are too few for so many folds.

    Source:
        Nadeau & Bengio 2003, Inference for the generalization error, for the interval.
    """
    if k < 2 or repeats < 1:
        raise UsageError(f"`k` must be at least 2 and `repeats` at least 1, got {k} and {repeats}. Say k=5")
    refuse_wrong_kinds(problem, recipe, callbacks)
    folds = problem.folds(k, repeats=repeats, split=split, seed=seed)
    places = [None if folder is None else Path(folder) / f"fold-{number + 1:02d}" for number in range(len(folds))]
    for place in places:
        refuse_taken(place)
    lanes = [
        Lane(
            fold,
            recipe or Recipe(),
            seed=seed,
            folder=place,
            callbacks=callbacks,
            parent={"step": "fold", "fold": number},
        )
        for number, (fold, place) in enumerate(zip(folds, places, strict=True), 1)
    ]
    runs = train_lanes(lanes, listener=listener)
    metric = problem.metric.name
    values = [math.nan if run.diverged else run.best_metric(metric) for run in runs]
    return Folds(tuple(runs), metric, _estimate(values, max(2, round(len(runs) / repeats))))


def _estimate(values: Sequence[float], k: int) -> Estimate | None:
    if not all(map(math.isfinite, values)):
        return None
    plain = mean_interval(values)
    if plain.interval is None:
        return plain
    n = len(values)
    widening = math.sqrt((1 / n + 1 / (k - 1)) / (1 / n))
    half = (plain.interval.high - plain.interval.low) / 2 * widening
    return Estimate(plain.mean, type(plain.interval)(plain.mean - half, plain.mean + half, plain.interval.level), n)
