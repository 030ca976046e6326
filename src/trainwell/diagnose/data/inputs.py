"""Faults of the inputs: scale, holes, columns that say nothing or everything."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trainwell.diagnose.questions import (
    is_tokens,
    split,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord

_NORMS = ("norm", "embed", "scal", "standard")


@rule(
    "unscaled-inputs",
    "warning",
    explains=(
        "bad-initial-loss",
        "dead-units",
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


@rule(
    "constant-inputs",
    "warning",
    explains=("no-better-than-chance", "underfitting", "constant-loss", "dead-units", "duplicate-samples"),
)
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
