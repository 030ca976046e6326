import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import ConcatDataset, Subset, TensorDataset

from trainwell.probes import datasets, fingerprint


@given(
    st.integers(1, 40), st.integers(1, 33), st.sampled_from([torch.float32, torch.uint8, torch.int64, torch.float64])
)
def test_equal_rows_and_only_they_have_equal_hashes(rows, width, dtype):
    values = torch.arange(rows * width).reshape(rows, width).to(dtype)
    doubled = torch.cat([values, values])
    hashes = fingerprint.rows(doubled)
    assert (hashes[:rows] == hashes[rows:]).all()
    assert len(np.unique(hashes)) == len({row.numpy().tobytes() for row in values})


def test_rows_are_found_through_views():
    x = torch.randn(30, 4)
    whole = TensorDataset(x, torch.zeros(30))
    view = ConcatDataset([Subset(whole, [3, 4]), Subset(Subset(whole, range(10, 20)), [0])])
    assert datasets.raw_rows(view).tolist() == fingerprint.rows(x)[[3, 4, 10]].tolist()


def test_rows_are_found_behind_a_random_transform():
    class Noisy(torch.utils.data.Dataset):
        def __init__(self, images):
            self.images, self.labels = images, torch.arange(len(images))

        def __len__(self):
            return len(self.images)

        def __getitem__(self, i):
            raise AssertionError("must not be called")

    images = np.random.default_rng(0).random((20, 3, 3))
    assert datasets.raw_rows(Noisy(images)).tolist() == fingerprint.rows(images).tolist()
