"""Faults of the learning rate: too high, too low."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from trainwell.diagnose.curves import (
    Curve,
    allowed_learning,
    evaluated,
    falls,
    running_median,
    training_curve,
    trend,
)
from trainwell.diagnose.questions import (
    finite,
    layer_kinds,
    losses_are_positive,
    peak_rate,
    start_loss,
    uninformed_loss,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord
from trainwell.records.series import Floats

_FEWEST_STEPS = 40


@rule(
    "learning-rate-too-high",
    "warning",
    explains=(
        "non-finite-loss",
        "exploding-gradients",
        "loss-spikes",
        "no-better-than-chance",
        "underfitting",
        "overfitting",
        "best-weights-lost",
        "always-clipped",
    ),
)
def learning_rate_too_high(run: RunRecord) -> Iterator[Finding]:
    """The loss diverges or swings because each update goes too far.

    ## What it checks
    Three ways to fail, each against the run's own reference (the largest of first step, untrained loss and
    uninformed guess):

    - the run diverged after its loss had passed 5 times the reference;
    - the loss blew up (a step above 5 times the reference, or a median of five above 3 times), the run never came
      back below 0.8 times the uninformed loss, and some update moved the weights by more than 1 %;
    - the loss of a fixed set of training examples rises by more than a tenth of the uninformed loss in a quarter of
      the evaluations of the last two thirds, stays above half of it, and the median update moves the weights by more
      than 1 %.

    In an observed program also: the step losses of the last half (40 or more) lie above those of a guess, by 1 % and
    four standard errors, and some update moved the weights by more than 3 %.

    A blow-up that the run recovers from is left alone: what counts is where it ended.

    ## Why it matters
    The optimizer jumps across the valley instead of going down into it; ReLUs die in the first jump and stay dead.

    ## What to try
    A tenth of the rate, or a range test (`trainwell lr`). A warm-up, clipping, and inputs at unit scale allow
    larger rates.

    ## When it is wrong
    Losses that move for other reasons: adversarial training, reinforcement learning, very noisy labels.

    ## Source
    Bengio 2012, Practical recommendations for gradient-based training of deep architectures, section 3.1.1. Limits: own
    measurement (`tests/diagnose/measure_rates.py`), judged on seeds of their own: found in 100 of 133 runs that
    another rate beats by 30 % of the gain, and in 0 of 248 runs at a good rate.
    """
    losses = finite(run.steps["loss"]).value
    guess = uninformed_loss(run)
    reference = max((x for x in (start_loss(run), guess, *losses[:1]) if x is not None), default=0.0)
    if len(losses) < (1 if run.diverged else 5) or reference <= 0 or not losses_are_positive(run):
        return
    if run.trace is not None and _sweeps(run):
        return
    guess = guess if guess is not None else reference
    ends = _without_untrained_norms(run, evaluated(run, "train"))
    ratios = finite(run.steps["update_ratio"]).value
    largest = float(ratios.max()) if len(ratios) else None
    middle = float(np.median(ratios[1:])) if len(ratios) > 1 else largest
    peak, level = float(losses.max() / reference), float(running_median(losses, min(5, len(losses))).max() / reference)
    end = float(np.median(ends.loss[-3:])) / guess if len(ends) else float(np.median(losses[-5:])) / guess
    best = float(ends.loss[ends.step > 0].min()) / guess if (ends.step > 0).any() else end
    far = largest is None or largest > 0.01
    swings = _swings(ends, guess)
    if run.diverged and peak > 5:
        how = f"diverged after its loss had reached {peak:,.3g} times its start"
    elif far and _time_to_recover(run, losses) and ((level > 3 and end > 0.8) or (peak > 5 and min(end, best) > 0.9)):
        how = f"blew up to {peak:,.3g} times its start and did not recover"
    elif run.trace is not None and _above_a_guess(losses, guess) and largest is not None and largest > 0.03:
        how = "stays above the loss of an uninformed guess, thrown about by its own updates"
    elif swings >= 0.25 and end > 0.5 and middle is not None and middle > 0.01:
        how = f"swings: the loss of the same examples rises in {swings:.0%} of the evaluations"
    else:
        return
    rate = peak_rate(run)
    yield Finding(
        "learning-rate-too-high",
        "warning",
        f"The training {how}" + (f" at a learning rate of {rate:.3g}." if rate is not None else "."),
        {
            "peak_loss_ratio": peak,
            "peak_of_medians_ratio": level,
            "end_over_uninformed_loss": end,
            "rising_evaluations_share": swings,
            "largest_update_ratio": largest,
            "median_update_ratio": middle,
            "peak_rate": rate,
        },
        Remedy(
            "Lower the learning rate to a tenth, or find it with a range test.",
            {} if rate is None else {"optimizer.lr": _recipe_rate(run, rate) / 10},
        ),
    )


def _time_to_recover(run: RunRecord, losses: Floats) -> bool:
    """Whether the run ended by itself, or went on for 50 losses after its highest one."""
    cut_short = run.trace is not None and run.info.status == "stopped"
    return not cut_short or len(losses) - int(losses.argmax()) > 50


def _above_a_guess(losses: Floats, guess: float) -> bool:
    """Whether the losses of the last half lie more than 1 % above the guess, by four standard errors."""
    half = losses[len(losses) // 2 :]
    if len(half) < 40:
        return False
    error = float(half.std(ddof=1)) / math.sqrt(len(half))
    return float(half.mean()) > 1.01 * guess and float(half.mean()) - guess > 4 * error


def _swings(curve: Curve, guess: float) -> float:
    """Share of the evaluations in the last two thirds whose loss rose by a tenth of the uninformed loss."""
    rises = np.diff(curve.loss[len(curve) // 3 :])
    return float((rises > 0.1 * guess).mean()) if len(rises) >= 4 else 0.0


def _without_untrained_norms(run: RunRecord, curve: Curve) -> Curve:
    """A curve without its start where batch norm has no statistics yet, which makes that loss one of its own."""
    batch_norm = any("BatchNorm" in kind for kind in layer_kinds(run))
    return Curve(curve.step[1:], curve.loss[1:]) if batch_norm and len(curve) and curve.step[0] == 0 else curve


@rule(
    "learning-rate-too-low",
    "warning",
    explains=("underfitting", "no-better-than-chance", "stopped-early"),
)
def learning_rate_too_low(run: RunRecord) -> Iterator[Finding]:
    """The loss barely moves because each update is tiny.

    ## What it checks
    The training loss over the sum of learning rates spent so far: on that clock a run that is limited by its
    rate falls along a straight line, whatever its warm-up or decay. It speaks up, after 40 steps or more, if

    - the loss fell by at most half, its second half fell at least half as much as the first (a run near an optimum
      slows down) and beyond doubt (95 %), the validation loss fell with it, and all updates together moved the
      weights by less than 30 %, in an observed program 10 % (sum of the update ratios; where they are unknown, the loss
      must have fallen by at most 30 %, its second half at least 70 % as much as the first);
    - or all updates together moved the weights by less than 1 %, and the loss is where it was, above half of the
      uninformed loss; by less than 0.1 %, and it is above half of it, wherever it was before.

    In an observed program that was stopped before it had passed twice over its data, only the second is asked.

    ## Why it matters
    The run ends long before it has learned what the network can. More epochs cost more than a better rate.

    ## What to try
    Ten times the rate, or a range test (`trainwell lr`).

    ## When it is wrong
    Fine-tuning of weights that are good already with a loss that says otherwise; a plateau that outlasts the run.

    ## Source
    Bengio 2012, Practical recommendations for gradient-based training of deep architectures, section 3.1.1. Limits: own
    measurement (`tests/diagnose/measure_rates.py`), judged on seeds of their own: found in 257 of 357 runs that
    another rate beats by 30 % of the gain, and in 0 of 248 runs at a good rate.
    """
    curve, rate = training_curve(run), peak_rate(run)
    if curve is None or run.info.steps < _FEWEST_STEPS or run.diverged or not losses_are_positive(run):
        return
    curve = _without_untrained_norms(run, curve)
    far, guess = travel(run), uninformed_loss(run) or start_loss(run)
    clock = allowed_learning(run, curve.step)
    if len(curve) < 5 or clock[-1] <= clock[0] or curve.loss[0] <= 0:
        return
    clock = (clock - clock[0]) / (clock[-1] - clock[0])
    middle = float(np.interp(0.5, clock, curve.loss))
    first, second = float(curve.loss[0]) - middle, middle - float(curve.loss[-1])
    fell = 1 - float(curve.loss[-1] / curve.loss[0])
    steady = first > 0 and second > 0 and falls(trend(clock[clock >= 0.5], curve.loss[clock >= 0.5]))
    ratio = second / first if first > 0 else 0.0
    if far is None and run.trace is not None:
        slow = False
    elif far is None:
        slow = steady and ratio >= 0.7 and fell <= 0.3
    else:
        slow = steady and ratio >= 0.5 and fell <= 0.5 and far < (0.3 if run.trace is None else 0.1)
    slow = slow and _validation_falls(run) and not _barely_begun(run)
    no_gain = guess is not None and curve.loss[-1] > guess / 2
    still = far is not None and no_gain and (far < 0.001 or (far < 0.01 and abs(fell) < 0.2))
    if not slow and not still:
        return
    moved = "" if far is None else f" All updates together moved the weights by {far:.2%}."
    factor = 100 if abs(fell) < 0.02 or (far is not None and far < 0.003) else 10
    yield Finding(
        "learning-rate-too-low",
        "warning",
        f"In {run.info.steps:,} steps the training loss went from {curve.loss[0]:.4g} to {curve.loss[-1]:.4g}"
        + (", falling as steadily at the end as before." if slow else ".")
        + moved,
        {
            "first_loss": float(curve.loss[0]),
            "last_loss": float(curve.loss[-1]),
            "fell": fell,
            "second_half_over_first": ratio,
            "sum_of_update_ratios": far,
            "uninformed_loss": guess,
            "peak_rate": rate,
        },
        Remedy(
            f"Raise the learning rate {factor}-fold, or find it with a range test.",
            {} if rate is None else {"optimizer.lr": _recipe_rate(run, rate) * factor},
        ),
    )


def _barely_begun(run: RunRecord) -> bool:
    """Whether an observed program was stopped before its second pass over the data (or 1000 steps) was done."""
    cut_short = run.trace is not None and run.info.status == "stopped"
    return cut_short and run.info.steps < min(2 * run.info.steps_per_epoch or 1000, 1000)


def travel(run: RunRecord) -> float | None:
    """Sum over all steps of the update ratio, from those that were looked at, each per unit of learning rate."""
    ratios, rates = finite(run.steps["update_ratio"]), finite(run.steps["lr"])
    if not len(ratios):
        return None
    if not len(rates):
        return float(ratios.value.mean()) * run.info.steps
    at = np.clip(np.searchsorted(rates.step, ratios.step), 0, len(rates) - 1)
    known = rates.value[at] > 0
    if not known.any():
        return None
    return float((ratios.value[known] / rates.value[at][known]).mean() * rates.value.sum())


def _validation_falls(run: RunRecord) -> bool:
    """Whether the validation loss fell in the second half of the learning; true where it was not evaluated."""
    curve = evaluated(run, "val")
    if len(curve) < 3:
        return True
    clock = allowed_learning(run, curve.step)
    return float(np.interp(0.5, clock, curve.loss)) > float(curve.loss[-1])


def _recipe_rate(run: RunRecord, otherwise: float) -> float:
    rate = run.recipe_value("optimizer.lr")
    return float(rate) if isinstance(rate, int | float) else otherwise


def _sweeps(run: RunRecord) -> bool:
    """Whether the rate only rises, a thousandfold and more, as in a range test."""
    rates = finite(run.steps["lr"]).value
    return len(rates) >= 20 and 0 < 1e3 * rates[0] <= rates[-1] and bool((np.diff(rates) >= 0).all())
