"""Faults of its schedule: a rate that rises, or falls to nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainwell.diagnose.questions import (
    finite,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord


@rule(
    "rising-schedule",
    "error",
    explains=("learning-rate-too-high", "non-finite-loss", "loss-spikes", "exploding-gradients"),
)
def rising_schedule(run: RunRecord) -> Iterator[Finding]:
    """The schedule keeps raising the learning rate to the end.

    ## What it checks
    The rate of every step of a run of 50 steps or more that came to its planned end: it never falls, it is at its
    largest in the last twentieth and still rising there, and it rose by half or more in the second half.

    ## Why it matters
    The end of a training is where a small rate settles what was learned. A factor above 1, or a decay with the wrong
    sign, undoes it.

    ## What to try
    `schedule = "cosine"` with a short warm-up, or a constant rate.

    ## When it is wrong
    A range test, which raises the rate on purpose; a run that was cut inside its warm-up.

    ## Source
    Robbins & Monro 1951, A stochastic approximation method: steps must shrink to converge.
    """
    rates, planned = finite(run.steps["lr"]), run.info.planned_steps
    value = rates.value
    n = len(value)
    ended_early = run.status not in ("completed", "diverged") or n < planned
    if n < 50 or ended_early or _is_range_test(run) or value[0] < 0:
        return
    never_falls = bool((np.diff(value) >= -1e-9 * value.max()).all())
    still_rising = value[-1] > value[-max(2, n // 20)] * (1 + 1e-6)
    if never_falls and still_rising and value[-1] >= 1.5 * value[n // 2]:
        yield Finding(
            "rising-schedule",
            "error",
            f"The learning rate rose from {value[0]:.3g} to {value[-1]:.3g} and was still rising at the end.",
            {"first": float(value[0]), "middle": float(value[n // 2]), "last": float(value[-1]), "steps": n},
            Remedy("Let the rate fall after a short warm-up.", {"schedule": "cosine"} if run.info.recipe else {}),
        )


def _is_range_test(run: RunRecord) -> bool:
    words = " ".join(str(value) for value in run.info.parent.values()).lower()
    return "range" in words or "learning-rate" in words


@rule("collapsed-schedule", "error", explains=("underfitting", "learning-rate-too-low", "no-better-than-chance"))
def collapsed_schedule(run: RunRecord) -> Iterator[Finding]:
    """The learning rate falls to almost nothing early in the run.

    ## What it checks
    The step from which on the rate stays below a thousandth of its largest value: before half of the planned steps,
    with a fifth of the plan or more trained after it. Silent for the plateau schedule, which waits for the loss.

    ## Why it matters
    The rest of the run changes nothing. Mostly a schedule made for epochs is stepped at every batch.

    ## What to try
    Fit the schedule to the length of the run: `schedule = "cosine"` always ends with the run.

    ## When it is wrong
    A head start at a large rate, with a tiny rate for most of the run on purpose.

    ## Source
    PyTorch documentation of `torch.optim.lr_scheduler`: most schedules expect one step per epoch. Limit: own choice,
    below the last rates of all schedules here.
    """
    rates, planned = finite(run.steps["lr"]), max(run.info.planned_steps, run.info.steps)
    if len(rates) < 50 or run.recipe_value("schedule.name") == "plateau" or rates.value.max() <= 0:
        return
    alive = np.flatnonzero(rates.value >= 1e-3 * rates.value.max())
    start = int(rates.step[alive[-1]]) + 1
    after = int(rates.step[-1]) + 1 - start
    if start < planned / 2 and after >= planned / 5:
        yield Finding(
            "collapsed-schedule",
            "error",
            f"The learning rate is below a thousandth of its peak {rates.value.max():.3g} from step {start:,} of "
            f"{planned:,} on.",
            {"peak": float(rates.value.max()), "last": float(rates.value[-1]), "step": start, "planned_steps": planned},
            Remedy(
                "Fit the schedule to the length of the run; a schedule made for epochs must be stepped once per epoch.",
                {"schedule": "cosine"} if run.info.recipe else {},
            ),
        )
