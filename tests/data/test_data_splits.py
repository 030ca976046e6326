"""Hold-out shares and folds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import LeaveOneGroupOut, ShuffleSplit

from trainwell.data.splits import folds, holdout, representatives, splits_of, spread
from trainwell.errors import ProblemError

LABELS = np.repeat([0, 1, 2], [60, 30, 10])


@given(n=st.integers(20, 300), seed=st.integers(0, 50), kind=st.sampled_from(["random", "time", "grouped"]))
@settings(max_examples=25, deadline=None)
def test_parts_are_a_partition_with_rising_indices(n, seed, kind):
    groups = np.arange(n) // 3 if kind == "grouped" else None
    parts = holdout(n, (0.2, 0.1), kind=kind, groups=groups, seed=seed)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n))
    assert all((np.diff(part) > 0).all() for part in parts)
    assert all(len(part) for part in parts)


def test_equal_seeds_give_equal_splits_and_others_differ():
    a, b, c = (holdout(100, labels=LABELS, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert not np.array_equal(a[1], c[1])


def test_stratified_parts_keep_the_class_shares():
    for part, size in zip(holdout(100, (0.1, 0.1), labels=LABELS), (80, 10, 10), strict=True):
        assert np.bincount(LABELS[part]).tolist() == [round(size * share) for share in (0.6, 0.3, 0.1)]


def test_a_group_is_never_on_two_sides_and_classes_stay_in_train():
    groups = np.arange(300) // 7
    labels = (groups % 5 == 0).astype(int)
    parts = holdout(300, (0.2, 0.2), labels=labels, groups=groups)
    sides = [set(groups[part]) for part in parts]
    assert sum(map(len, sides)) == len(set.union(*sides))
    assert set(labels[parts[0]]) == {0, 1}


def test_time_holds_out_the_end_in_order():
    train, val, test = holdout(100, (0.1, 0.2), kind="time")
    assert (train.max(), val.min(), val.max(), test.min()) == (69, 70, 79, 80)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"labels": np.repeat([0, 1], [99, 1])}, "at least 3 examples of every class .* got 1 of class 1"),
        ({"labels": np.arange(100) // 5}, "of each of the 20 classes, got a share of 10"),
        ({"shares": (0.5, 0.5)}, "sum to below 1"),
        ({"shares": (0.0,)}, "above 0 and below 1"),
        ({"kind": "strat", "labels": LABELS}, "Did you mean 'stratified'"),
        ({"kind": "grouped"}, "groups"),
        ({"kind": "stratified"}, "class labels"),
        ({"kind": "random", "groups": np.arange(100)}, "must be 'grouped'"),
        ({"groups": np.zeros(100)}, "finer groups"),
        ({"groups": np.zeros(99)}, r"shape \(100,\), got shape \(99,\)"),
    ],
)
def test_splits_that_cannot_be_are_refused(arguments, words):
    with pytest.raises(ProblemError, match=words):
        holdout(100, **arguments)


def test_every_example_is_validated_once_per_repeat():
    found = folds(100, 5, repeats=2, labels=LABELS)
    assert len(found) == 10
    for repeat in (found[:5], found[5:]):
        assert np.array_equal(np.sort(np.concatenate([fold.val for fold in repeat])), np.arange(100))
    assert not np.array_equal(found[0].val, found[5].val)


def test_folds_by_time_never_validate_on_the_past():
    assert all(fold.train.max() < fold.val.min() for fold in folds(50, 4, kind="time"))


def test_grouped_folds_keep_groups_together():
    groups = np.arange(60) // 4
    for fold in folds(60, 3, groups=groups, labels=np.arange(60) % 2):
        assert not set(groups[fold.train]) & set(groups[fold.val])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"k": 1}, "from 2 to"),
        ({"k": 5, "labels": np.repeat([0, 1], [97, 3])}, "for 5 folds, got 3 of class 1"),
        ({"k": 5, "groups": np.arange(100) // 40}, "number of groups 3"),
        ({"k": 5, "repeats": 0}, "`repeats`"),
    ],
)
def test_folds_that_cannot_be_are_refused(arguments, words):
    with pytest.raises(ProblemError, match=words):
        folds(100, **arguments)


def test_any_splitter_of_scikit_learn_is_accepted():
    assert len(splits_of(LeaveOneGroupOut(), 12, groups=np.arange(12) // 4)) == 3
    assert len(splits_of(ShuffleSplit(2, random_state=0), 12)[0].val) == 2
    with pytest.raises(ProblemError, match="LeaveOneGroupOut"):
        splits_of(LeaveOneGroupOut(), 12)


def test_copies_go_where_their_first_one_went():
    keys = ["a", "b", "a", "c", "b", "a"]
    first, member = representatives(keys)
    assert first.tolist() == [0, 1, 3]
    assert [part.tolist() for part in spread([np.array([0, 2]), np.array([1])], member)] == [[0, 2, 3, 5], [1, 4]]
