"""Too much is learned by heart, or too little is learned at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from trainwell.diagnose.curves import Curve, evaluated, rises, trend
from trainwell.diagnose.metric import beats
from trainwell.diagnose.questions import (
    LARGEST,
    knob,
    losses_are_positive,
    start_loss,
    uninformed_loss,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Evaluation, Finding, Remedy, RunRecord, Severity

_FEWEST_AFTER = 5


@rule("overfitting", "warning", explains=("best-weights-lost",))
def overfitting(run: RunRecord) -> Iterator[Finding]:
    """The validation loss rises while the training loss falls.

    ## What it checks
    The evaluations after the lowest validation loss (median of three; that point itself is left out, since the lowest
    of many is always lucky), 5 or more of them. The training loss must have gone on falling by 5 %, and the
    validation loss must have risen: by 15 % of all that it had gained on the uninformed guess and 2.5 deviations of its
    scatter, with a slope above zero beyond doubt (99 %, allowing for autocorrelation); or, the last third all above the
    first, by 30 % of the gain with a rank correlation (Kendall) with time of 0.6, or by 15 % with one of 0.8 over 8
    evaluations. It is advice where the metric that
    decides still got better in that time (then the network only grows too sure of itself) while the loss stays below
    that of the uninformed guess, and where fewer than 50
    validation examples let one or two of them make the rise.

    ## Why it matters
    From there on the network learns its training examples by heart. Longer training makes new data worse. The
    trainer keeps the weights of the best evaluation (`stopping.keep = "best"`), so the result is not harmed by the
    steps after it; but a network that overfits less would have a better best.

    ## What to try
    More or augmented data first. Then more weight decay, dropout where the model offers it, a smaller network. To save
    the wasted time: `stopping.patience = 5`.

    ## When it is wrong
    A validation split from another distribution (see `split-shift`); a loss that double descent will bring down again.

    ## Source
    Prechelt 1998, Early stopping - but when?; Goodfellow, Bengio & Courville 2016, Deep Learning, section 7.8. Limits:
    own measurement, false alarms on plateaus whose autocorrelated noise has 5 % of the gain 0.3 %, 10 % of it 2.5 %
    (`tests/diagnose/test_diagnose_false_alarms.py`).
    """
    turn = _turn(run)
    if turn is None:
        return
    metric = run.problem.metric
    gained = turn.metric_gain is not None and turn.metric_gain > 0
    few = run.evaluations("val")[-1].examples < 50
    worse_than_a_guess = turn.rise >= turn.gain
    severity: Severity = "advice" if (gained and not worse_than_a_guess) or few else "warning"
    change, what = _less_overfitting(run)
    kept = run.info.best
    saved = run.recipe_value("stopping.keep", "best") == "best" and kept is not None
    note = f" The weights of epoch {kept.epoch:g} are kept." if saved and kept is not None else ""
    still = f" The {metric} still gets better: the network is too sure of itself rather than wrong." if gained else ""
    yield Finding(
        "overfitting",
        severity,
        f"Since epoch {turn.epoch:g} the validation loss rose from {turn.lowest:.4g} to {turn.lowest + turn.rise:.4g} "
        f"while the training loss fell by {turn.train_fell:.0%}.{still}{note}",
        {
            "lowest_validation_loss": turn.lowest,
            "epoch": turn.epoch,
            "rise": turn.rise,
            "rise_over_gain": turn.rise / turn.gain,
            "slope_interval": turn.interval,
            "rank_correlation": turn.kendall,
            "evaluations_since": turn.evaluations,
            "training_loss_fell": turn.train_fell,
            "metric_gain_since": turn.metric_gain,
        },
        Remedy(what, change),
    )


@dataclass(frozen=True)
class _Turn:
    """Where the validation loss turned, and what came after."""

    epoch: float
    lowest: float
    rise: float
    gain: float
    interval: list[float] | None
    kendall: float
    evaluations: int
    train_fell: float
    metric_gain: float | None


def _turn(run: RunRecord) -> _Turn | None:
    rows = {row.step: row for row in run.evaluations("val") if row.step > 0 and abs(row.loss) < LARGEST}
    fitted = {row.step: row.loss for row in run.evaluations("train") if abs(row.loss) < LARGEST}
    step = np.array(sorted(rows.keys() & fitted.keys()), dtype=np.float64)
    if len(step) < _FEWEST_AFTER + 2 or not losses_are_positive(run):
        return None
    val, train = np.array([rows[int(s)].loss for s in step]), np.array([fitted[int(s)] for s in step])
    inner = np.median(np.lib.stride_tricks.sliding_window_view(val, 3), axis=-1)
    smooth = np.concatenate([[val[:2].mean()], inner, [val[-2:].mean()]])
    low = int(smooth.argmin())
    x, after = step[low + 1 :], val[low + 1 :]
    guess = uninformed_loss(run) or start_loss(run)
    if len(after) < _FEWEST_AFTER or guess is None:
        return None
    third = max(2, len(after) // 3)
    slope = trend(x, after, 0.99)
    scatter = float((after - np.polyval(np.polyfit(x, after, 1), x)).std(ddof=2))
    late = float(np.median(after[-third:])) - float(smooth[low])
    gain = max(guess - float(smooth[low]), 0.05 * guess)
    fell = 1 - float(np.median(train[-third:])) / max(float(np.median(train[max(0, low - 1) : low + 2])), 1e-12)
    kendall = float(scipy.stats.kendalltau(x, after).statistic)
    risen = min(late, slope.slope * float(x[-1] - x[0])) if slope is not None else 0.0
    sloped = rises(slope) and risen >= max(0.15 * gain, 2.5 * scatter)
    steady = (kendall >= 0.6 and late >= 0.3 * gain) or (kendall >= 0.8 and late >= 0.15 * gain and len(after) >= 8)
    ranked = steady and float(after[-third:].min()) > float(after[:third].max())
    if not (sloped or ranked) or fell < 0.05 or late < 0.02 * guess:
        return None
    metric = np.array([rows[int(s)].metrics.get(run.problem.metric, math.nan) for s in step])
    around, end = metric[max(0, low - 1) : low + 2], metric[-third:]
    change = float(np.median(end) - np.median(around)) * (1 if run.problem.higher_is_better else -1)
    return _Turn(
        epoch=rows[int(step[low])].epoch,
        lowest=float(smooth[low]),
        rise=late,
        gain=gain,
        interval=slope.interval.to_list() if slope is not None and slope.interval is not None else None,
        kendall=kendall,
        evaluations=len(after),
        train_fell=fell,
        metric_gain=change if math.isfinite(change) else None,
    )


def _less_overfitting(run: RunRecord) -> tuple[Mapping[str, Any], str]:
    """One change of the recipe against overfitting, and the sentence for it."""
    if run.recipe_value("stopping.keep") == "last":
        return {
            "stopping.keep": "best",
            "stopping.patience": 5,
        }, "Keep the weights of the best evaluation, and stop there."
    dropout = knob(run, "dropout")
    if dropout is not None and "keep" not in dropout[0] and dropout[1] < 0.3:
        return {f"model.{dropout[0]}": 0.3}, "Use more dropout; more or augmented data is better still."
    decay = run.recipe_value("optimizer.weight_decay")
    if isinstance(decay, int | float) and decay < 0.3:
        change = {"optimizer.weight_decay": max(0.01, min(0.3, 10 * float(decay)))}
        return change, "Use more weight decay; more or augmented data is better still."
    patience = {"stopping.patience": 5} if run.info.recipe and run.recipe_value("stopping.patience") is None else {}
    return patience, "Get more data, augment them, or use a smaller network; stop when the validation loss turns."


@rule("underfitting", "warning")
def underfitting(run: RunRecord) -> Iterator[Finding]:
    """Both losses level off high, above what simple predictors reach.

    ## What it checks
    The run has levelled off: over the last half of the evaluations (6 or more after the start) the training loss falls
    by less than 3 % of the uninformed loss. And both the training and the best validation metric are worse, beyond
    sampling noise, than a linear model on the same features, or (for accuracy) than the label of the nearest neighbour.

    ## Why it matters
    A network that a straight line beats has not used what it has: more data will not help it.

    ## What to try
    A wider or deeper network, less dropout and weight decay, a better learning rate, scaled inputs.

    ## When it is wrong
    Networks kept small on purpose; few noisy examples on which a line is simply the right answer.

    ## Source
    Goodfellow, Bengio & Courville 2016, Deep Learning, sections 5.2 and 11.3: look at the training error first.
    """
    curve, rows = evaluated(run, "train"), [row for row in run.evaluations("val") if row.step > 0]
    guess = uninformed_loss(run) or start_loss(run)
    later = curve.between(1, math.inf)
    if len(later) < 6 or not rows or guess is None or not losses_are_positive(run):
        return
    if not _level(later, guess):
        return
    fitted = [row for row in run.evaluations("train") if row.step > 0][-3:]
    trained = _middle(run, fitted)
    best = run.info.best.metrics.get(run.problem.metric, math.nan) if run.info.best else math.nan
    held_out = Evaluation(rows[-1].step, 0.0, "val", math.nan, {run.problem.metric: best}, rows[-1].examples)
    references: dict[str, float] = {}
    if run.baselines is not None and run.baselines.linear_metric is not None:
        references["linear model"] = run.baselines.linear_metric
    agreement = None if run.data is None else run.data.nearest_neighbour_agreement
    if agreement is not None and run.problem.metric == "accuracy":
        references["nearest neighbour"] = agreement
    better = {
        name: value
        for name, value in references.items()
        if math.isfinite(value) and beats(run, value, trained) and beats(run, value, held_out)
    }
    if not better:
        return
    name, value = max(better.items(), key=lambda item: item[1] if run.problem.higher_is_better else -item[1])
    change, what = _more_capacity(run)
    yield Finding(
        "underfitting",
        "warning",
        f"Training has levelled off at {run.problem.metric} {trained.metrics[run.problem.metric]:.4g} "
        f"(validation {best:.4g}), where a {name} reaches {value:.4g}.",
        {
            "train_metric": trained.metrics[run.problem.metric],
            "best_validation_metric": best,
            "references": references,
            "training_loss": float(later.loss[-1]),
            "uninformed_loss": guess,
        },
        Remedy(what, change),
    )


def _level(curve: Curve, guess: float) -> bool:
    """Whether the last half of a curve falls by less than 3 % of the uninformed loss."""
    half = Curve(curve.step[len(curve) // 2 :], curve.loss[len(curve) // 2 :])
    slope = trend(half.step, half.loss)
    return slope is not None and -slope.slope * float(half.step[-1] - half.step[0]) < 0.03 * guess


def _middle(run: RunRecord, rows: list[Evaluation]) -> Evaluation:
    """The row of the median metric."""
    return sorted(rows, key=lambda row: row.metrics.get(run.problem.metric, math.nan))[len(rows) // 2]


def _more_capacity(run: RunRecord) -> tuple[Mapping[str, Any], str]:
    dropout, width = knob(run, "dropout"), knob(run, "width", "hidden", "units")
    decay = run.recipe_value("optimizer.weight_decay", 0.0)
    if dropout is not None and dropout[1] >= 0.3:
        return {f"model.{dropout[0]}": 0.0}, "Drop less: without dropout first."
    if isinstance(decay, int | float) and decay >= 0.1:
        return {"optimizer.weight_decay": 0.01}, "Decay the weights less."
    if width is not None and width[1] == int(width[1]):
        return {f"model.{width[0]}": 2 * int(width[1])}, "Use a wider network."
    return {}, "Use a larger network, less regularisation, or a better learning rate."
