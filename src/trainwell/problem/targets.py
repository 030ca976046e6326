"""What a problem's targets mean: the task, the number of classes, and targets in the form the task needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast, get_args

import numpy as np
import torch
from torch import Tensor

from trainwell.data.examples import Examples
from trainwell.data.streamed import Source, Streamed, first
from trainwell.errors import ProblemError, unknown_name
from trainwell.problem.metrics import IGNORED
from trainwell.recipe.parts import LOSSES
from trainwell.records import Task

TASKS: tuple[Task, ...] = get_args(Task)
DEFAULT_LOSS: dict[Task, str] = {
    "multiclass": "cross-entropy",
    "binary": "cross-entropy",
    "multilabel": "bce",
    "regression": "mse",
    "sequence": "cross-entropy",
    "custom": "model",
}
_REGRESSION_LOSSES = ("mse", "mae", "huber")
_MANY = 200
_TELLING = 20  # rows with a single 1 each that are no accident


def infer_task(targets: Tensor | None, inputs_are_tokens: bool, loss: str | Callable[..., Any] | None) -> Task:
    """Infer the task from the training targets: whole numbers are classes, real numbers are regression.

    Raises:
        ProblemError: If the targets could mean two things; asks for `task`.
    """
    if targets is None:
        return "custom"
    if loss in _REGRESSION_LOSSES:
        return "regression"
    values = torch.from_numpy(np.unique(targets[: 10**6].numpy()))
    only_01 = bool(((values == 0) | (values == 1)).all())
    if targets.is_floating_point():
        if targets.ndim == 2 and only_01:
            return _several_labels(targets, loss)
        return "binary" if only_01 and targets.ndim == 1 and len(values) == 2 else "regression"
    if targets.ndim >= 2:
        return _several_labels(targets, loss) if only_01 and not inputs_are_tokens else "sequence"
    if len(values) > _MANY and len(values) > len(targets) / 4:
        raise ProblemError(
            f"`task` must be given where targets could be classes or numbers, got {len(values):,} different whole "
            f"numbers in {len(targets):,} examples. Pass task='regression' or task='multiclass'"
        )
    return "binary" if len(values) <= 2 and int(values.max()) <= 1 else "multiclass"


def _several_labels(targets: Tensor, loss: str | Callable[..., Any] | None) -> Task:
    """The task of columns of 0 and 1.

    Raises:
        ProblemError: If every row has a single 1: that may be one class of several, one-hot.
    """
    one_hot = targets.ndim == 2 and targets.shape[1] > 1 and bool((targets.sum(1) == 1).all())
    if one_hot and len(targets) >= _TELLING and loss != "bce":
        raise ProblemError(
            f"`task` must be given where every row of the targets has a single 1, got {len(targets):,} such rows of "
            f"{targets.shape[1]} columns. Pass class indices, targets.argmax(1), or task='multilabel'"
        )
    return "multilabel"


def check_task(task: Any) -> Task:
    """Refuse an unknown task."""
    if task not in TASKS:
        raise ProblemError(f"`task`: {unknown_name('task', str(task), TASKS)}")
    return cast(Task, task)


def check_loss(loss: Any, task: Task, has_targets: bool) -> str | Callable[..., Any]:
    """The loss of a problem: a known name, a callable, or the default of the task.

    Raises:
        ProblemError: For an unknown name.
    """
    if loss is None:
        return DEFAULT_LOSS[task] if has_targets else "model"
    if callable(loss):
        return cast("Callable[..., Any]", loss)
    if loss not in (*LOSSES, "model"):
        raise ProblemError(f"`loss`: {unknown_name('loss', str(loss), (*LOSSES, 'model'))}, or a function")
    return str(loss)


def with_targets(source: Source, task: Task, name: str) -> Source:
    """Targets in the dtype of the task: int64 classes or tokens, float32 otherwise.

    Raises:
        ProblemError: If classes are not whole numbers, or labels not 0 or 1.
    """
    if task == "custom":
        return source
    if isinstance(source, Streamed):
        return replace(source, convert=partial(convert, task=task, name=name))
    if source.targets is None:
        return source
    return replace(source, targets=convert(source.targets, task, name))


def convert(targets: Tensor, task: Task, name: str) -> Tensor:
    """One batch of targets in the dtype of the task."""
    if task in ("regression", "multilabel"):
        if task == "multilabel":
            wrong = ~((targets == 0) | (targets == 1))
            if targets.ndim != 2 or bool(wrong.any()):
                got = f"shape {tuple(targets.shape)}" if targets.ndim != 2 else f"{float(targets[wrong][0]):g}"
                raise ProblemError(f"`{name}` targets must be 0 or 1, one column per label, got {got}. Use task=")
        return targets.float()
    if targets.is_floating_point():
        wrong = targets != targets.round()
        if bool(wrong.any()):
            raise ProblemError(
                f"`{name}` targets must be whole numbers (class indices) for the task {task}, got "
                f"{float(targets[wrong][0]):g}. Pass task='regression', or encode the classes"
            )
        targets = targets.long()
    wanted = 2 if task == "sequence" else 1
    if targets.ndim != wanted:
        raise ProblemError(
            f"`{name}` targets must have {wanted} dimension{'s' if wanted > 1 else ''} for the task {task}, got shape "
            f"{tuple(targets.shape)}. Pass class indices, or another task="
        )
    return targets


def count_classes(sources: Mapping[str, Source], task: Task, given: int | None) -> int | None:
    """Number of classes, labels or tokens of a task: as given, else from the targets; None for regression.

    Raises:
        ProblemError: For labels that are negative, out of range, or no class indices.
    """
    if task in ("regression", "custom"):
        return given
    if given is not None and given < 2 - (task == "multilabel"):
        raise ProblemError(f"`classes` must be at least 2, got {given}. Count the classes, not the columns")
    labels = {name: known for name, source in sources.items() if (known := known_targets(source)) is not None}
    if task == "multilabel":
        return _widths(labels, sources, given)
    for name, values in labels.items():
        _refuse_range(values, name, task, given)
    if given is not None:
        return given
    if not labels:
        raise ProblemError("`classes` must be given where the labels cannot be read in advance. Pass classes=K")
    highest = max(int(values.max()) for values in labels.values())
    if task == "binary":
        if highest > 1:
            raise ProblemError(
                f"`train` targets must be 0 or 1 for a binary task, got {highest}. Use task='multiclass'"
            )
        return 2
    if task == "multiclass":
        _refuse_gaps(labels["train"] if "train" in labels else next(iter(labels.values())), highest)
    return max(2, highest + 1)


def known_targets(source: Source) -> Tensor | None:
    """Targets of all examples where they can be had without reading the inputs."""
    if isinstance(source, Examples):
        return source.targets if source.targets is not None else source.labels
    return source.labels()


def first_targets(source: Source) -> Tensor | None:
    """All targets where they are known, else those of a few examples."""
    known = known_targets(source) if isinstance(source, Streamed) else source.targets
    return first(source, 32).targets if known is None and isinstance(source, Streamed) else known


def _widths(labels: Mapping[str, Tensor], sources: Mapping[str, Source], given: int | None) -> int:
    widths = {name: values.shape[-1] for name, values in labels.items()}
    if not widths:
        batch = first(next(iter(sources.values())), 2).targets
        widths = {"train": 0 if batch is None else batch.shape[-1]}
    if len({*widths.values(), *([given] if given else [])}) > 1:
        raise ProblemError(f"targets must have equal numbers of labels in all splits, got {widths}. Align the columns")
    return next(iter(widths.values()))


def _refuse_range(values: Tensor, name: str, task: Task, classes: int | None) -> None:
    if values.is_floating_point():
        values = convert(values, task, name)
    wrong = (values < 0) & (values != IGNORED if task == "sequence" else torch.ones_like(values, dtype=torch.bool))
    if bool(wrong.any()):
        where = tuple(int(i) for i in wrong.nonzero()[0])
        raise ProblemError(
            f"`{name}` targets must be class indices from 0, got {int(values[where])} at index "
            f"{where if len(where) > 1 else where[0]}. Encode them: `classes, y = numpy.unique(y, return_inverse=True)`"
        )
    if classes is not None and bool((values >= classes).any()):
        where = tuple(int(i) for i in (values >= classes).nonzero()[0])
        raise ProblemError(
            f"`{name}` targets must be below classes = {classes}, got {int(values[where])} at index "
            f"{where if len(where) > 1 else where[0]}. Raise `classes`, or mend the labels"
        )


def _refuse_gaps(labels: Tensor, highest: int) -> None:
    """Labels such as 1..K, or 10, 200, 3000, are codes rather than indices."""
    seen = np.unique(labels.numpy())
    if int(seen[0]) == 1 and len(seen) == highest:
        raise ProblemError(
            f"`train` targets must be class indices from 0, got 1 to {highest}. Subtract 1, "
            f"or pass classes={highest + 1}"
        )
    if highest + 1 > 2 * len(seen) + 10:
        raise ProblemError(
            f"`train` targets must be class indices from 0 without large gaps, got {len(seen)} different labels up to "
            f"{highest}. Encode them: `classes, y = numpy.unique(y, return_inverse=True)`, "
            f"or pass classes={highest + 1}"
        )
