"""Questions about a run that several rules ask of its record."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from trainwell.records import RunRecord, Series, SplitFacts

LARGEST = 1e100
CLASS_TASKS = ("multiclass", "binary")
CLASS_LOSSES = ("cross-entropy", "nll", "bce")
_LOSSES = (*CLASS_LOSSES, "mse", "mae", "huber")


def minimised_loss(run: RunRecord) -> str:
    """Name of the loss that was minimised: the recipe's, else the problem's; `custom` for code of the user."""
    name = run.recipe_value("loss.name", "problem")
    return _known(run.problem.loss if name == "problem" else str(name))


def evaluated_loss(run: RunRecord) -> str:
    """Name of the loss that evaluations report: the problem's; `custom` for code of the user."""
    return _known(run.problem.loss)


def loss_is_plain(run: RunRecord) -> bool:
    """Whether the training loss of a step is the loss that evaluations report, without smoothing or penalties."""
    return (
        minimised_loss(run) == evaluated_loss(run)
        and run.recipe_value("loss.class_weights", "none") == "none"
        and not any(
            run.recipe_value(path, 0)
            for path in ("loss.label_smoothing", "loss.focal_gamma", "regularization.l1", "regularization.l2")
        )
        and not run.recipe_value("augmentation", ())
    )


def uninformed_loss(run: RunRecord) -> float | None:
    """Loss of the best constant guess in the unit of the evaluations; None where that is not known.

    Evaluations of a run with standardised targets report the loss of standardised targets: 1 for the squared error.
    """
    if run.recipe_value("targets.scaling") == "standardize":
        return 1.0 if evaluated_loss(run) == "mse" else None
    if run.baselines is not None and _positive(run.baselines.uninformed_loss):
        return run.baselines.uninformed_loss
    train = split(run, "train")
    if train is None:
        return None
    if run.problem.task in CLASS_TASKS and evaluated_loss(run) in CLASS_LOSSES and train.label_counts:
        entropy = -sum(p * math.log(p) for p in shares(train) if p > 0)
        return entropy if entropy > 0 else None
    if evaluated_loss(run) == "mse" and _positive(train.target_std):
        return float(train.target_std or 0.0) ** 2
    return None


def start_loss(run: RunRecord) -> float | None:
    """Loss of the untrained model: evaluated before the first step, else by the sanity checks, else of step 0."""
    for row in run.evaluations("train"):
        if row.step == 0 and math.isfinite(row.loss):
            return row.loss
    if run.sanity is not None and _finite(run.sanity.initial_loss):
        return run.sanity.initial_loss
    first = run.steps["loss"]
    if len(first) and first.step[0] == 0 and math.isfinite(first.value[0]) and loss_is_plain(run):
        return float(first.value[0])
    return None


def split(run: RunRecord, name: str) -> SplitFacts | None:
    """The audit of one split, if there was one."""
    return None if run.data is None else run.data.splits.get(name)


def counts(facts: SplitFacts) -> dict[int, int]:
    """Examples by class index."""
    return {int(label): int(count) for label, count in (facts.label_counts or {}).items()}


def shares(facts: SplitFacts) -> list[float]:
    """Share of each class that is listed."""
    found = counts(facts).values()
    total = sum(found)
    return [count / total for count in found] if total else []


def is_tokens(run: RunRecord) -> bool:
    """Whether inputs are token indices or the task is one over sequences."""
    return run.problem.input_kind == "tokens" or run.problem.task == "sequence"


def is_balanced(run: RunRecord) -> bool:
    """Whether the loss or the sampler may make up for rare classes; custom losses get the benefit of the doubt."""
    own, trace = run.problem.loss.lower(), run.trace
    if trace is not None and (
        any(loss.weighted for loss in trace.losses) or any("weighted" in x.sampler.lower() for x in trace.loaders)
    ):
        return True
    return bool(
        run.recipe_value("loss.class_weights", "none") != "none"
        or run.recipe_value("loss.focal_gamma", 0)
        or run.recipe_value("sampling.name") == "balanced"
        or minimised_loss(run) == "custom"
        or "focal" in own
        or "weight" in own
    )


def layer_kinds(run: RunRecord) -> tuple[str, ...]:
    """Class names of the model's layers; empty where the model was not recorded."""
    return () if run.model_facts is None else run.model_facts.kinds()


def output_width(run: RunRecord) -> int | None:
    """Last dimension of the model's output; None where it was not recorded."""
    shape = () if run.model_facts is None else run.model_facts.output_shape
    return int(shape[-1]) if shape else None


def knob(run: RunRecord, *words: str) -> tuple[str, float] | None:
    """A numeric keyword of the model factory that the recipe sets and whose name holds one of the words."""
    given = run.recipe_value("model", {})
    for name, value in given.items() if isinstance(given, Mapping) else ():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and any(word in name.lower() for word in words):
            return name, float(value)
    return None


def peak_rate(run: RunRecord) -> float | None:
    """Largest learning rate of the run; the recipe's where none was recorded."""
    rates = finite(run.steps["lr"]).value
    if len(rates):
        return float(rates.max())
    rate = run.recipe_value("optimizer.lr")
    return float(rate) if isinstance(rate, int | float) else None


def losses_are_positive(run: RunRecord) -> bool:
    """Whether ratios of losses mean anything: no loss of a step or an evaluation is negative."""
    values = [run.steps.loss, run.evaluations("train").loss, run.evaluations("val").loss]
    return not any(bool((value < 0).any()) for value in values)


def finite(series: Series) -> Series:
    """A series without its NaN and infinite values, or those beyond 1e100, whose squares are."""
    keep = np.abs(series.value) < LARGEST
    return Series(series.step[keep], series.value[keep])


def _known(name: str) -> str:
    return name if name in _LOSSES else "custom"


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _positive(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0
