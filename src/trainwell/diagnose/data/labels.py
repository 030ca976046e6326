"""Faults of the labels: ones that no training can use, contradict each other, or come in order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainwell.diagnose.metric import against_chance, chance_level, wilson
from trainwell.diagnose.questions import (
    CLASS_LOSSES,
    CLASS_TASKS,
    counts,
    is_balanced,
    is_tokens,
    minimised_loss,
    shares,
    split,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Evaluations, Finding, Remedy, RunRecord, SplitFacts

_RARE_METRICS = ("balanced_accuracy", "f1", "auroc", "average_precision", "recall", "mcc")
_NEIGHBOURS = 2000  # examples whose nearest neighbour the audit looks up


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
