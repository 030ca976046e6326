"""Faults of the data: what can be told from the audit of the splits, and labels that no training can use."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import scipy

from trainwell.diagnose.metric import against_chance, chance_level, wilson
from trainwell.diagnose.questions import (
    CLASS_LOSSES,
    CLASS_TASKS,
    counts,
    evaluated_loss,
    is_balanced,
    is_tokens,
    minimised_loss,
    shares,
    split,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Evaluations, Finding, Remedy, RunRecord, Severity, SplitFacts

_RARE_METRICS = ("balanced_accuracy", "f1", "auroc", "average_precision", "recall", "mcc")
_NEIGHBOURS = 2000  # examples whose nearest neighbour the audit looks up
_NORMS = ("norm", "embed", "scal", "standard")


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


@rule("conflicting-labels", "warning", explains=("underfitting",))
def conflicting_labels(run: RunRecord) -> Iterator[Finding]:
    """Identical inputs carry different labels.

    ## What it checks
    The share of training examples whose inputs also occur with another label: 1 % or more, and at least 5. Silent
    for regression, for tokens, and where half of the inputs repeat anyway.

    ## Why it matters
    No network can be right on all of them: the training loss has a floor, and what is learned there is noise.

    ## What to try
    Look at some of the groups. Keep one label (the majority, or a second opinion), or drop the group. If a feature
    that tells them apart was lost on the way, bring it back.

    ## When it is wrong
    Labels that are uncertain by nature (ratings, outcomes): then the shares of the labels are the truth.

    ## Source
    Northcutt, Athalye & Mueller 2021, Pervasive label errors in test sets destabilize machine learning benchmarks,
    NeurIPS Datasets and Benchmarks.
    """
    train = split(run, "train")
    if train is None or run.problem.task not in CLASS_TASKS or is_tokens(run) or train.conflicting < 5:
        return
    share, repeats = train.conflicting / max(1, train.looked_at), train.duplicates / max(1, train.looked_at)
    if share >= 0.01 and repeats < 0.5:
        yield Finding(
            "conflicting-labels",
            "warning",
            f"{train.conflicting:,} training examples ({share:.1%}) have inputs that also occur with another label.",
            {"conflicting": train.conflicting, "looked_at": train.looked_at, "share": share},
            Remedy("Look at groups of equal inputs with different labels; keep one label or drop the group."),
        )


@rule(
    "unscaled-inputs",
    "warning",
    explains=(
        "bad-initial-loss",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "exploding-gradients",
        "non-finite-loss",
        "loss-spikes",
        "underfitting",
        "no-better-than-chance",
        "constant-loss",
        "stopped-early",
    ),
)
def unscaled_inputs(run: RunRecord) -> Iterator[Finding]:
    """Inputs far from unit scale reach the first layer.

    ## What it checks
    The moments of the training inputs, where the recipe does not standardise them and the first layer with
    parameters is neither a norm nor an embedding. It speaks up when the root mean square of the inputs is above 10
    (pixels of 0 to 255 have about 100), when one feature spreads over more than 10 and 100 times as much as
    another, or when all values lie within 0.5 and their root mean square is below 0.1.

    ## Why it matters
    Initialisations and customary learning rates are made for inputs near unit scale. Large inputs give a large
    first loss and large gradients, so only tiny rates are stable; features of unlike scale make the loss surface a
    narrow valley; tiny inputs hardly move the output at first.

    ## What to try
    `inputs.scaling = "standardize"`: mean 0 and deviation 1 per feature or channel, by the training split alone.
    In one's own code: divide pixels by 255, standardise tables, take logarithms of amounts.

    ## When it is wrong
    The model scales its inputs in `forward` by itself. Features whose size is meant (counts for a linear model).

    ## Source
    LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.3. Limits: own measurement
    (`tests/diagnose/measure_input_scale.py`): validation accuracy on digits with inputs at scale 0.1, 1, 10, 30, 100 is
    0.68, 0.95, 0.98, 0.18, 0.12 for SGD and 0.82, 0.94, 0.97, 0.94, 0.92 for AdamW at their usual rates (n = 3 seeds).
    """
    train, layers = split(run, "train"), () if run.model_facts is None else run.model_facts.layers
    first = next((x.kind for x in layers if x.parameters or "norm" in x.kind.lower()), None)
    scaled = run.recipe_value("inputs.scaling") == "standardize" or (run.data is not None and run.data.scaled_by_recipe)
    if train is None or first is None or scaled or is_tokens(run) or any(word in first.lower() for word in _NORMS):
        return
    if train.input_mean is None or train.input_std is None or train.input_min is None or train.input_max is None:
        return
    size = math.hypot(train.input_mean, train.input_std)
    largest, smallest = train.feature_std_max or 0.0, train.feature_std_min or 0.0
    ratio = largest / smallest if smallest > 0 else 1.0
    if size > 10:
        what = f"have a root mean square of {size:.3g}"
    elif largest > 10 and ratio > 100:
        what = f"have features that spread {ratio:,.0f} times as much as others"
    elif 0 < size < 0.1 and max(abs(train.input_min), abs(train.input_max)) <= 0.5:
        what = f"are tiny: their root mean square is {size:.2g}"
    else:
        return
    yield Finding(
        "unscaled-inputs",
        "warning",
        f"The inputs {what} (values from {train.input_min:.4g} to {train.input_max:.4g}) "
        f"and reach the first layer ({first}) as they are.",
        {
            "root_mean_square": size,
            "min": train.input_min,
            "max": train.input_max,
            "feature_std_min": train.feature_std_min,
            "feature_std_max": train.feature_std_max,
            "first_layer": first,
        },
        Remedy("Standardise the inputs by the statistics of the training split.", {"inputs.scaling": "standardize"}),
    )


@rule(
    "non-finite-inputs",
    "error",
    explains=("non-finite-loss", "no-better-than-chance", "underfitting", "dead-units", "exploding-gradients"),
)
def non_finite_inputs(run: RunRecord) -> Iterator[Finding]:
    """NaN or infinity in inputs or targets.

    ## What it checks
    Every number of the inputs and targets that the audit looked at, in all splits.

    ## Why it matters
    One NaN makes the loss of its batch NaN, and with the next update every weight. In an evaluation split it makes
    the score NaN.

    ## What to try
    Find where they come from (missing values, logarithms of 0, divisions by a deviation of 0). Fill or drop the
    rows; a column that says "was missing" keeps the information.

    ## When it is wrong
    The model handles missing values by itself.

    ## Source
    IEEE 754-2019, section 6.2: operations on NaN give NaN.
    """
    facts = {} if run.data is None else run.data.splits
    bad = {
        name: {"inputs": s.non_finite_inputs, "targets": s.non_finite_targets}
        for name, s in facts.items()
        if s.non_finite_inputs or s.non_finite_targets
    }
    if bad:
        where = ", ".join(f"{name}: {n['inputs']:,} in inputs, {n['targets']:,} in targets" for name, n in bad.items())
        yield Finding(
            "non-finite-inputs",
            "error",
            f"The data hold values that are NaN or infinite ({where}).",
            {"non_finite": bad},
            Remedy("Fill or drop the values that are missing before training."),
        )


@rule("constant-inputs", "warning", explains=("no-better-than-chance", "underfitting", "constant-loss"))
def constant_inputs(run: RunRecord) -> Iterator[Finding]:
    """Every sample is the same, or most features never change.

    ## What it checks
    Whether the training inputs vary at all; for tables, whether more than half of the features never change (95 %
    where the smallest value is 0, as in one-hot, padded or counted inputs).

    ## Why it matters
    A feature that never changes carries no information. Mostly it was lost on the way: a wrong column, a division of
    whole numbers, an image that was clipped to black.

    ## What to try
    Look at ten inputs just before the model. Drop columns that never change.

    ## When it is wrong
    Wide one-hot or padded tables, of which the training split uses few columns.

    ## Source
    Guyon & Elisseeff 2003, An introduction to variable and feature selection, JMLR 3.
    """
    train = split(run, "train")
    if train is None or train.looked_at < 2:
        return
    same = train.constant_share >= 1.0 or train.input_std == 0
    limit = 0.95 if train.input_min == 0 else 0.5
    mostly = run.problem.input_kind == "table" and train.constant_share > limit
    if same or mostly:
        yield Finding(
            "constant-inputs",
            "warning",
            "Every training input is the same."
            if same
            else f"{train.constant_share:.0%} of the features never change in the training split.",
            {"constant_share": train.constant_share, "input_std": train.input_std, "looked_at": train.looked_at},
            Remedy("Look at the inputs just before the model, and drop or mend the features that never change."),
        )


@rule("class-imbalance", "warning", explains=("no-better-than-chance",))
def class_imbalance(run: RunRecord) -> Iterator[Finding]:
    """A class is rare and nothing makes up for it.

    ## What it checks
    The share of each class in the training split against its fair share 1/K: below a tenth of it, where a fair share
    would be at least 20 examples, and neither loss (class weights, focal, code of one's own) nor sampler makes up for
    it. Silent when the metric that decides counts rare classes fully (balanced accuracy, F1, AUROC).

    ## Why it matters
    The mean loss is small when the rare class is never predicted, and so is the error rate: 99 % accuracy may mean
    that nothing was learned.

    ## What to try
    Decide by a metric that sees every class: balanced accuracy or AUROC. Then weight the loss
    (`loss.class_weights = "balanced"`) or draw classes equally often (`sampling = "balanced"`), and compare.
    Probabilities need a correction after that.

    ## When it is wrong
    Rare classes that do not matter; probabilities that must be calibrated to the true shares.

    ## Source
    He & Garcia 2009, Learning from imbalanced data, IEEE TKDE 21; Buda, Maki & Mazurowski 2018, A systematic study of
    the class imbalance problem in convolutional neural networks, Neural Networks 106.
    """
    train = split(run, "train")
    if train is None or run.problem.task not in CLASS_TASKS or is_tokens(run) or is_balanced(run):
        return
    if run.problem.metric in _RARE_METRICS:
        return
    seen = {
        label for facts in (run.data.splits.values() if run.data else ()) for label, n in counts(facts).items() if n
    }
    labels = {label: counts(train).get(label, 0) for label in sorted(seen)}
    total, classes = sum(labels.values()), len(labels)
    if classes < 2 or total < 20 * classes:
        return
    rare = {label: n for label, n in labels.items() if n < 0.1 * total / classes}
    if rare:
        label, n = min(rare.items(), key=lambda item: item[1])
        weighted = minimised_loss(run) in CLASS_LOSSES
        change = {"loss.class_weights": "balanced"} if weighted else {"sampling.name": "balanced"}
        yield Finding(
            "class-imbalance",
            "warning",
            f"Class {label} has {n:,} of {total:,} training examples ({n / total:.2%}; a fair share is "
            f"{1 / classes:.1%}) and neither the loss nor the sampler makes up for it.",
            {
                "rare": {str(k): v for k, v in rare.items()},
                "examples": total,
                "fair_share": 1 / classes,
                "metric": run.problem.metric,
            },
            Remedy(
                "Weight the loss by class or draw classes equally often, and decide by a metric that counts every "
                "class, such as balanced_accuracy.",
                change,
            ),
        )


@rule(
    "unshuffled-training",
    "warning",
    explains=("loss-spikes", "learning-rate-too-high", "no-better-than-chance", "underfitting"),
)
def unshuffled_training(run: RunRecord) -> Iterator[Finding]:
    """Batches are ordered by label.

    ## What it checks
    Whether the recipe keeps the order of the data (`sampling = "ordered"`) while their labels run in blocks (the
    probability of so few changes of label under mixing is below one in a million). Silent for sequences.

    ## Why it matters
    The network learns the class of the present block and forgets the one before; batch norm sees one class at a time.

    ## What to try
    `sampling = "shuffled"`.

    ## When it is wrong
    Data whose order is the point: time series, curricula.

    ## Source
    LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.2; Bengio 2012, Practical recommendations for
    gradient-based training of deep architectures.
    """
    ordered = run.recipe_value("sampling.name") == "ordered"
    if ordered and run.data is not None and run.data.sequential and not is_tokens(run):
        yield Finding(
            "unshuffled-training",
            "warning",
            "The labels of the training split run in blocks and the recipe keeps their order.",
            {"sampling": "ordered", "labels_in_blocks": True},
            Remedy("Shuffle the training examples each epoch.", {"sampling.name": "shuffled"}),
        )


@rule(
    "labels-unrelated-to-inputs",
    "error",
    explains=("no-better-than-chance", "overfitting", "underfitting", "learning-rate-too-low", "stopped-early"),
)
def labels_unrelated_to_inputs(run: RunRecord) -> Iterator[Finding]:
    """Labels are shuffled against the inputs.

    ## What it checks
    Three things at once: the network does clearly better than chance on its training examples (by 10 % of the way to
    perfect), it is no better than chance on validation examples (as `no-better-than-chance` tells it), and nearest
    neighbours share a label as often as independent labels would (99.9 % Wilson intervals, below 10 % of the way to
    always). A linear model whose interval reaches beyond 10 % of the way to perfect silences it. It needs 200 training
    and 100 validation examples: where a weak signal could hide, it cannot tell and says nothing.

    ## Why it matters
    Inputs and labels were shuffled or joined apart (sorted files, two shuffles with different seeds, an index
    that was reset). A network fits such labels without any warning in its training loss.

    ## What to try
    Print ten inputs beside their labels as the training loop sees them. Join by key instead of by position; shuffle
    once, with one index for both.

    ## When it is wrong
    Hard tasks whose signal shows neither in neighbours nor in a line, with a network too small to find it.

    ## Source
    Zhang, Bengio, Hardt, Recht & Vinyals 2017, Understanding deep learning requires rethinking generalization, ICLR.
    """
    train, val = split(run, "train"), run.evaluations("val")
    agreement = None if run.data is None else run.data.nearest_neighbour_agreement
    if train is None or agreement is None or run.problem.metric != "accuracy" or len(val) < 3:
        return
    fitted, chance = run.evaluations("train"), chance_level(run)
    independent = sum(p * p for p in shares(train))
    known = chance is not None and independent and _has_accuracy(fitted) and _has_accuracy(val)
    if (
        chance is None
        or not known
        or run.problem.task not in CLASS_TASKS
        or train.looked_at < 200
        or val[-1].examples < 100
    ):
        return
    linear = None if run.baselines is None else run.baselines.linear_metric
    best, learned = (float(np.nanmax(rows.metric("accuracy"))) for rows in (val, fitted))
    neighbours, judged = wilson(agreement, min(train.looked_at, _NEIGHBOURS), 0.999), against_chance(run)
    if (
        neighbours.low <= independent
        and neighbours.high <= independent + 0.1 * (1 - independent)
        and wilson(learned, fitted[-1].examples, 0.999).low > chance + 0.1 * (1 - chance)
        and judged is not None
        and judged.equal
        and (linear is None or wilson(linear, val[-1].examples).high <= chance + 0.1 * (1 - chance))
    ):
        yield Finding(
            "labels-unrelated-to-inputs",
            "error",
            f"The network fits its training labels (accuracy {learned:.3f}) and no held-out ones ({best:.3f}, "
            f"chance {chance:.3f}); neighbours agree at {agreement:.3f}, as independent labels do ({independent:.3f}).",
            {
                "train_accuracy": learned,
                "val_accuracy": best,
                "chance": chance,
                "neighbour_agreement": agreement,
                "agreement_of_independent_labels": independent,
                "linear_metric": linear,
            },
            Remedy("Look at ten inputs beside their labels as the training sees them; join both by key, shuffle once."),
        )


def _has_accuracy(rows: Evaluations) -> bool:
    return bool(np.isfinite(rows.metric("accuracy")).any())


@rule(
    "invalid-labels",
    "error",
    explains=("non-finite-loss", "constant-loss", "no-better-than-chance", "bad-initial-loss"),
)
def invalid_labels(run: RunRecord) -> Iterator[Finding]:
    """Labels are out of range, or all the same.

    ## What it checks
    Labels that are negative, not whole, or at least the number of classes, in any split; a training split in which
    every label (or regression target) is the same, given at least 20 examples.

    ## Why it matters
    An index outside of the classes stops the training or, worse, reads memory that is not its own on some devices.
    Equal labels leave nothing to learn.

    ## What to try
    Count the labels of each split. Map them to 0 .. K-1 with one table for all splits; use -100 for examples to leave
    out.

    ## When it is wrong
    One class is all there is on purpose (one-class detection).

    ## Source
    PyTorch documentation of `torch.nn.CrossEntropyLoss`: class indices in [0, C), `ignore_index` -100.
    """
    facts = {} if run.data is None else run.data.splits
    invalid = {name: s.invalid_labels for name, s in facts.items() if s.invalid_labels}
    if invalid:
        where = ", ".join(f"{n:,} in {name}" for name, n in invalid.items())
        yield Finding(
            "invalid-labels",
            "error",
            f"Labels lie outside of the {run.problem.classes} classes ({where}).",
            {"invalid": invalid, "classes": run.problem.classes},
            Remedy("Map the labels to 0 .. K-1 by one table for all splits."),
        )
    train = facts.get("train")
    if train is not None and train.looked_at >= 20 and (label := _only_label(run, train)) is not None:
        yield Finding(
            "invalid-labels",
            "error",
            f"All {train.looked_at:,} training targets are the same: {label}.",
            {"looked_at": train.looked_at, "target": label},
            Remedy(
                "Check which column or folder the targets are read from, and whether the split kept one class only."
            ),
        )


def _only_label(run: RunRecord, train: SplitFacts) -> str | None:
    if run.problem.task in CLASS_TASKS:
        present = [label for label, n in counts(train).items() if n]
        return str(present[0]) if len(present) == 1 else None
    constant = run.problem.task == "regression" and train.target_std == 0
    return f"{train.target_mean:g}" if constant and train.target_mean is not None else None


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


@rule("leaky-feature", "warning")
def leaky_feature(run: RunRecord) -> Iterator[Finding]:
    """One feature alone gives the label away.

    ## What it checks
    The AUC (classes) or rank correlation (numbers) of each single feature with the target: 0.999 or more, on at least
    30 examples of at least 2 features.

    ## Why it matters
    Features that know the answer are mostly made after the answer (an identifier in order of the classes, a diagnosis
    code, a sum that holds the target). They are missing when the model is used.

    ## What to try
    Ask when the feature's value is known. If after the target: drop it.

    ## When it is wrong
    Tasks that truly depend on one feature by a threshold.

    ## Source
    Kaufman, Rosset, Perlich & Stitelman 2012, Leakage in data mining: formulation, detection, and avoidance, ACM
    TKDD 6.
    """
    train = split(run, "train")
    leak = None if run.data is None else run.data.leaky_feature
    if leak is None or train is None or train.looked_at < 30 or math.prod(run.problem.input_shape) < 2:
        return
    index, strength = leak
    if strength >= 0.999:
        kind = "rank correlation" if run.problem.task == "regression" else "AUC"
        yield Finding(
            "leaky-feature",
            "warning",
            f"Feature {index} alone gives the target away ({kind} {strength:.4f}).",
            {"feature": index, "strength": strength, "examples": train.looked_at},
            Remedy(f"Ask when the value of feature {index} is known; drop it if that is after the target."),
        )


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
