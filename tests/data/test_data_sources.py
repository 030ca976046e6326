"""What may be given as data, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate

from trainwell.data import Examples, Streamed, as_source
from trainwell.errors import ProblemError

X = np.arange(12.0).reshape(6, 2)
Y = [0, 1, 0, 1, 0, 1]


class Table:
    """Quacks like pandas."""

    def __init__(self, array, columns=None, dtypes=None):
        self.array, self.columns, self.dtypes = array, columns, dtypes

    def to_numpy(self):
        return self.array


class Steady(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return torch.tensor(X[index]), Y[index]


class Noisy(Steady):
    def __getitem__(self, index):
        return torch.tensor(X[index]) + torch.randn(2), Y[index]


@pytest.mark.parametrize("inputs", [X, X.tolist(), torch.tensor(X), Table(X), X.astype("f2"), X.astype("u1")])
@pytest.mark.parametrize("targets", [Y, np.array(Y)[:, None], torch.tensor(Y), Table(np.array(Y)), np.array(Y, bool)])
def test_arrays_tables_tensors_and_lists_become_the_same_examples(inputs, targets):
    source = as_source((inputs, targets))
    assert source.inputs.dtype == torch.float32
    assert source.inputs.tolist() == X.tolist()
    assert source.targets.dtype == torch.int64
    assert source.targets.tolist() == Y


def test_whole_numbers_other_than_bytes_are_tokens():
    assert as_source((X.astype(int), Y)).inputs.dtype == torch.int64


def test_several_inputs_are_a_tuple_or_a_dict():
    assert len(as_source(((X, X), Y)).inputs) == 2
    assert list(as_source(({"a": X, "b": X}, Y)).inputs) == ["a", "b"]
    assert list(as_source({"a": X, "y": Y}).inputs) == ["a"]


def test_real_targets_stay_real():
    assert as_source((X, np.linspace(0, 1, 6))).targets.dtype == torch.float32


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((X, Y[:-1]), "6 inputs and 5 targets"),
        (((X, X[:3]), Y), r"equal length, got \[3, 6\]"),
        ((X[:0], []), "must hold examples, got 0"),
        ((np.where(X == 5, np.nan, X), Y), r"1 NaN or infinite value, the first \(nan\) at index \(2, 1\)"),
        ((np.where(X > 9, np.inf, X), Y), r"2 NaN or infinite values, the first \(inf\) at index \(5, 0\)"),
        ((X, [0, np.nan, 1, 0, 1, 0]), r"` targets must be finite, .* at index 1"),
        ((X, list("abcabc")), "numpy.unique"),
        ((X.astype(object), Y), "dtype object"),
        ((np.full((6, 2), "a"), Y), "must be numbers"),
        (([[1, 2], [3]] * 3, Y), "rows of equal length"),
        ((X[:, 0], Y), r"Pass X\[:, None\]"),
        ((1.0, 2.0), "must be"),
        (X, "must be"),
        ("path.csv", "must be"),
        (None, "must be"),
    ],
)
def test_bad_data_is_refused_with_what_and_where(value, words):
    with pytest.raises(ProblemError, match=words):
        as_source(value)


def test_columns_that_are_no_numbers_are_named():
    table = Table(X.astype(object), ["size", "colour"], [np.dtype(float), np.dtype(object)])
    with pytest.raises(ProblemError, match="colour") as error:
        as_source((table, Y))
    assert "size" not in str(error.value)


def test_a_small_steady_data_set_is_read_into_memory():
    source = as_source(Steady())
    assert isinstance(source, Examples)
    assert source.inputs.tolist() == X.tolist()
    assert isinstance(as_source(Steady(), in_memory=False), Streamed)


def test_a_data_set_with_random_items_or_a_collate_function_is_streamed():
    assert isinstance(as_source(Noisy()), Streamed)
    assert isinstance(as_source(Steady(), collate=default_collate), Streamed)


def test_looking_at_a_data_set_leaves_the_random_generators_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    as_source(Noisy())
    assert torch.equal(before, torch.get_rng_state())


def test_items_of_unequal_length_need_a_collate_function():
    class Ragged(Steady):
        def __getitem__(self, index):
            return torch.zeros(index + 1), Y[index]

    def pad(rows):
        x, y = zip(*rows, strict=True)
        return torch.nn.utils.rnn.pad_sequence(x, batch_first=True), torch.tensor(y)

    assert as_source(Ragged(), collate=pad).first(3).inputs.shape == (3, 3)
    with pytest.raises(ProblemError, match="pass a collate function"):
        as_source(Ragged())
    with pytest.raises(ProblemError, match="equal shape"):
        as_source(Ragged(), in_memory=True)


def test_a_data_set_that_fails_says_at_which_item():
    class Broken(Steady):
        def __getitem__(self, index):
            raise KeyError("image_7")

    with pytest.raises(ProblemError, match=r"KeyError for item 0.*image_7"):
        as_source(Broken())


def test_items_that_are_no_tensors_and_loaders_are_refused():
    class Pictures(Steady):
        def __getitem__(self, index):
            return object(), 0

    with pytest.raises(ProblemError, match="must yield items that make a batch"):
        as_source(Pictures())
    with pytest.raises(ProblemError, match=r"Pass val=loader\.dataset"):
        as_source(DataLoader(Steady()), name="val")


def test_a_hugging_face_data_set_is_known_by_its_methods():
    class Quack:
        column_names: list[str] = ["x", "labels"]

        def with_format(self, kind):
            assert kind == "torch"
            return self

        def __len__(self):
            return 6

        def __getitem__(self, index):
            if isinstance(index, str):
                return Y
            return {"x": torch.tensor(X[index]), "labels": torch.tensor(Y[index])}

    source = as_source(Quack())
    assert source.labels.tolist() == Y
    assert source.targets is None


def test_nan_in_a_tensor_data_set_is_refused_too():
    with pytest.raises(ProblemError, match="must be finite"):
        as_source(TensorDataset(torch.full((3, 2), torch.nan), torch.zeros(3)))
