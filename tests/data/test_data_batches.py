"""Orders of an epoch, and batches in them."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset

from trainwell.data import Examples, Streamed, balanced_order, batch_count, batches, epoch_order, stored_order
from trainwell.errors import ProblemError
from trainwell.seeding import Streams

X = torch.arange(23.0)[:, None]
Y = torch.arange(23)


class Drawn(Dataset):
    """Draws from all three global generators."""

    def __len__(self):
        return 23

    def __getitem__(self, index):
        noise = random.random() + np.random.random() + float(torch.rand(()))
        return X[index] + 100 * noise, index


class Flow(IterableDataset):
    def __iter__(self):
        for index in range(23):
            yield X[index] + torch.rand(()), index


def _inputs(source, order, **keywords):
    return [batch.inputs for batch in batches(source, order, 5, **keywords)]


def test_the_order_is_a_permutation_that_depends_on_seed_and_epoch_alone():
    streams = Streams(3)
    assert torch.equal(epoch_order(50, streams.order(4)), epoch_order(50, Streams(3).order(4)))
    assert not torch.equal(epoch_order(50, streams.order(4)), epoch_order(50, streams.order(5)))
    assert torch.equal(epoch_order(50, 1).sort().values, stored_order(50))


def test_the_balanced_order_draws_classes_equally_and_members_equally():
    labels = torch.tensor([0] * 9000 + [2] * 1000)  # class 1 does not occur
    order = torch.cat([balanced_order(labels, seed) for seed in range(4)])
    drawn = torch.bincount(labels[order])
    assert drawn[1] == 0
    assert abs(int(drawn[2]) - 20_000) < 500  # 5 standard deviations of a binomial of 40,000 at one half
    members = torch.bincount(order[labels[order] == 2])[9000:]
    assert abs(members.double().var() / members.double().mean() - 1) < 0.25  # Poisson; 5 standard errors


def test_the_balanced_order_needs_one_class_per_example():
    with pytest.raises(ProblemError, match="one class per example"):
        balanced_order(torch.zeros(4, 2), 0)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("source", [Examples(X, Y), Streamed(Drawn())], ids=["memory", "streamed"])
def test_batches_follow_the_order(source, drop_last):
    order = epoch_order(23, 7)
    seen = [batch.targets for batch in batches(source, order, 5, drop_last=drop_last)]
    assert len(seen) == batch_count(23, 5, drop_last=drop_last) == 5 - drop_last
    assert torch.equal(torch.cat(seen), order[: 20 if drop_last else 23])


@pytest.mark.parametrize("source", [Examples(X, Y), Streamed(Drawn()), Streamed(Flow())], ids=["memory", "map", "flow"])
def test_an_epoch_resumes_in_its_middle_to_the_bit(source):
    order = None if source is not None and getattr(source, "iterable", False) else epoch_order(23, 7)
    whole = _inputs(source, order, seed=5)
    torch.rand(3)  # draws elsewhere do not matter
    rest = _inputs(source, order, seed=5, start=3)
    assert len(rest) == 2
    assert all(torch.equal(a, b) for a, b in zip(whole[3:], rest, strict=True))


@pytest.mark.parametrize("source", [Streamed(Drawn()), Streamed(Flow())], ids=["map", "flow"])
def test_streaming_draws_nothing_from_the_generators_of_the_training(source):
    def states():
        return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()

    before = states()
    for _ in batches(source, None, 5, seed=1):
        assert states() == before


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more than a small machine has cores
def test_worker_processes_draw_what_this_process_draws():
    order = epoch_order(23, 7)
    alone = _inputs(Streamed(Drawn()), order, seed=2)
    with_workers = _inputs(Streamed(Drawn(), workers=2), order, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(alone, with_workers, strict=True))
    assert not torch.equal(alone[0], _inputs(Streamed(Drawn()), order, seed=3)[0])
