"""What a search taught about its space: which fields mattered, where good values lie, what more trials would give."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainwell.errors import MissingExtraError
from trainwell.records.study import Look, StudyRecord
from trainwell.space import Axis, Choice, LogUniform, Space
from trainwell.space.choice import named
from trainwell.stats import tuning_band, tuning_curve

_FEWEST = 16  # trials, for a model of the space
_EXPLAINED = 0.1  # share of the variance of the ranks that the model must explain on trials it has not seen
_BEST = 0.1  # share of trials whose values make "the best tenth"
_BINS = 8
_KS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)


@dataclass(frozen=True)
class Importance:
    """How much the fields of a space matter for the rank of a trial.

    Attributes:
        shares: By path, largest first; they sum to 1.
        explained: Share of the variance of ranks that the model explains on trials it has not seen. [at most 1]
        n: Trials.
        reason: Why there is none; empty where there is one.
    """

    shares: tuple[tuple[str, float], ...] = ()
    explained: float = math.nan
    n: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Slice:
    """The values of one field and what trials reached with them, all else tuned or not.

    Attributes:
        labels: Options of a choice, whose numbers `x` then holds; empty for numbers.
        log: Whether the scale is logarithmic.
        best: Lowest and highest value among the best tenth; labels for a choice.
        tuned: (from, to, value): the best value of any trial in each part of the scale, the other fields tuned away.
    """

    path: str
    role: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    trials: tuple[int, ...]
    labels: tuple[str, ...]
    log: bool
    best: str
    tuned: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class BestOf:
    """Expected best of k trials, with limits where there are some, and what they are."""

    ks: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    limits: str
    n: int


@dataclass(frozen=True)
class Learned:
    """All of it, over the trials of the rung that most of them reached.

    Attributes:
        epochs: Length of the runs whose values these are.
        diverged: Trials that diverged or failed, of `trials`.
    """

    epochs: float
    trials: int
    diverged: int
    importance: Importance
    slices: tuple[Slice, ...]
    best_of: BestOf | None
    looks: tuple[Look, ...]


def learned(record: StudyRecord) -> Learned | None:
    """Read a study; None where no trial was looked at."""
    space = Space.from_plain(record.plan.space)
    rungs = sorted({look.rung for look in record.looks})
    looks = max((record.at(rung) for rung in rungs), key=len, default=())
    if not looks:
        return None
    return Learned(
        epochs=max(look.epochs for look in looks),
        trials=len(looks),
        diverged=sum(not look.counts for look in looks),
        importance=importance(record, space, looks),
        slices=tuple(_slices(record, space, looks)),
        best_of=_best_of(record, looks),
        looks=tuple(looks),
    )


def importance(record: StudyRecord, space: Space, looks: Sequence[Look]) -> Importance:
    """Measure importances by permuting columns of a random forest over the positions of trials on their scales.

    Values enter as ranks, diverged ones last, so that no outlier decides. Trees see a column for each field; one that
    does not count for a trial is -1.

    Source: Breiman 2001 (permutation importance); Hutter et al. 2014 for forests over hyper-parameters.
    """
    n = len(looks)
    if n < _FEWEST:
        return Importance(n=n, reason=f"{n} trials are too few to tell: {_FEWEST} are needed")
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.inspection import permutation_importance

    paths = [path for path in space.paths if space.role(path) != "fixed"]
    rows_NP = np.array([[space.positions(look.changes).get(path, -1.0) for path in paths] for look in looks])
    ranks = np.array([_rank(record, looks, look) for look in looks])
    if np.ptp(ranks) == 0:
        return Importance(n=n, reason="all trials are equally good: nothing can be told")
    forest = ExtraTreesRegressor(200, min_samples_leaf=2, bootstrap=True, oob_score=True, random_state=0, n_jobs=1)
    forest.fit(rows_NP, ranks)
    explained = float(forest.oob_score_)
    if explained < _EXPLAINED:
        return Importance(
            explained=explained, n=n, reason="the fields do not explain the ranks of trials: no importance can be told"
        )
    found = permutation_importance(forest, rows_NP, ranks, n_repeats=10, random_state=0, n_jobs=1)
    weights = np.maximum(0.0, found.importances_mean)
    shares = weights / max(float(weights.sum()), 1e-12)
    order = np.argsort(-shares)
    return Importance(tuple((paths[k], float(shares[k])) for k in order), explained, n)


def _rank(record: StudyRecord, looks: Sequence[Look], look: Look) -> float:
    """Share of trials that are better, those that equal it counted half; looks are ordered best first."""
    if not look.counts:
        return 1.0
    sign = -1.0 if record.plan.higher_is_better else 1.0
    better = sum(k.counts and sign * k.value < sign * look.value for k in looks)
    equal = sum(k.counts and k.value == look.value for k in looks)
    return (better + 0.5 * equal) / len(looks)


def _slices(record: StudyRecord, space: Space, looks: Sequence[Look]) -> list[Slice]:
    found = []
    for path in space.paths:
        axes = [axis for axis in space.axes if axis.path == path]
        if not axes:
            continue
        there = [
            (axis, look) for look in looks if look.counts for axis in space.active(look.changes) if axis.path == path
        ]
        if there:
            found.append(_slice(record, space, path, axes[0], [look for _, look in there]))
    return found


def _slice(record: StudyRecord, space: Space, path: str, axis: Axis, looks: Sequence[Look]) -> Slice:
    ranked = record.ranked(looks)
    top = ranked[: max(3, math.ceil(_BEST * len(ranked)))]
    dimension = axis.dimension
    if isinstance(dimension, Choice):
        labels = tuple(named(value) for value in dimension.ends())
        x = [float(dimension.taken(look.changes[path]) or 0) for look in looks]
        taken = {labels[int(dimension.taken(look.changes[path]) or 0)] for look in top}
        best = ", ".join(label for label in labels if label in taken)
        parts = [(k - 0.4, k + 0.4) for k in range(len(labels))]
    else:
        labels = ()
        x = [float(look.changes[path]) for look in looks]
        values = [float(look.changes[path]) for look in top]
        best = f"{min(values):.3g} to {max(values):.3g}"
        edges = [float(dimension.at(k / _BINS)) for k in range(_BINS + 1)]
        parts = list(itertools.pairwise(edges))
    best_of = max if record.plan.higher_is_better else min
    tuned = []
    for low, high in parts:
        inside = [look.value for at, look in zip(x, looks, strict=True) if low <= at <= high]
        if inside:
            tuned.append((low, high, best_of(inside)))
    return Slice(
        path=path,
        role=space.role(path),
        x=tuple(x),
        y=tuple(look.value for look in looks),
        trials=tuple(look.trial for look in looks),
        labels=labels,
        log=isinstance(dimension, LogUniform),
        best=best,
        tuned=tuple(tuned),
    )


def _best_of(record: StudyRecord, looks: Sequence[Look]) -> BestOf | None:
    """Only for points that do not depend on results: the estimator is for independent trials."""
    if record.plan.method not in ("random", "sobol", "halton") or not any(look.counts for look in looks):
        return None
    values = [look.value if look.counts else math.nan for look in looks]
    higher = record.plan.higher_is_better
    curve = {point.k: point for point in tuning_curve(values, higher_is_better=higher)}
    ks = tuple(k for k in _KS if k in curve)
    mean = tuple(curve[k].mean for k in ks)
    try:
        band = tuning_band(values, ks, higher_is_better=higher)
    except MissingExtraError:
        errors = [curve[k].standard_error for k in ks]
        low = tuple(None if e is None else m - 2 * e for m, e in zip(mean, errors, strict=True))
        high = tuple(None if e is None else m + 2 * e for m, e in zip(mean, errors, strict=True))
        return BestOf(ks, mean, low, high, "two jackknife errors, each k by itself", len(values))
    return BestOf(ks, mean, band.low, band.high, "95 % band of the median, for all k together", len(values))
