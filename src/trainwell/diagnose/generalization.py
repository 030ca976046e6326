"""Faults of learning and generalising: what the curves of training and validation say together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from trainwell.diagnose.curves import Curve, evaluated, rises, running_median, trend
from trainwell.diagnose.metric import against_chance, beats
from trainwell.diagnose.questions import (
    CLASS_TASKS,
    LARGEST,
    is_tokens,
    knob,
    losses_are_positive,
    split,
    start_loss,
    uninformed_loss,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Evaluation, Finding, Remedy, RunRecord, Severity
from trainwell.records.series import Floats

_FEWEST_AFTER = 5
_SLOW = ("learning-rate-too-low", "stopped-early")


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


@rule("no-better-than-chance", "error", explains=("underfitting", "stopped-early", "suspicious-validation"))
def no_better_than_chance(run: RunRecord) -> Iterator[Finding]:
    """After real training the metric is that of a guess that ignores the inputs.

    ## What it checks
    After two epochs (50 steps at least) or 200 steps: the best validation metric is not above chance (Wilson, 99.9 %),
    the median one is below chance plus 10 % of the way to perfect (95 %) or four of five equal chance exactly, and the
    best validation loss saves no more than luck (1 % and 2 K / n nats) on that of the guess. For errors of
    regression: the best explains less than one useless predictor would by chance. Small evaluation sets that cannot
    tell keep it silent.

    ## Why it matters
    Nothing was learned that holds for new data. The cause lies elsewhere; other findings name it if they can.

    ## What to try
    Overfit one batch first. If that works, look at labels and inputs side by side; if not, at the learning rate, the
    loss, and what the optimizer holds.

    ## When it is wrong
    Signals weaker than the evaluation set can show; metrics that a constant answer maximises.

    ## Source
    Karpathy 2019, A recipe for training neural networks ("input-independent baseline"); Wilson 1927, Probable
    inference, JASA 22.
    """
    found = against_chance(run)
    per_epoch = run.info.steps_per_epoch
    trained = run.info.steps >= 200 or (per_epoch > 0 and run.info.steps >= max(50, 2 * per_epoch))
    if found is None or not found.equal or not trained:
        return
    yield Finding(
        "no-better-than-chance",
        "error",
        f"After {run.info.steps:,} steps the validation {run.problem.metric} is {found.value:.4g} "
        f"(best {found.best:.4g}); a guess that ignores the inputs has {found.chance:.4g}.",
        found.evidence(),
        Remedy("Overfit one batch; then look at labels beside inputs, at the learning rate, and at the loss."),
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


@rule("suspicious-validation", "warning")
def suspicious_validation(run: RunRecord) -> Iterator[Finding]:
    """Validation is clearly better than training.

    ## What it checks
    Accuracy on training examples (a fixed subset, in eval mode, so dropout and augmentation do not explain it)
    against that on validation examples: the median of the last third of the evaluations (3 or more) is better on
    validation by 3 points, with a two-sample z-test beyond one in a hundred thousand.

    ## Why it matters
    Equal distributions give a small gap in the other direction. The validation split is easier, holds copies of
    something, or is scaled differently; its score does not carry over.

    ## What to try
    Look at both splits: class shares, sources, duplicates, cleaning that only one of them got.

    ## When it is wrong
    Training labels that are noisy on purpose, or hard examples that were put into training.

    ## Source
    Kapoor & Narayanan 2023, Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4.
    """
    if run.problem.metric != "accuracy" or run.problem.task not in CLASS_TASKS or is_tokens(run):
        return
    val, train = run.evaluations("val"), run.evaluations("train")
    facts = split(run, "val")
    last = max(3, len(val) // 3)
    if len(val) < last or len(train) < last or (facts is not None and facts.examples < 30):
        return
    a = float(np.median(val.metric("accuracy")[-last:]))
    b = float(np.median(train.metric("accuracy")[-last:]))
    n, m = val[-1].examples, train[-1].examples
    if not (math.isfinite(a) and math.isfinite(b)) or min(n, m) < 30:
        return
    pooled = (a * n + b * m) / (n + m)
    error = math.sqrt(max(pooled * (1 - pooled), 1e-12) * (1 / n + 1 / m))
    z = (a - b) / error
    if a - b >= 0.03 and z > float(scipy.stats.norm.isf(1e-5)):
        yield Finding(
            "suspicious-validation",
            "warning",
            f"Accuracy is {a:.3f} on validation and only {b:.3f} on training examples, both in eval mode.",
            {"validation": a, "training": b, "validation_examples": n, "training_examples": m, "z": z},
            Remedy("Compare the two splits: class shares, sources, duplicates, cleaning."),
        )
