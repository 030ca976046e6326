"""Faults of the model: its start, its output, its layers, its gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from trainwell.diagnose.curves import running_median
from trainwell.diagnose.questions import (
    CLASS_LOSSES,
    CLASS_TASKS,
    counts,
    evaluated_loss,
    finite,
    is_tokens,
    knob,
    layer_kinds,
    losses_are_positive,
    output_width,
    start_loss,
    uninformed_loss,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord, Series


@rule(
    "bad-initial-loss",
    "warning",
    explains=("loss-spikes", "stopped-early", "learning-rate-too-low", "underfitting", "no-better-than-chance"),
)
def bad_initial_loss(run: RunRecord) -> Iterator[Finding]:
    """The first loss is far from that of an uninformed guess.

    ## What it checks
    The loss of the untrained model on training examples against the loss of a guess that ignores the inputs: ln K (or
    the entropy of the class shares where that is larger), or the variance of the targets. It speaks up above twice
    that, and for classes only where it is also more than 1 nat above. A low first loss is no fault: the weights may
    be pretrained.

    ## Why it matters
    The network starts out sure of wrong answers. The first steps, when the rate is best spent on learning, go into
    taking that back. Mostly the cause is plain: inputs or targets far from unit scale, last-layer weights too large.

    ## What to try
    Standardise the inputs (`inputs.scaling`) and, for regression, the targets (`targets.scaling`). Shrink the weights
    of the last layer, or set its bias to the log-shares of the classes (the mean of the targets).

    ## When it is wrong
    Losses without a known start; pretrained models whose answers have to be unlearned.

    ## Source
    Karpathy 2019, A recipe for training neural networks ("verify loss @ init").
    """
    start, guess = start_loss(run), _expected_start(run)
    if start is None or guess is None or not losses_are_positive(run):
        return
    classes = evaluated_loss(run) in CLASS_LOSSES
    if start <= 2 * guess or (classes and start <= guess + 1.0):
        return
    scale_targets = run.problem.task == "regression" and run.recipe_value("targets.scaling") == "none"
    scale_inputs = run.recipe_value("inputs.scaling") == "none" and not is_tokens(run)
    change = {"targets.scaling": "standardize"} if scale_targets else {}
    if not scale_targets and scale_inputs:
        change = {"inputs.scaling": "standardize"}
    yield Finding(
        "bad-initial-loss",
        "warning",
        f"The untrained model has a loss of {start:.4g}, an uninformed guess {guess:.4g}.",
        {"start_loss": start, "uninformed_loss": guess, "ratio": start / guess},
        Remedy(
            "Standardise the targets: the output starts near 0 while they do not."
            if scale_targets
            else "Bring inputs and last-layer weights to unit scale, so that the first outputs are near 0.",
            change,
        ),
    )


def _expected_start(run: RunRecord) -> float | None:
    """Loss of a guess without any knowledge: at least ln K for classes, since no network knows their shares."""
    guess = uninformed_loss(run)
    expected = None if run.sanity is None else run.sanity.expected_initial_loss
    if guess is None and expected is not None and math.isfinite(expected) and expected > 0:
        guess = expected if run.recipe_value("targets.scaling") != "standardize" else None
    if run.problem.task in CLASS_TASKS and evaluated_loss(run) in CLASS_LOSSES:
        width = output_width(run) or run.problem.classes or 2
        return max(guess or 0.0, math.log(max(2, width)))
    return guess


@rule(
    "output-size-mismatch",
    "warning",
    explains=("no-better-than-chance", "underfitting", "bad-initial-loss", "constant-loss"),
)
def output_size_mismatch(run: RunRecord) -> Iterator[Finding]:
    """The output has fewer or many more classes than the labels.

    ## What it checks
    The width of the output against the classes that the labels of all splits use: narrower, or at least twice as wide
    and 5 wider. Silent for sequences and tokens, whose vocabularies are wider than what occurs.

    ## Why it matters
    Too narrow: some labels cannot be predicted, or training stops with an index error. Too wide: mostly a head of
    another task, its extra classes only take probability.

    ## What to try
    Make the last layer as wide as the number of classes.

    ## When it is wrong
    Classes kept free for later data.

    ## Source
    PyTorch documentation of `torch.nn.CrossEntropyLoss`: class indices in [0, C).
    """
    width = output_width(run)
    if width is None or run.data is None or run.problem.task not in CLASS_TASKS or is_tokens(run):
        return
    seen = {label for facts in run.data.splits.values() for label, n in counts(facts).items() if n}
    needed = max(seen, default=-1) + 1
    binary_logit = width == 1 and needed <= 2
    if needed < 2 or binary_logit:
        return
    if width < needed or (width >= 2 * needed and width >= needed + 5):
        yield Finding(
            "output-size-mismatch",
            "warning",
            f"The output has {width} classes, the labels use {needed}.",
            {"output_width": width, "classes_of_labels": needed},
            Remedy(f"Make the last layer {needed} wide."),
        )


@rule("excessive-dropout", "advice", explains=("underfitting", "learning-rate-too-low", "stopped-early"))
def excessive_dropout(run: RunRecord) -> Iterator[Finding]:
    """Dropout of 0.8 or more.

    ## What it checks
    Keywords of the model factory in the recipe whose name speaks of dropout: 0.8 or more.

    ## Why it matters
    At 0.8 a fifth of the units carries the signal, in each layer anew: the network underfits and trains slowly.
    A keep probability was possibly meant.

    ## What to try
    0.1 to 0.5; compare with none.

    ## When it is wrong
    Very wide layers before a small output; ensembles by dropout.

    ## Source
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, Dropout, JMLR 15: units are kept with 0.5 to 0.8.
    """
    found = knob(run, "drop")
    if found is None or "keep" in found[0].lower() or not 0.8 <= found[1] <= 1:
        return
    name, value = found
    yield Finding(
        "excessive-dropout",
        "advice",
        f"{name} is {value:g}: {1 - value:.0%} of the units carry the signal.",
        {"dropout": value, "limit": 0.8},
        Remedy("Use a dropout of 0.1 to 0.5.", {f"model.{name}": 0.3}),
    )


@rule("batchnorm-small-batch", "warning", explains=("loss-spikes", "suspicious-validation", "underfitting"))
def batchnorm_small_batch(run: RunRecord) -> Iterator[Finding]:
    """Batch norm trains on batches of under 4 samples.

    ## What it checks
    `batch_size` below 4 where the model has a `BatchNorm1d` and no one-dimensional convolution: there a batch of n
    examples gives n values per statistic. Two-dimensional batch norm is left alone, since each image adds many values.

    ## Why it matters
    Mean and deviation of two or three values are mostly noise, and the running averages used in evaluation are
    averages of that noise.

    ## What to try
    A batch size of 16 or more, or layer norm or group norm, which do not look across the batch. Accumulating
    gradients does not help: each small batch is normalised alone.

    ## When it is wrong
    Layers that run over long sequences, so that each statistic has many values after all.

    ## Source
    Wu & He 2018, Group normalization, ECCV; Ioffe 2017, Batch renormalization, NeurIPS.
    """
    kinds, batch = layer_kinds(run), run.recipe_value("batch_size")
    if "BatchNorm1d" not in kinds or "Conv1d" in kinds or not isinstance(batch, int):
        return
    if batch < 4:
        yield Finding(
            "batchnorm-small-batch",
            "warning",
            f"Batch norm takes its statistics from batches of {batch}.",
            {"batch_size": batch, "limit": 4},
            Remedy("Use batches of 16 or more, or layer norm.", {"batch_size": 16}),
        )


@rule("exploding-gradients", "warning", explains=("non-finite-loss", "loss-spikes", "no-better-than-chance"))
def exploding_gradients(run: RunRecord) -> Iterator[Finding]:
    """The gradient norm grows by orders of magnitude.

    ## What it checks
    Medians of three successive gradient norms (before clipping) against the median of the first fifth of the run: 100
    times as large, where the training loss is at least 1.5 times the loss at the start. Growth while the loss falls is
    no fault: gradients are small on a plateau. Silent where gradients are clipped, and in the first tenth of the run.

    ## Why it matters
    One such step can undo all that was learned, and leads to NaN.

    ## What to try
    A tenth of the learning rate; `clipping = "norm"`; a warm-up. In recurrent networks clipping is a must.

    ## When it is wrong
    Losses whose scale changes on purpose during training.

    ## Source
    Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks, ICML.
    """
    norms, losses, start = run.steps["gradient_norm"], finite(run.steps["loss"]), start_loss(run)
    if run.recipe_value("clipping.name", "none") != "none" or not losses_are_positive(run) or len(losses) < 10:
        return
    lost = np.flatnonzero(~np.isfinite(norms.value))
    values = np.where(np.isfinite(norms.value), norms.value, 1e300)
    if len(values) < 5:
        return
    if len(lost) and (lost[0] < 3 or values[lost[0] - 3 : lost[0]].max() < 10 * np.median(values[: lost[0]])):
        return  # not a number at once: nothing grew
    early = float(np.median(values[: max(2, len(values) // 5)]))
    medians, steps = running_median(values, 3), norms.step[1:-1]
    if early <= 0 or early >= 1e300:
        return
    first = start if start is not None else float(np.median(losses.value[:5]))
    near = max(5, run.info.steps // 50)
    for at in np.flatnonzero((medians >= 100 * early) & (steps >= run.info.steps / 10)):
        loss = _loss_around(losses, int(steps[at]), near)
        if loss < 1.5 * first:
            continue
        rate = run.recipe_value("optimizer.lr")
        yield Finding(
            "exploding-gradients",
            "warning",
            f"The gradient norm grew from {early:.3g} to {medians[at]:.3g} by step {steps[at]:,}, "
            f"where the loss is {loss:.3g} (start: {first:.3g}).",
            {
                "early_norm": early,
                "late_norm": float(medians[at]),
                "step": int(steps[at]),
                "loss_there": loss,
                "loss_at_start": first,
            },
            Remedy(
                "Clip the gradient norm, and lower the learning rate.",
                {"clipping": "norm"} if rate is not None else {},
            ),
        )
        return


def _loss_around(losses: Series, step: int, near: int) -> float:
    there = np.abs(losses.step - step) <= near
    return float(np.median(losses.value[there])) if there.any() else math.inf
