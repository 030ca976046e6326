"""Metrics that cannot be what they seem: no better than a guess, or better than on the training examples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import scipy

from trainwell.diagnose.metric import against_chance
from trainwell.diagnose.questions import (
    CLASS_TASKS,
    is_tokens,
    split,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord


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
