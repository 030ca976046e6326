"""Examples in memory and streamed sources."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset

from trainwell.data import Examples, Streamed, as_source, count, first, sample, subset
from trainwell.data.examples import as_batch
from trainwell.errors import ProblemError

X = torch.arange(12.0).reshape(6, 2)
Y = torch.tensor([0, 1, 0, 1, 0, 1])


class Rows(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return X[index], int(Y[index])


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(X, Y, strict=True))


def test_taking_rows_keeps_the_structure_of_inputs():
    index = torch.tensor([3, 0])
    for inputs in (X, (X, X + 1), {"a": X, "b": X + 1}):
        taken = Examples(inputs, Y).take(index)
        assert type(taken.inputs) is type(inputs)
        assert len(taken) == 2
        assert taken.targets.tolist() == [1, 0]


def test_cutting_gives_views_that_share_memory():
    examples = Examples(X, Y)
    assert examples.cut(1, 3).inputs.data_ptr() == X[1:].data_ptr()


def test_labels_of_a_model_with_its_own_loss_are_found_in_its_inputs():
    batch = as_batch({"input_ids": X.long(), "labels": Y})
    assert batch.targets is None
    assert torch.equal(batch.labels, Y)


def test_a_dict_batch_gives_up_its_target():
    batch = as_batch({"a": X, "target": Y})
    assert list(batch.inputs) == ["a"]
    assert torch.equal(batch.targets, Y)


@pytest.mark.parametrize(
    ("collated", "inputs"), [([X, Y], 1), ([X, X, Y], 2), ([[X, X], Y], 2), ([{"a": X}, Y], 1), ([X], 1)]
)
def test_tuple_batches_end_with_their_targets(collated, inputs):
    batch = as_batch(collated)
    found = 1 if isinstance(batch.inputs, torch.Tensor) else len(batch.inputs)
    assert found == inputs


def test_a_batch_of_something_else_is_refused():
    with pytest.raises(ProblemError, match="must be \\(inputs, targets\\)"):
        as_batch("text")


def test_streamed_rows_equal_the_rows_of_the_data_set():
    source = Streamed(Rows())
    assert torch.equal(source.take(torch.tensor([4, 1])).inputs, X[[4, 1]])
    assert torch.equal(first(source, 3).inputs, X[:3])
    assert count(source) == 6
    assert torch.equal(subset(source, torch.tensor([5, 2])).first(2).inputs, X[[5, 2]])


def test_an_iterable_has_no_length_and_gives_its_first_examples():
    source = Streamed(Stream())
    assert source.length is None
    assert torch.equal(sample(source, 4).inputs, X[:4])
    with pytest.raises(TypeError):
        len(source)


def test_a_sample_is_spread_over_the_whole_source():
    examples = Examples(torch.arange(100.0)[:, None])
    taken = sample(examples, 5).inputs[:, 0]
    assert taken.tolist() == [0, 24, 49, 74, 99]


def test_labels_are_found_behind_subsets_and_concatenations():
    class Told(Rows):
        targets = Y.tolist()

    dataset = ConcatDataset([Subset(Told(), [1, 0]), Told()])
    assert Streamed(dataset).labels().tolist() == [1, 0, *Y.tolist()]
    assert Streamed(Rows()).labels() is None


def test_memory_mapped_arrays_stay_on_disk_when_large(tmp_path, monkeypatch):
    monkeypatch.setattr("trainwell.data.sources.IN_MEMORY_BYTES", 10)
    mapped = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(20, 3))
    mapped[:] = np.arange(60).reshape(20, 3)
    source = as_source((mapped, np.arange(20) % 2))
    assert isinstance(source, Streamed)
    batch = subset(source, torch.tensor([7, 2])).first(2)
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs.tolist() == [[21, 22, 23], [6, 7, 8]]
    assert source.labels().tolist() == [0, 1] * 10


def test_a_tensor_data_set_behind_subsets_is_read_without_its_items():
    base = TensorDataset(X, Y)
    source = as_source(ConcatDataset([Subset(base, [5, 4]), base]))
    assert isinstance(source, Examples)
    assert torch.equal(source.inputs, torch.cat([X[[5, 4]], X]))
