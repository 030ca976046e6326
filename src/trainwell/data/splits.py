"""Seeded splits: hold-out shares and folds, stratified, grouped, ordered by time or plain random.

scikit-learn splits; it is imported where it is needed, since it takes long to load.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from trainwell.errors import ProblemError, unknown_name
from trainwell.seeding import stream_seed

Index: TypeAlias = NDArray[np.int64]
Kind: TypeAlias = Literal["auto", "stratified", "grouped", "time", "random"]
KINDS: tuple[str, ...] = ("auto", "stratified", "grouped", "time", "random")
_GROUP_DRAWS = 30


@dataclass(frozen=True)
class Fold:
    """Rising indices of the examples of one split into training and validation."""

    train: Index
    val: Index


def resolve_kind(kind: str, labels: NDArray[Any] | None, groups: NDArray[Any] | None) -> str:
    """What `auto` means: grouped where groups are given, else stratified where labels are, else random.

    Raises:
        ProblemError: For an unknown kind, or one that lacks what it needs.
    """
    if kind not in KINDS:
        raise ProblemError(f"`split`: {unknown_name('split', str(kind), KINDS)}")
    if kind == "auto":
        return "grouped" if groups is not None else "stratified" if labels is not None else "random"
    if groups is not None and kind != "grouped":
        raise ProblemError(f"`split` must be 'grouped' where groups are given, got '{kind}'. Drop one of them")
    if kind == "grouped" and groups is None:
        raise ProblemError("`split` = 'grouped' must go with `groups`, got none. Pass one group per example")
    if kind == "stratified" and labels is None:
        raise ProblemError("`split` = 'stratified' must go with class labels, got none. Use split='random'")
    return kind


def holdout(
    examples: int,
    shares: Sequence[float] = (0.1, 0.1),
    *,
    kind: str = "auto",
    labels: Any = None,
    groups: Any = None,
    seed: int = 0,
) -> list[Index]:
    """Hold out shares of the examples: `[rest, first share, second share, ...]`, each with rising indices.

    Args:
        examples: Number of examples n.
        shares: Size of each held-out part. [fraction of n, each in (0, 1), sum below 1]
        kind: `stratified` keeps class shares, `grouped` never parts a group, `time` holds out the end, in order.
        labels: Class of each example, (n,).
        groups: Group of each example, (n,).
        seed: Equal seeds give equal splits.

    Raises:
        ProblemError: If the shares, or the smallest class or the groups, allow no such split.
    """
    from sklearn.model_selection import train_test_split

    labels, groups = _column(labels, examples, "labels"), _column(groups, examples, "groups")
    kind = resolve_kind(kind, labels, groups)
    sizes = _sizes(examples, shares)
    rest: Index = np.arange(examples)
    if kind == "time":
        parts = []
        for size in reversed(sizes):
            parts.append(rest[len(rest) - size :])
            rest = rest[: len(rest) - size]
        return [rest, *reversed(parts)]
    if kind == "stratified":
        _refuse_small_classes(cast("NDArray[Any]", labels), sizes)
    held: list[Index] = [rest] * len(sizes)
    for number in reversed(range(len(sizes))):
        inner = None if labels is None else labels[rest]
        if kind == "grouped":
            fold = _grouped(cast("NDArray[Any]", groups)[rest], inner, sizes[number] / len(rest), _state(seed, number))
        else:
            stratify = inner if kind == "stratified" else None
            left, right = train_test_split(
                np.arange(len(rest)), test_size=sizes[number], random_state=_state(seed, number), stratify=stratify
            )
            fold = Fold(np.sort(left), np.sort(right))
        held[number], rest = rest[fold.val], rest[fold.train]
    return [rest, *held]


def folds(
    examples: int,
    k: int = 5,
    *,
    repeats: int = 1,
    kind: str = "auto",
    labels: Any = None,
    groups: Any = None,
    seed: int = 0,
) -> list[Fold]:
    """K-fold splits, repeated with new seeds; `time` grows the training part and validates on what follows.

    Raises:
        ProblemError: If there are fewer examples (of a class, or groups) than folds.
    """
    labels, groups = _column(labels, examples, "labels"), _column(groups, examples, "groups")
    kind = resolve_kind(kind, labels, groups)
    if not 2 <= k <= examples:
        raise ProblemError(f"`k` must be from 2 to the number of examples {examples}, got {k}. Use fewer folds")
    if repeats < 1:
        raise ProblemError(f"`repeats` must be at least 1, got {repeats}. Use 1")
    if kind == "stratified":
        _refuse_class_below(cast("NDArray[Any]", labels), k, f"for {k} folds")
    if groups is not None and kind == "grouped" and len(np.unique(groups)) < k:
        raise ProblemError(f"`k` must be at most the number of groups {len(np.unique(groups))}, got {k}")
    found: list[Fold] = []
    for repeat in range(repeats):
        splitter = _splitter(kind, k, _state(seed, repeat), labels)
        found += splits_of(splitter, examples, labels, groups)
        if kind == "time":
            break
    return found


def splits_of(splitter: Any, examples: int, labels: Any = None, groups: Any = None) -> list[Fold]:
    """The folds of any scikit-learn splitter (an object with `split(X, y, groups)`).

    Raises:
        ProblemError: If the splitter refuses the data.
    """
    try:
        pairs: Iterator[tuple[Any, Any]] = splitter.split(np.zeros((examples, 1)), labels, groups)
        return [Fold(np.sort(np.asarray(left)), np.sort(np.asarray(right))) for left, right in pairs]
    except ValueError as error:
        raise ProblemError(f"`split` must suit the data, got from {type(splitter).__name__}: {error}") from error


def representatives(keys: Sequence[Hashable]) -> tuple[Index, Index]:
    """The first example of each key, (u,), and for every example the number of its key among these, (n,)."""
    numbers: dict[Hashable, int] = {}
    member = np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int64, len(keys))
    _, first = np.unique(member, return_index=True)
    return first, member


def spread(parts: Sequence[Index], member: Index) -> list[Index]:
    """Let every example go where its representative went; rising indices."""
    side = np.full(int(member.max()) + 1, -1)
    for number, part in enumerate(parts):
        side[part] = number
    return [np.flatnonzero(side[member] == number) for number in range(len(parts))]


def _splitter(kind: str, k: int, seed: int, labels: NDArray[Any] | None) -> Any:
    from sklearn import model_selection

    if kind == "time":
        return model_selection.TimeSeriesSplit(k)
    if kind == "grouped":
        if labels is None:
            return model_selection.GroupKFold(k, shuffle=True, random_state=seed)
        return model_selection.StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    family = model_selection.StratifiedKFold if kind == "stratified" else model_selection.KFold
    return family(k, shuffle=True, random_state=seed)


def _grouped(groups: NDArray[Any], labels: NDArray[Any] | None, share: float, seed: int) -> Fold:
    """The best of some seeded draws of whole groups: closest to the share, and to the class shares."""
    from sklearn.model_selection import GroupShuffleSplit

    if len(np.unique(groups)) < 2:
        raise ProblemError(
            "`groups` must be at least one for each of train, val and test, got too few. "
            "Give finer groups, or pass val and test yourself"
        )
    draws = GroupShuffleSplit(_GROUP_DRAWS, test_size=share, random_state=seed)
    pairs = list(draws.split(np.zeros((len(groups), 1)), labels, groups))
    classes = None if labels is None else (labels[:, None] == np.unique(labels)[None, :]).astype(np.float64)

    def distance(pair: tuple[Index, Index]) -> float:
        away = abs(len(pair[1]) / len(groups) - share) / share
        if classes is None:
            return away
        shift = float(np.abs(classes[pair[0]].mean(0) - classes[pair[1]].mean(0)).sum())
        missing = int((classes[pair[0]].sum(0) == 0).sum())
        return away + shift + 10 * missing

    left, right = min(pairs, key=distance)
    return Fold(np.sort(left), np.sort(right))


def _state(seed: int, number: int) -> int:
    """scikit-learn takes seeds of 32 bits."""
    return stream_seed(seed, "split", number) % 2**32


def _sizes(examples: int, shares: Sequence[float]) -> list[int]:
    for share in shares:
        if not 0 < share < 1:
            raise ProblemError(f"a held-out share must be above 0 and below 1, got {share:g}. Use 0.1")
    if sum(shares) >= 1:
        raise ProblemError(f"the held-out shares must sum to below 1, got {sum(shares):g}. Use 0.1 each")
    sizes = [max(1, round(examples * share)) for share in shares]
    if examples - sum(sizes) < 1:
        raise ProblemError(
            f"`train` must hold enough examples for {len(sizes)} held-out parts, got {examples}. Give more data"
        )
    return sizes


def _refuse_small_classes(labels: NDArray[Any], sizes: list[int]) -> None:
    classes = len(np.unique(labels))
    _refuse_class_below(labels, len(sizes) + 1, "so that each part can hold one")
    small = min(sizes)
    if small < classes:
        raise ProblemError(
            f"a stratified part must hold at least one example of each of the {classes} classes, got a share of "
            f"{small} examples. Hold out a larger share, or use split='random'"
        )


def _refuse_class_below(labels: NDArray[Any], least: int, why: str) -> None:
    values, counts = np.unique(labels, return_counts=True)
    if counts.min() < least:
        rare = values[counts.argmin()]
        raise ProblemError(
            f"`train` must have at least {least} examples of every class {why}, got {counts.min()} of class {rare}. "
            "Collect more, drop the class, or use split='random'"
        )


def _column(values: Any, examples: int, name: str) -> NDArray[Any] | None:
    if values is None:
        return None
    column = np.asarray(values)
    if column.shape != (examples,):
        raise ProblemError(
            f"`{name}` must be one value per example, shape ({examples},), got shape {column.shape}. "
            "Give the value of each row of `train`"
        )
    return column
