"""Records made by hand: a healthy training, and ways to change it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trainwell.recipe import Recipe
from trainwell.records import (
    Baselines,
    Best,
    DataFacts,
    Evaluation,
    LayerFacts,
    ModelFacts,
    ProblemFacts,
    RunInfo,
    RunRecord,
    Series,
    SplitFacts,
    Steps,
)

CLASSES, EXAMPLES, VAL, EPOCHS, PER_EPOCH = 10, 1400, 400, 20, 22
STEPS = EPOCHS * PER_EPOCH
START, FLOOR = math.log(CLASSES), 0.15


def split(name: str, examples: int = EXAMPLES, **fields: Any) -> SplitFacts:
    """A split of standardised inputs with equal shares of ten classes."""
    usual: dict[str, Any] = {
        "label_counts": {str(k): examples // CLASSES for k in range(CLASSES)},
        "input_mean": 0.0,
        "input_std": 1.0,
        "input_min": -3.5,
        "input_max": 3.5,
        "feature_std_min": 0.9,
        "feature_std_max": 1.1,
    }
    return SplitFacts(name, examples, examples, **usual | fields)


def data(train: Mapping[str, Any] | None = None, val: Mapping[str, Any] | None = None, **fields: Any) -> DataFacts:
    """An audit that finds nothing; fields of the splits and of the audit may be changed."""
    sizes = {"train": EXAMPLES, "val": VAL} | {
        name: changes["examples"]
        for name, changes in (("train", train or {}), ("val", val or {}))
        if "examples" in changes
    }
    splits = {
        name: split(name, **{"examples": sizes[name]} | dict(changes or {}))
        for name, changes in (("train", train), ("val", val))
    }
    return DataFacts(**{"splits": splits, "nearest_neighbour_agreement": 0.95} | fields)


def problem(**fields: Any) -> ProblemFacts:
    """Ten classes of a table of 64 features."""
    usual: dict[str, Any] = {
        "name": "made",
        "task": "multiclass",
        "classes": CLASSES,
        "metric": "accuracy",
        "direction": "max",
        "metrics": ("accuracy",),
        "loss": "cross-entropy",
        "examples": {"train": EXAMPLES, "val": VAL},
        "input_shape": (64,),
        "input_kind": "table",
        "fingerprint": "0",
    }
    return ProblemFacts(**usual | fields)


REGRESSION: dict[str, Any] = {
    "task": "regression", "classes": None, "metric": "rmse", "direction": "min", "metrics": ("rmse",), "loss": "mse",
}  # fmt: skip


def model(*kinds: str, output: Sequence[int] = (CLASSES,)) -> ModelFacts:
    """Layers by class name; those of activations and dropout hold no parameters."""
    layers = tuple(
        LayerFacts(str(i), kind, 0 if kind in ("ReLU", "Dropout", "Flatten", "Identity") else 100)
        for i, kind in enumerate(kinds or ("Linear", "ReLU", "Linear"))
    )
    return ModelFacts(1000, 1000, layers, tuple(output))


def decay(clock: Any, start: float = START, floor: float = FLOOR, pace: float = 6.0) -> Any:
    """A loss that falls from start to floor as learning goes on; clock in 0 to 1."""
    return floor + (start - floor) * np.exp(-pace * np.asarray(clock, dtype=np.float64))


def accuracy_of(loss: Any, start: float = START, classes: int = CLASSES) -> Any:
    """A plausible accuracy for a loss: chance at the start, 1 at 0."""
    return np.clip(1 - np.asarray(loss) / start * (1 - 1 / classes), 0, 1)


def steps(
    loss: Any, lr: Any = 1e-3, *, update_ratio: Any = 2e-3, gradient_norm: Any = 1.0, every: int = 10, **series: Any
) -> Steps:
    """Series of every step (loss, rate) and of every tenth (update ratio, gradient norm)."""
    loss = np.asarray(loss, dtype=np.float64)
    at = np.arange(len(loss))
    some = at[::every]

    def spread(value: Any, where: Any) -> Series:
        array = np.asarray(value, dtype=np.float64)
        return Series(where, np.full(len(where), float(array)) if array.ndim == 0 else array[where])

    found = {"loss": Series(at, loss), "lr": spread(lr, at)}
    found |= {"update_ratio": spread(update_ratio, some), "gradient_norm": spread(gradient_norm, some)}
    return Steps(found | {name: spread(value, some) for name, value in series.items()})


def evaluations(
    split_name: str, loss: Any, metric: Any = None, *, name: str = "accuracy", examples: int = VAL, per: int = PER_EPOCH
) -> list[Evaluation]:
    """One evaluation before the first step and one after each epoch."""
    loss = np.asarray(loss, dtype=np.float64)
    metric = accuracy_of(loss) if metric is None else np.asarray(metric, dtype=np.float64)
    return [
        Evaluation(i * per, float(i), split_name, float(value), {name: float(m)}, examples)
        for i, (value, m) in enumerate(zip(loss, metric, strict=True))
    ]


def record(
    *,
    train_loss: Any = None,
    val_loss: Any = None,
    train_metric: Any = None,
    val_metric: Any = None,
    step_loss: Any = None,
    lr: Any = None,
    recipe: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    audit: DataFacts | None = None,
    layers: ModelFacts | None = None,
    baselines: Baselines | None = None,
    examples: int = VAL,
    per_epoch: int = PER_EPOCH,
    seed: int = 0,
    **fields: Any,
) -> RunRecord:
    """A healthy training of ten classes over 20 epochs; anything may be changed.

    Args:
        train_loss, val_loss: Of the evaluations, the first before the first step.
        step_loss: Of each step; by default around the training curve with the noise of batches.
        lr: One rate or one per step.
        recipe: Edits by dotted path.
        facts, fields: Of the problem, and of `RunInfo` or `RunRecord` or `steps`.
    """
    rng = np.random.default_rng(seed)
    count = len(train_loss) if train_loss is not None else len(val_loss) if val_loss is not None else EPOCHS + 1
    clock = np.linspace(0, 1, count)
    train_loss = decay(clock) if train_loss is None else np.asarray(train_loss, dtype=np.float64)
    val_loss = train_loss * 1.05 + 0.02 if val_loss is None else np.asarray(val_loss, dtype=np.float64)
    if step_loss is None:
        along = np.arange((count - 1) * per_epoch) / per_epoch
        step_loss = np.interp(along, np.arange(count), train_loss) * rng.lognormal(0, 0.15, len(along))
    about = problem(**facts or {})
    edits = dict(recipe or {})
    lr = edits.get("optimizer.lr", 1e-3) if lr is None else lr
    edits.setdefault("optimizer.lr", float(np.max(lr)))
    rows = evaluations("train", train_loss, train_metric, name=about.metric, examples=examples, per=per_epoch)
    rows += evaluations("val", val_loss, val_metric, name=about.metric, examples=examples, per=per_epoch)
    held_out = [row for row in rows if row.split == "val" and math.isfinite(row.metrics[about.metric])]
    pick = max if about.higher_is_better else min
    kept = pick(held_out, key=lambda row: row.metrics[about.metric]) if held_out else None
    best = None if kept is None else Best(kept.step, kept.epoch, kept.loss, kept.metrics)
    series = {k: fields.pop(k) for k in ("update_ratio", "gradient_norm", "clip_factor") if k in fields}
    done = len(step_loss)
    info = RunInfo(
        problem=about,
        recipe=Recipe(epochs=max(1, count - 1)).with_(edits).to_dict(),
        seed=seed,
        status=fields.pop("status", "completed"),
        steps=done,
        planned_steps=fields.pop("planned_steps", done),
        steps_per_epoch=per_epoch,
        best=best,
        parent=fields.pop("parent", {}),
    )
    guess = Baselines(uninformed_loss=START, chance_metric=1 / CLASSES, linear_metric=0.9)
    return RunRecord(
        info=info,
        steps=steps(step_loss, lr, **series),
        all_evaluations=tuple(sorted(rows, key=lambda row: row.step)),
        data=data() if audit is None else audit,
        model_facts=model() if layers is None else layers,
        baselines=guess if baselines is None else baselines,
        **fields,
    )


def without(run: RunRecord, *names: str) -> RunRecord:
    """A record without some of its parts."""
    return replace(run, **dict.fromkeys(names))
