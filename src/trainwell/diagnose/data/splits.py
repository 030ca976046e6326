"""Faults of the splits: what stands in several of them, and how they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import scipy

from trainwell.diagnose.metric import wilson
from trainwell.diagnose.questions import (
    CLASS_TASKS,
    counts,
    evaluated_loss,
    is_tokens,
    split,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord, Severity, SplitFacts


@rule("train-eval-overlap", "error", explains=("suspicious-validation",))
def train_eval_overlap(run: RunRecord) -> Iterator[Finding]:
    """Examples of the training set are in an evaluation set.

    ## What it checks
    Which examples of the validation and test splits have inputs that also stand in the training split, element by
    element. Below 1 % of a split, or a handful (under 5 examples and 10 %), it is advice: most public data sets
    hold some repeats. Where the training split repeats itself so often that a random split explains the overlap
    (at most twice the share of its repeats, plus three standard errors), it is a warning; where most inputs repeat
    anyway (small discrete inputs), advice.

    ## Why it matters
    A network can remember those examples. Their score says nothing about new ones, and a choice between recipes by
    that score prefers the one that remembers best.

    ## What to try
    Split before anything is copied, windowed or augmented, once, with a fixed seed. Drop repeated examples before
    splitting, or give all copies of an example (all frames of a film, all visits of a patient) one group and split
    by groups.

    ## When it is wrong
    Inputs that are equal without being the same example: few discrete features, blank images. Evaluating on the
    training set on purpose, beside a split that is held out.

    ## Source
    Kapoor & Narayanan 2023, Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4;
    Barz & Denzler 2020, Do we train on test data? Purging CIFAR of near-duplicates, J. Imaging 6.
    """
    train = split(run, "train")
    found = [] if run.data is None else [o for o in run.data.overlaps if o.split != "train" and o.examples > 0]
    if not found:
        return
    worst = max(found, key=lambda o: o.share)
    repeats = 0.0 if train is None else train.duplicates / max(1, train.looked_at)
    explained = min(1.0, 2 * repeats)
    error = math.sqrt(explained * (1 - explained) * worst.share / max(1, worst.examples))
    natural = worst.share <= explained + 3 * error
    handful = worst.share < 0.01 or (worst.examples < 5 and worst.share < 0.1)
    severity: Severity = "advice" if handful or (natural and repeats >= 0.5) else "warning" if natural else "error"
    why = " The data repeat themselves, and a random split parts the copies." if natural and not handful else ""
    yield Finding(
        "train-eval-overlap",
        severity,
        f"{worst.examples:,} examples ({worst.share:.1%}) of the {worst.split} split are also in the training split."
        + why,
        {
            "overlaps": {o.split: {"examples": o.examples, "share": o.share} for o in found},
            "repeats_in_training_share": repeats,
            "share_explained_by_repeats": explained,
        },
        Remedy(
            "Hold out the evaluation data before anything else; drop repeated examples, or split by groups of them."
        ),
    )


@rule("duplicate-samples", "advice")
def duplicate_samples(run: RunRecord) -> Iterator[Finding]:
    """The training set repeats samples.

    ## What it checks
    The share of training examples whose inputs repeat an earlier one of the split: 1 % or more, and at least 5.

    ## Why it matters
    Repeats weigh more than they should, are remembered sooner, and end up on both sides of a random split.

    ## What to try
    Drop the repeats before splitting. To give rare examples more weight, say so in the recipe
    (`sampling = "balanced"`, `loss.class_weights = "balanced"`) instead of copying them.

    ## When it is wrong
    Data that repeat by nature: few discrete features, counts, blank images.

    ## Source
    Lee et al. 2022, Deduplicating training data makes language models better, ACL.
    """
    train = split(run, "train")
    if train is None or train.duplicates < 5:
        return
    share = train.duplicates / max(1, train.looked_at)
    if share >= 0.01:
        yield Finding(
            "duplicate-samples",
            "advice",
            f"{train.duplicates:,} of {train.looked_at:,} training examples ({share:.1%}) repeat an earlier one.",
            {"duplicates": train.duplicates, "looked_at": train.looked_at, "share": share},
            Remedy("Drop repeated examples before the data are split."),
        )


@rule("split-shift", "warning", explains=("suspicious-validation", "no-better-than-chance", "overfitting"))
def split_shift(run: RunRecord) -> Iterator[Finding]:
    """Training and evaluation data differ in scale, mean or label shares.

    ## What it checks
    For each evaluation split of 30 examples or more: the largest standardised difference of a feature's mean, above
    0.5 and above what chance gives for so many features (error rate one in a thousand, normal, doubled for heavy
    tails); inputs that spread and reach at least twice as far as in the other split, unless their tails are heavy
    (range over 20 deviations); label shares that differ by 0.2 in total variation with a chi-square p-value below
    one in ten thousand.

    ## Why it matters
    A network trained on one scale sees another: its score falls although it learned well. Mostly one split was
    normalised by its own statistics or not at all, or the data were sorted before they were cut.

    ## What to try
    Compute means and deviations on the training split and apply them to all. Shuffle before cutting, or cut with equal
    label shares (stratified).

    ## When it is wrong
    A shift that is meant: a later year, another hospital, a balanced test set. Then it is what you measure.

    ## Source
    Quiñonero-Candela et al. 2009, Dataset Shift in Machine Learning; Rabanser, Günnemann & Lipton 2019, Failing
    loudly: an empirical study of methods for detecting dataset shift, NeurIPS.
    """
    train = split(run, "train")
    if run.data is None or train is None:
        return
    found = {
        name: shift
        for name, facts in run.data.splits.items()
        if name != "train" and facts.looked_at >= 30 and (shift := _shift(run, train, facts))
    }
    if found:
        name, shift = max(found.items(), key=lambda item: len(item[1]))
        yield Finding(
            "split-shift",
            "warning",
            f"The {name} split differs from the training split in {' and '.join(shift)}.",
            {"shifts": found},
            Remedy(
                "Scale all splits by the statistics of the training split, and shuffle (or stratify) before cutting.",
            ),
        )


def _shift(run: RunRecord, train: SplitFacts, other: SplitFacts) -> dict[str, float]:
    """What differs between two splits: the name of the quantity, and by how much."""
    found: dict[str, float] = {}
    difference = None if run.data is None else run.data.shift.get(other.name)
    features = max(1, math.prod(run.problem.input_shape))
    error = math.sqrt(1 / max(1, train.looked_at) + 1 / max(1, other.looked_at))
    chance = 2 * float(scipy.stats.norm.isf(0.0005 / features)) * error
    if difference is not None and math.isfinite(difference) and difference > max(0.5, chance):
        found["mean of a feature (in deviations)"] = difference
    wide, narrow = sorted((_spread(train), _spread(other)), reverse=True)
    heavy = any(reach > 20 * std for std, reach in (wide, narrow))
    if narrow[0] > 0 and wide[0] >= 2 * narrow[0] and wide[1] >= 2 * narrow[1] and not heavy:
        found["scale of the inputs (ratio)"] = wide[0] / narrow[0]
    if run.problem.task in CLASS_TASKS and (distance := _label_shift(train, other)) is not None:
        found["label shares (total variation)"] = distance
    return found


def _spread(facts: SplitFacts) -> tuple[float, float]:
    reach = (facts.input_max or 0.0) - (facts.input_min or 0.0)
    return facts.input_std or 0.0, reach


def _label_shift(train: SplitFacts, other: SplitFacts) -> float | None:
    a, b = counts(train), counts(other)
    labels = [label for label in {**a, **b} if a.get(label, 0) + b.get(label, 0)]
    table = np.array([[side.get(label, 0) for label in labels] for side in (a, b)], dtype=np.float64)
    if len(labels) < 2 or not table.sum(1).all():
        return None
    by_share = table / table.sum(1, keepdims=True)
    distance = float(np.abs(by_share[0] - by_share[1]).sum() / 2)
    if distance < 0.2:
        return None
    unlikely = float(scipy.stats.chi2_contingency(table, correction=False).pvalue) < 1e-4
    return distance if unlikely else None


@rule("tiny-evaluation-set", "advice")
def tiny_evaluation_set(run: RunRecord) -> Iterator[Finding]:
    """The evaluation set is too small for the differences that are read off it.

    ## What it checks
    Half the width of the 95 % interval of the metric on the validation split: for shares such as accuracy Wilson's
    interval at the metric that was reached (0.9 before a run), above 0.08; for errors of regression the relative
    error of a root mean square under normal residuals, 1.96 / sqrt(2 n), above 0.2.

    ## Why it matters
    Two recipes that differ by less than that cannot be told apart, and the best of many looks better than it is.

    ## What to try
    Hold out more, use repeated cross-validation (`problem.folds`), or compare over several seeds and splits.

    ## When it is wrong
    Examples that are many measurements each (long sequences, segmentation).

    ## Source
    Wilson 1927, Probable inference, the law of succession, and statistical inference, JASA 22; Bouthillier et al. 2021,
    Accounting for variance in machine learning benchmarks, MLSys.
    """
    facts, rows = split(run, "val"), run.evaluations("val")
    n = facts.examples if facts is not None else run.problem.examples.get("val", 0)
    if n < 1 or is_tokens(run) or run.problem.input_kind == "other":
        return
    if run.problem.task == "regression" and evaluated_loss(run) != "custom":
        half, limit, at = 1.96 / math.sqrt(2 * n), 0.2, None
    elif run.problem.metric in ("accuracy", "balanced_accuracy", "f1"):
        reached = run.best_metric() if rows else math.nan
        at = reached if 0 <= reached <= 1 else 0.9
        interval = wilson(at, n)
        half, limit = (interval.high - interval.low) / 2, 0.08
    else:
        return
    if half > limit:
        unit = "of its value" if at is None else "at a value of " + format(at, ".3g")
        yield Finding(
            "tiny-evaluation-set",
            "advice",
            f"With {n:,} validation examples {run.problem.metric} is known to ± {half:.3f} {unit}: "
            "smaller differences cannot be seen.",
            {"examples": n, "half_width": half, "limit": limit, "value": at},
            Remedy("Hold out more validation data, or decide over repeated folds and several seeds."),
        )
