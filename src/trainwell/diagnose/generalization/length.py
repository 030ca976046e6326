"""Where training ended: too soon, or past its best weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from trainwell.diagnose.curves import Curve, evaluated, running_median, trend
from trainwell.diagnose.metric import beats
from trainwell.diagnose.questions import (
    losses_are_positive,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord
from trainwell.records.series import Floats


@rule("stopped-early", "advice")
def stopped_early(run: RunRecord) -> Iterator[Finding]:
    """Training ended while the validation loss was still falling fast.

    ## What it checks
    A run that came to its planned end: over the last third of the validation evaluations (5 or more) the slope is
    negative beyond doubt (95 %), and at half that slope a quarter more training would lower the loss by another 5 %.

    ## Why it matters
    The network had more to give at little cost.

    ## What to try
    Twice the epochs, with the schedule stretched along (it follows by itself).

    ## When it is wrong
    A fixed budget.

    ## Source
    Hoffer, Hubara & Soudry 2017, Train longer, generalize better, NeurIPS.
    """
    curve = evaluated(run, "val").between(1, math.inf)
    if run.status != "completed" or run.recipe_value("stopping.seconds") or not losses_are_positive(run):
        return
    last = max(5, len(curve) // 3)
    if len(curve) < last + 1:
        return
    end = Curve(curve.step[-last:], curve.loss[-last:])
    slope = trend(end.step, end.loss)
    if slope is None or slope.interval is None or slope.interval.high >= 0:
        return
    level = float(np.median(end.loss[-3:]))
    promised = -0.5 * slope.slope * 0.25 * float(curve.step[-1])
    if promised < 0.05 * level:
        return
    epochs, steps = run.recipe_value("epochs"), run.recipe_value("steps")
    length: dict[str, Any] = {"steps": 2 * steps} if steps else {"epochs": 2 * epochs} if epochs else {}
    yield Finding(
        "stopped-early",
        "advice",
        f"The validation loss was still falling at the end: at half that pace, a quarter more training would take it "
        f"from {level:.4g} to {level - promised:.4g}.",
        {
            "slope_per_step": slope.slope,
            "slope_interval": slope.interval.to_list(),
            "last_loss": level,
            "promised": promised,
            "evaluations": last,
        },
        Remedy("Train longer.", length),
    )


@rule("best-weights-lost", "warning")
def best_weights_lost(run: RunRecord) -> Iterator[Finding]:
    """The final weights are clearly worse than an earlier evaluation and the earlier ones are gone.

    ## What it checks
    For runs that keep the last weights (`stopping.keep = "last"`): the median metric of the best three successive
    evaluations beats the last one and the one before it, beyond sampling noise.

    ## Why it matters
    A better network was there and was thrown away.

    ## What to try
    `stopping.keep = "best"`.

    ## When it is wrong
    Runs whose last weights are wanted on purpose (averaging, phases of fine-tuning).

    ## Source
    Prechelt 1998, Early stopping - but when?, in Neural Networks: Tricks of the Trade.
    """
    if run.recipe_value("stopping.keep") == "last":
        yield from last_is_worse(run)


def last_is_worse(run: RunRecord) -> Iterator[Finding]:
    """Say that the last weights are clearly worse than those of an earlier evaluation."""
    rows = [row for row in run.evaluations("val") if math.isfinite(row.metrics.get(run.problem.metric, math.nan))]
    if len(rows) < 5:
        return
    values: Floats = np.array([row.metrics[run.problem.metric] for row in rows])
    medians = running_median(values, 3)
    at = int(medians.argmax() if run.problem.higher_is_better else medians.argmin()) + 1
    best = float(medians[at - 1])
    if at < len(rows) - 2 and beats(run, best, rows[-1]) and beats(run, best, rows[-2]):
        yield Finding(
            "best-weights-lost",
            "warning",
            f"The last weights have a validation {run.problem.metric} of {values[-1]:.4g}; around epoch "
            f"{rows[at].epoch:g} it was {best:.4g}, and those weights were not kept.",
            {"last": float(values[-1]), "best": best, "epoch": rows[at].epoch, "examples": rows[-1].examples},
            Remedy("Keep the weights of the best evaluation.", {"stopping.keep": "best"}),
        )
