"""The test split: read only by whoever proves something, never by a training."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainwell.data.batches import batches
from trainwell.problem import Problem
from trainwell.problem.forward import evaluating, forward
from trainwell.seeding import stream_seed
from trainwell.stats import Interval
from trainwell.train.run import Run

_KEEP_NUMBERS = 20_000_000
_RESAMPLES = 1000
_FEWEST_RESAMPLES = 100
_SECONDS = 4.0


@dataclass(frozen=True)
class Measured:
    """A run on the test split.

    Attributes:
        value: The deciding metric; NaN for a diverged run.
        outputs: Predictions, first dimension = examples; None for a diverged run, or where they are too large to keep.
    """

    value: float
    outputs: Tensor | None


def measure_test(run: Run, problem: Problem) -> Measured:
    """Measure a run's kept weights on the test split, in the problem's unit."""
    assert problem.test is not None
    if run.diverged:
        return Measured(math.nan, None)
    model = run.model(problem)
    outputs, targets, losses = [], [], []
    with evaluating(model):
        for batch in batches(problem.test, None, 1024):
            found = forward(model, batch)
            if found.loss is not None:
                losses.append(float(found.loss) * len(batch))
            if found.scores is not None and batch.targets is not None:
                outputs.append(found.scores.float())
                targets.append(batch.targets)
    if not outputs:
        return Measured(sum(losses) / len(problem.test), None)
    scores, truth = torch.cat(outputs), torch.cat(targets)
    if not bool(torch.isfinite(scores).all()):
        return Measured(math.nan, None)
    return Measured(problem.metric(scores, truth), scores if scores.numel() <= _KEEP_NUMBERS // 20 else None)


def examples_interval(
    problem: Problem, before: Sequence[Measured], after: Sequence[Measured], *, seed: int = 0
) -> Interval | None:
    """90 % interval of the mean difference over redrawn test examples (percentile bootstrap, runs held fixed).

    It answers another question than the interval over seeds: whether the difference could be luck of which examples
    happen to be in the test split. The seeds have settled the direction, so each end stands for a one-sided 5 %.

    Args:
        problem: Gives the test targets and the metric.
        before, after: The same seeds in the same order.
        seed: Of the redrawing.

    Returns:
        The interval, or None where predictions were not kept (a diverged run, outputs too large).

    Source:
        Efron & Tibshirani 1993, An introduction to the bootstrap, chapter 13.
    """
    pairs = [(b.outputs, a.outputs) for b, a in zip(before, after, strict=True)]
    kept = [(b, a) for b, a in pairs if b is not None and a is not None]
    if len(kept) < len(pairs) or not kept:
        return None
    assert problem.test is not None
    truth = torch.cat([b.targets for b in batches(problem.test, None, 1024) if b.targets is not None])
    draw = np.random.default_rng(stream_seed(seed, "noise", 1))
    means: list[float] = []
    begin = time.monotonic()
    while len(means) < _RESAMPLES and (len(means) < _FEWEST_RESAMPLES or time.monotonic() - begin < _SECONDS):
        index = torch.from_numpy(draw.integers(0, len(truth), len(truth)))
        some = truth[index]
        means.append(float(np.mean([problem.metric(a[index], some) - problem.metric(b[index], some) for b, a in kept])))
    low, high = np.nanpercentile(means, [5, 95])
    return Interval(float(low), float(high), 0.90)
