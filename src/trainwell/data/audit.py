"""The audit of a problem's data: counts, moments, overlap, labels, leaks, as facts that rules read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from trainwell.data import fingerprints, telling
from trainwell.data.batches import random_state_kept
from trainwell.data.examples import Examples
from trainwell.data.moments import Moments, moments_of, shift
from trainwell.data.streamed import Source, Streamed, count, sample
from trainwell.records import DataFacts, InputKind, Overlap, SplitFacts, Task

LOOKED_AT = 20_000
LOOKED_AT_STREAMED = 1000
_ELEMENTS = 50_000_000
_CLASS_TASKS = ("multiclass", "binary")
_IGNORED = -100


def audit(splits: Mapping[str, Source], task: Task, classes: int | None, input_kind: InputKind = "other") -> DataFacts:
    """Look at the data of a problem before any training.

    Moments come from at most 20,000 examples a split, spread evenly (1,000 of a streamed one); counts of labels and
    fingerprints from all (500,000). Nothing is drawn at random, and the random generators are left as they were.

    Args:
        splits: Sources by name; `train` is the one the others are compared with.
        task: Says what targets mean.
        classes: Number of classes, labels or tokens.
        input_kind: Groups elements into features (table), channels (image) or neither.
    """
    with random_state_kept():
        looks = {name: _look(source) for name, source in splits.items()}
        keys = {name: fingerprints.keys_of(source) for name, source in splits.items()}
    moments = {name: _moments(look, input_kind) for name, look in looks.items()}
    facts = {
        name: _split_facts(name, source, looks[name], moments[name], keys[name], task, classes, input_kind)
        for name, source in splits.items()
    }
    train, look = splits.get("train"), looks.get("train")
    if train is None or look is None:
        return DataFacts(splits=facts)
    return DataFacts(
        splits=facts,
        overlaps=_overlaps(keys),
        shift=_shifts(moments, input_kind),
        leaky_feature=_leak(look, task),
        nearest_neighbour_agreement=_agreement(look, task, input_kind),
        sequential=_sequential(train, task),
    )


def _look(source: Source) -> Examples:
    """The examples whose values are looked at."""
    if isinstance(source, Streamed):
        return sample(source, LOOKED_AT_STREAMED)
    inputs = source.inputs
    elements = inputs[0].numel() if isinstance(inputs, Tensor) else 1
    return sample(source, min(LOOKED_AT, max(1, _ELEMENTS // max(1, elements))))


def _moments(look: Examples, kind: InputKind) -> Moments | None:
    inputs = look.inputs
    return (
        moments_of(inputs) if isinstance(inputs, Tensor) and inputs.is_floating_point() and kind != "tokens" else None
    )


def _targets(source: Source, look: Examples) -> Tensor | None:
    """Targets of all examples where they are known, else of those looked at."""
    known = source.labels if isinstance(source, Examples) else source.labels()
    return look.labels if known is None else known


def _split_facts(
    name: str,
    source: Source,
    look: Examples,
    moments: Moments | None,
    keys: fingerprints.Keys | None,
    task: Task,
    classes: int | None,
    kind: InputKind,
) -> SplitFacts:
    targets = _targets(source, look)
    numbers = targets if targets is not None and task == "regression" else None
    finite = None if numbers is None else numbers[torch.isfinite(numbers)].double()
    measured = finite is not None and finite.numel() > 0
    inputs = look.inputs
    mean, deviation = (None, None) if moments is None else moments.overall
    spreads = None if moments is None else _varying(moments.by_group(kind))
    comparable = keys is not None and targets is not None and len(keys) <= len(targets) and task != "regression"
    return SplitFacts(
        name=name,
        examples=count(source) or 0,
        looked_at=max(len(look), len(keys or ())),
        label_counts=None if targets is None else _label_counts(targets, task, classes),
        input_mean=mean,
        input_std=deviation,
        input_min=None if moments is None else float(moments.low.min()),
        input_max=None if moments is None else float(moments.high.max()),
        feature_std_min=None if spreads is None else float(spreads.min()),
        feature_std_max=None if spreads is None else float(spreads.max()),
        constant_share=0.0 if moments is None or moments.examples < 2 else moments.constant_share,
        target_mean=float(finite.mean()) if measured and finite is not None else None,
        target_std=float(finite.std(correction=0)) if measured and finite is not None else None,
        target_min=float(finite.min()) if measured and finite is not None else None,
        target_max=float(finite.max()) if measured and finite is not None else None,
        non_finite_inputs=int((~torch.isfinite(inputs)).sum()) if isinstance(inputs, Tensor) else 0,
        non_finite_targets=0 if targets is None else int((~torch.isfinite(targets)).sum()),
        invalid_labels=0 if targets is None else _invalid(targets, task, classes),
        duplicates=0 if keys is None else fingerprints.duplicates(keys),
        conflicting=fingerprints.conflicting(keys, targets.numpy())
        if comparable and keys is not None and targets is not None
        else 0,
    )


def _varying(groups: Moments) -> Tensor | None:
    spreads = groups.variance.sqrt()[groups.low < groups.high]
    return spreads if spreads.numel() else None


def _label_counts(targets: Tensor, task: Task, classes: int | None) -> dict[str, int] | None:
    if task == "multilabel":
        return {str(i): int(n) for i, n in enumerate((targets > 0.5).sum(0))}
    if task not in (*_CLASS_TASKS, "sequence") or targets.is_floating_point():
        return None
    valid = targets[targets >= 0].flatten()
    counts = torch.bincount(valid, minlength=classes or 0)
    return {str(i): int(n) for i, n in enumerate(counts)}


def _invalid(targets: Tensor, task: Task, classes: int | None) -> int:
    """Labels that are no whole numbers, negative (beside the ignored), or not below the number of classes."""
    if task not in (*_CLASS_TASKS, "sequence", "multilabel"):
        return 0
    if task == "multilabel":
        return int(((targets != 0) & (targets != 1)).sum())
    wrong = targets < 0
    if task == "sequence":
        wrong &= targets != _IGNORED
    if classes is not None:
        wrong |= targets >= classes
    if targets.is_floating_point():
        wrong |= targets != targets.round()
    return int(wrong.sum())


def _overlaps(keys: Mapping[str, fingerprints.Keys | None]) -> tuple[Overlap, ...]:
    train = keys.get("train")
    found = []
    for name, other in keys.items():
        if name != "train" and train and other:
            number = fingerprints.shared(train, other)
            if number:
                found.append(Overlap(name, number, number / len(other)))
    return tuple(found)


def _shifts(moments: Mapping[str, Moments | None], kind: InputKind) -> dict[str, float]:
    train = moments.get("train")
    if train is None:
        return {}
    return {
        name: shift(train.by_group(kind), other.by_group(kind))
        for name, other in moments.items()
        if name != "train" and other is not None and other.mean.shape == train.mean.shape
    }


def _leak(look: Examples, task: Task) -> tuple[int, float] | None:
    inputs, targets = look.inputs, look.targets
    if task not in (*_CLASS_TASKS, "regression") or targets is None or not isinstance(inputs, Tensor):
        return None
    if not inputs.is_floating_point() or not bool(torch.isfinite(inputs).all() and torch.isfinite(targets).all()):
        return None
    return telling.most_telling_feature(inputs, targets)


def _agreement(look: Examples, task: Task, kind: InputKind) -> float | None:
    inputs, targets = look.inputs, look.targets
    if task not in _CLASS_TASKS or targets is None or not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        return None
    if not bool(torch.isfinite(inputs).all()):
        return None
    return telling.nearest_neighbour_agreement(inputs, targets, standardize=kind == "table")


def _sequential(train: Source, task: Task) -> bool:
    if task not in _CLASS_TASKS:
        return False
    labels = train.labels if isinstance(train, Examples) else train.labels()
    return labels is not None and labels.ndim == 1 and telling.runs_in_blocks(np.asarray(labels))
