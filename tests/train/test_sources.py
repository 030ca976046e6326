"""Every kind of data and model that a person may bring trains, and a streamed source equals one in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset, IterableDataset

from tests.train.small_problems import digits
from trainwell import Problem, Recipe, fit
from trainwell.problem import load_problem
from trainwell.problem.models import char_transformer

RECIPE = Recipe(epochs=4, batch_size=32, optimizer={"name": "adam", "lr": 0.01})
X, Y = load_digits(return_X_y=True)
X, Y = (X[:400] / 16).astype("float32"), Y[:400]


def net(width: int = 32) -> nn.Module:
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


class Noisy(Dataset):
    """A data set whose items are drawn anew each time."""

    def __init__(self, start: int, stop: int, noise: float = 0.05) -> None:
        self.start, self.stop, self.noise = start, stop, noise

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, i: int):
        x = torch.from_numpy(X[self.start + i])
        return x + self.noise * torch.randn(64), int(Y[self.start + i])


class Stream(IterableDataset):
    def __iter__(self):
        for x, y in zip(X, Y, strict=True):
            yield torch.from_numpy(x), int(y)


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.top, self.bottom, self.head = nn.Linear(32, 16), nn.Linear(32, 16), nn.Linear(32, 10)

    def forward(self, top, bottom):
        return self.head(torch.cat([F.relu(self.top(top)), F.relu(self.bottom(bottom))], 1))


class OwnLoss(nn.Module):
    """In the style of Hugging Face: labels in, loss and logits out."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, pixels, labels=None):
        logits = self.layer(pixels)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


class Lengths(Dataset):
    """Sequences of different length; the label is whether their sum is positive."""

    def __init__(self, seed: int, count: int = 200) -> None:
        draw = torch.Generator().manual_seed(seed)
        self.rows = [torch.randn(int(torch.randint(3, 9, (), generator=draw)), 1, generator=draw) for _ in range(count)]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int):
        return self.rows[i], int(self.rows[i].sum() > 0)


def padded(rows):
    xs, ys = zip(*rows, strict=True)
    return nn.utils.rnn.pad_sequence(list(xs), batch_first=True), torch.tensor(ys)


class Summed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 2)

    def forward(self, sequences):
        return self.layer(sequences).sum(1)


def test_a_data_set_with_a_random_transform_is_streamed_and_learns():
    run = fit(Problem(net, Noisy(0, 320), Noisy(320, 400), None, classes=10), RECIPE)
    assert run.info.best.metrics["accuracy"] > 0.7


def test_a_streamed_data_set_resumes_to_the_bit(tmp_path):
    from tests.train.test_resume import KillAt, Killed

    recipe = RECIPE.with_({"checkpoints.every_steps": 3})
    whole = fit(Problem(net, Noisy(0, 320), Noisy(320, 400), None, classes=10), recipe)
    with pytest.raises(Killed):
        fit(
            Problem(net, Noisy(0, 320), Noisy(320, 400), None, classes=10),
            recipe,
            folder=tmp_path,
            callbacks=[KillAt(16)],
        )
    resumed = fit(Problem(net, Noisy(0, 320), Noisy(320, 400), None, classes=10), recipe, folder=tmp_path, resume=True)
    np.testing.assert_array_equal(resumed.steps.loss, whole.steps.loss)


def test_a_stream_of_unknown_length_needs_steps_and_trains():
    problem = Problem(net, Stream(), (X[300:], Y[300:]), None, classes=10)
    assert fit(problem, RECIPE.with_({"steps": 10})).info.steps == 10


def test_a_memory_mapped_array_larger_than_the_limit_gives_the_losses_of_one_in_memory(tmp_path, monkeypatch):
    mapped = np.memmap(tmp_path / "x.bin", dtype="float32", mode="w+", shape=X.shape)
    mapped[:] = X
    whole = fit(Problem(net, (X, Y), split_seed=3), RECIPE)
    monkeypatch.setattr("trainwell.data.sources.IN_MEMORY_BYTES", 1000)
    run = fit(Problem(net, (mapped, Y), split_seed=3), RECIPE)
    assert np.isfinite(run.steps.loss).all()
    assert run.info.best.metrics["accuracy"] == pytest.approx(whole.info.best.metrics["accuracy"], abs=0.15)


def test_several_inputs_go_to_the_model_in_order():
    run = fit(Problem(TwoInputs, ((X[:, :32], X[:, 32:]), Y)), RECIPE)
    assert run.info.best.metrics["accuracy"] > 0.7


def test_a_model_that_returns_its_own_loss_is_trained_by_it():
    run = fit(Problem(OwnLoss, {"pixels": X, "labels": Y}), RECIPE)
    losses = run.evaluations().loss
    assert losses[-1] < 0.7 * losses[0]


def test_sequences_of_different_length_need_only_a_collate_function():
    run = fit(Problem(Summed, Lengths(0), Lengths(1, 60), None, classes=2, collate=padded), RECIPE.with_({"epochs": 8}))
    assert run.info.best.metrics["accuracy"] > 0.8


def test_a_language_model_learns_the_next_token():
    text = np.frombuffer(b"to be or not to be that is the question " * 60, np.uint8).astype("int64") % 32
    tokens = np.lib.stride_tricks.sliding_window_view(text, 17)[::4].copy()
    problem = Problem(
        lambda: char_transformer(32, 16, width=32, depth=1, heads=2), (tokens[:, :-1], tokens[:, 1:]), task="sequence"
    )
    run = fit(problem, RECIPE.with_({"epochs": 6}))
    assert run.info.best.metrics["perplexity"] < 6


@pytest.mark.slow
def test_shakespeare_loads_from_the_data_folder():
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not (folder / "tinyshakespeare.txt").exists():
        pytest.skip("the data folder is not there")
    run = fit(
        load_problem("tinyshakespeare", folder),
        Recipe(steps=3, batch_size=8, recording={"evaluations_per_epoch": 0.01}),
    )
    assert run.info.steps == 3


def test_ignored_tokens_count_neither_in_the_loss_nor_in_accumulation():
    tokens = torch.randint(0, 8, (64, 12), generator=torch.Generator().manual_seed(0))
    targets = tokens.roll(-1, 1)
    targets[:, 6:] = -100
    problem = Problem(lambda: nn.Embedding(8, 8), (tokens, targets), task="sequence", classes=8)
    sgd = Recipe(epochs=3, batch_size=32, optimizer={"name": "sgd", "lr": 1.0})
    whole = fit(problem, sgd)
    halves = fit(problem, sgd.with_({"batch_size": 16, "accumulate": 2}))
    np.testing.assert_allclose(halves.steps.loss, whole.steps.loss, rtol=1e-4)


def test_out_of_memory_cuts_batches_and_changes_only_rounding(monkeypatch):
    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(64, 10)

        def forward(self, x):
            if self.training and len(x) > 12:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.layer(x)

    sgd = RECIPE.with_({"optimizer": {"name": "sgd", "lr": 0.1}})
    run = fit(Problem(Small, (X, Y)), sgd)
    plain = fit(Problem(lambda: nn.Sequential(nn.Linear(64, 10)), (X, Y)), sgd)
    np.testing.assert_allclose(run.steps.loss, plain.steps.loss, rtol=1e-4)


def test_a_balanced_sampler_draws_rare_classes_as_often():
    rare = np.concatenate([np.flatnonzero(Y != 3), np.flatnonzero(Y == 3)[:4]])
    assert (
        fit(Problem(net, (X[rare], Y[rare]), split="random"), RECIPE.with_({"sampling": "balanced"})).status
        == "completed"
    )
    assert digits().classes == 10
