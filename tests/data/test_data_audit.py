"""The audit finds what was planted and counts exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.metrics import roc_auc_score
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset

from trainwell.data import Examples, Streamed, audit
from trainwell.data.fingerprints import conflicting, duplicates, hash_rows, keys_of, shared
from trainwell.data.moments import moments_of, shift
from trainwell.data.telling import most_telling_feature, nearest_neighbour_agreement, runs_in_blocks

DIGITS = [torch.as_tensor(a) for a in load_digits(return_X_y=True)]
X, Y = DIGITS[0].float(), DIGITS[1]


def _digits(index):
    return Examples(X[index], Y[index])


def test_a_clean_problem_has_no_overlap_and_right_counts():
    facts = audit({"train": _digits(slice(0, 1400)), "val": _digits(slice(1400, None))}, "multiclass", 10, "table")
    train = facts.splits["train"]
    assert facts.overlaps == ()
    assert train.label_counts == {str(k): int((Y[:1400] == k).sum()) for k in range(10)}
    assert (train.duplicates, train.conflicting, train.invalid_labels, train.non_finite_inputs) == (0, 0, 0, 0)
    assert train.input_mean == pytest.approx(float(X[:1400].mean()), rel=1e-6)
    assert train.input_std == pytest.approx(float(X[:1400].std(correction=0)), rel=1e-6)
    assert (train.input_min, train.input_max) == (0, 16)
    assert train.constant_share == pytest.approx(float((X[:1400].std(0) == 0).double().mean()))
    assert facts.nearest_neighbour_agreement > 0.9
    assert not facts.sequential
    assert facts.leaky_feature[1] < 0.9


def test_planted_overlap_duplicates_and_conflicts_are_counted_exactly():
    train = Examples(torch.cat([X[:1000], X[:30]]), torch.cat([Y[:1000], Y[:20], (Y[20:30] + 1) % 10]))
    val = Examples(torch.cat([X[1000:1100], X[:7]]), torch.cat([Y[1000:1100], Y[:7]]))
    facts = audit({"train": train, "val": val}, "multiclass", 10, "table")
    assert facts.splits["train"].duplicates == 30
    assert facts.splits["train"].conflicting == 20
    assert [(o.split, o.examples) for o in facts.overlaps] == [("val", 7)]
    assert facts.overlaps[0].share == pytest.approx(7 / 107)


def test_values_that_are_not_finite_and_labels_out_of_range_are_counted():
    wrong = Examples(X[:100].clone(), Y[:100].clone())
    wrong.inputs[3, 4:6] = math.nan
    wrong.targets[:2] = torch.tensor([-1, 10])
    train = audit({"train": wrong}, "multiclass", 10, "table").splits["train"]
    assert (train.non_finite_inputs, train.invalid_labels) == (2, 2)
    assert math.isfinite(train.input_mean)


def test_a_split_that_was_scaled_otherwise_shows_and_an_equal_one_does_not():
    splits = {
        "train": _digits(slice(0, 1200)),
        "val": Examples(X[1200:] / 16, Y[1200:]),
        "test": _digits(slice(1200, None)),
    }
    facts = audit(splits, "multiclass", 10, "table")
    assert facts.shift["val"] > 1
    assert facts.shift["test"] < 0.5


def test_noise_alone_shifts_nothing():
    generator = torch.Generator().manual_seed(0)
    draws = [torch.randn(n, 50, generator=generator) for n in (2000, *[60] * 40)]
    train, *others = [moments_of(draw) for draw in draws]
    # 40 draws at an error rate of 0.001 each: more than one alarm has probability below 0.001
    assert sum(shift(train, other) > 0 for other in others) <= 1


def test_moments_by_channel_are_those_of_the_channel():
    images = torch.randn(20, 3, 5, 5) * 4 + torch.tensor([1.0, 2.0, 3.0])[:, None, None]
    groups = moments_of(images).by_group("image")
    assert torch.allclose(groups.mean.float(), images.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(groups.variance.sqrt().float(), images.std((0, 2, 3), correction=0), atol=1e-4)


def test_regression_targets_have_moments_and_no_labels():
    targets = torch.randn(200) * 3 + 10
    train = audit({"train": Examples(X[:200], targets)}, "regression", None, "table").splits["train"]
    assert train.target_mean == pytest.approx(float(targets.mean()), rel=1e-5)
    assert train.target_std == pytest.approx(float(targets.std(correction=0)), rel=1e-5)
    assert train.label_counts is None


def test_multilabel_counts_each_label():
    targets = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    train = audit({"train": Examples(X[:3], targets)}, "multilabel", 2, "table").splits["train"]
    assert train.label_counts == {"0": 2, "1": 1}


def test_sorted_labels_are_sequential_and_mixed_or_cycling_ones_are_not():
    assert runs_in_blocks(np.sort(Y.numpy()))
    assert not runs_in_blocks(Y.numpy())
    assert not runs_in_blocks(np.arange(1000) % 10)
    assert not runs_in_blocks(np.zeros(1000))


def test_runs_have_the_expected_number_under_mixing():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    assert not any(runs_in_blocks(generator.permutation(labels)) for _ in range(200))


def test_the_most_telling_feature_of_a_binary_task_has_the_auc_of_scikit_learn():
    inputs, labels = load_breast_cancer(return_X_y=True)
    _, area = most_telling_feature(torch.tensor(inputs).float(), torch.tensor(labels))
    areas = [roc_auc_score(labels, inputs[:, j].astype("f4")) for j in range(inputs.shape[1])]
    assert area == pytest.approx(max(max(a, 1 - a) for a in areas))
    assert area < 0.999


def test_easy_classes_do_not_leak_but_a_copied_label_does():
    inputs, labels = (torch.as_tensor(a) for a in load_iris(return_X_y=True))
    assert most_telling_feature(inputs.float(), labels)[1] < 0.99
    codes = torch.tensor([5.0, -1.0, 2.0])[labels][:, None]
    assert most_telling_feature(torch.cat([inputs.float(), codes], 1), labels) == (4, 1.0)


def test_a_monotone_copy_of_a_number_leaks():
    targets = torch.randn(300)
    inputs = torch.stack([torch.randn(300), targets.exp()], 1)
    assert most_telling_feature(inputs, targets) == (1, pytest.approx(1.0))


def test_shuffled_labels_agree_with_neighbours_no_more_than_chance():
    shuffled = Y[torch.randperm(len(Y), generator=torch.Generator().manual_seed(0))]
    assert nearest_neighbour_agreement(X, Y, standardize=True) > 0.9
    # 5 standard deviations of a share of 1,797 at 0.1
    assert nearest_neighbour_agreement(X, shuffled, standardize=True) == pytest.approx(0.1, abs=0.036)


class Augmented(Dataset):
    """Every draw differs, the samples behind it do not."""

    def __init__(self, data, targets):
        self.data, self.targets = data, targets

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index] + torch.randn(64), int(self.targets[index])


def test_overlap_is_seen_through_subsets_and_random_transforms():
    whole, twin = Augmented(X, Y), Augmented(X.clone(), Y.tolist())
    train = Streamed(ConcatDataset([Subset(whole, range(100)), Subset(twin, range(200, 300))]))
    val = Streamed(Subset(whole, range(90, 120)))
    facts = audit({"train": train, "val": val}, "multiclass", 10, "table")
    assert [(o.split, o.examples) for o in facts.overlaps] == [("val", 10)]
    assert facts.splits["train"].duplicates == 0
    assert sum(facts.splits["val"].label_counts.values()) == 30


def test_items_without_known_samples_are_told_apart_by_their_data_set():
    class Blind(Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return torch.randn(2), 0

    blind = Blind()
    a, b = (keys_of(Streamed(Subset(blind, index))) for index in ([1, 2, 3], [3, 4]))
    assert shared(a, b) == 1
    assert shared(a, keys_of(Streamed(Blind()))) == 0


def test_a_series_cut_into_windows_is_not_taken_for_repeated_numbers():
    class Windows(Dataset):
        data = np.arange(40) % 2

        def __len__(self):
            return 40

        def __getitem__(self, index):
            return torch.tensor(np.take(self.data, range(index, index + 9), mode="wrap")), 0

    assert duplicates(keys_of(Streamed(Windows()))) == 0


def test_an_iterable_has_no_fingerprints():
    class Flow(IterableDataset):
        def __iter__(self):
            return iter(zip(X[:50], Y[:50], strict=True))

    assert keys_of(Streamed(Flow())) is None
    facts = audit({"train": Streamed(Flow())}, "multiclass", 10, "table")
    assert facts.splits["train"].examples == 0
    assert facts.splits["train"].looked_at == 50


def test_the_audit_leaves_the_random_generators_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    audit({"train": Streamed(Augmented(X, Y))}, "multiclass", 10, "table")
    assert torch.equal(before, torch.get_rng_state())


def test_fingerprints_join_several_inputs():
    a, b = torch.tensor([[1.0], [1.0], [2.0]]), torch.tensor([[5], [6], [5]])
    assert duplicates(hash_rows([a])) == 1
    assert duplicates(hash_rows([a, b])) == 0
    assert conflicting(hash_rows([a]), np.array([0, 1, 0])) == 2
