"""Runs with other probabilities of dropout are one stack, each with its own share."""

from __future__ import annotations

import math

import fused_problems as problems
import numpy as np
import pytest
import torch
from test_fused_equality import assert_equal_runs
from torch import nn

from trainwell.recipe import Recipe
from trainwell.train import fit
from trainwell.train.fused import fit_many
from trainwell.train.fused.dropping import Dropping, dropped, with_run_dropout

RATES = (0.0, 0.25, 0.5)


def dropped_cnn(p: float = 0.3) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(p), nn.Flatten(), nn.Dropout(p), nn.Linear(144, 2))


class OwnForward(nn.Module):
    """Uses one dropout layer twice."""

    def __init__(self, p: float = 0.3) -> None:
        super().__init__()
        self.inputs, self.hidden, self.head = nn.Linear(10, 16), nn.Linear(16, 16), nn.Linear(16, 3)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        x = self.drop(self.inputs(x).relu())
        return self.head(self.drop(self.hidden(x).relu()))


class LooksAtItsLayer(OwnForward):
    def forward(self, x):
        return self.head(nn.functional.dropout(self.inputs(x).relu(), self.drop.p, self.training))


def shared_cnn(p: float = 0.3) -> nn.Module:
    drop = nn.Dropout(p)
    return nn.Sequential(nn.Conv2d(1, 4, 3), drop, nn.Flatten(), nn.Linear(144, 8), nn.ReLU(), drop, nn.Linear(8, 2))


MODELS = {
    "matmul": (problems.table, problems.dropped_mlp),
    "folded": (problems.images, dropped_cnn),
    "folded, one layer twice": (problems.images, shared_cnn),
    "vmap": (problems.table, OwnForward),
}


def recipes(rates, **fields) -> list[Recipe]:
    base = Recipe(**{"steps": 60, "batch_size": 32, "optimizer": {"name": "adamw", "lr": 1e-2}, **fields})
    return [base.with_({"model": {"p": p}}) for p in rates]


@pytest.mark.parametrize("program", MODELS)
def test_probabilities_that_differ_are_one_stack(program):
    make, model = MODELS[program]
    problem = make(model)
    said = []
    runs = fit_many(problem, recipes(RATES), seeds=[0, 1], size=16, listener=said.append)
    assert {(note.get("program"), note.get("runs")) for run in runs for note in run.notes} == {
        (program.split(",")[0], 6)
    }, said
    for run, seed in zip(runs, (0, 1), strict=False):  # those without dropout
        assert_equal_runs(run, fit(problem, recipes(RATES)[0], seed=seed))


@pytest.mark.parametrize("program", ["matmul", "folded", "vmap"])
def test_each_run_drops_with_its_own_probability(program):
    make, model = MODELS[program]
    problem, seeds = make(model), range(12)
    several = recipes(RATES, steps=30)
    fused = np.array([run.steps.loss for run in fit_many(problem, several, seeds=seeds)]).reshape(3, 12, 30)[2]
    alone = np.array([fit(problem, several[2], seed=seed).steps.loss for seed in seeds])
    assert not np.allclose(fused, alone)
    difference = (fused - alone).mean(1)  # the same seeds: only the masks differ
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / math.sqrt(12)
    assert fused.std(0).mean() == pytest.approx(alone.std(0).mean(), rel=0.3)


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.0, 0.25, 0.5), (0.0, 0.1, 0.3, 0.9), (0.2, 0.999, 1.0)])
def test_shares_and_scales_are_those_of_each_run(rates):
    torch.manual_seed(0)
    x = torch.ones(len(rates), 64, 500)
    dropping = Dropping(torch.tensor(rates))
    mask = dropping.draw(x, lambda key, shape, like: torch.empty(shape, dtype=like.dtype))
    for p, own in zip(rates, mask, strict=True):
        assert float((own == 0).float().mean()) == pytest.approx(p, abs=0.01)
        kept = own[own != 0]
        assert torch.allclose(kept, torch.full_like(kept, 1 / (1 - p) if p < 1 else 0.0), rtol=1e-4)
    assert dropping.active


def test_dropout_by_a_tensor_is_that_of_torch():
    torch.manual_seed(0)
    found = dropped(torch.ones(3, 40_000), torch.tensor([[0.0], [0.3], [1.0]]))
    assert [float((row == 0).float().mean()) for row in found] == pytest.approx([0, 0.3, 1], abs=0.01)
    assert found[0].tolist() == [1.0] * 40_000
    assert torch.allclose(found[1][found[1] > 0], torch.tensor(1 / 0.7))


def test_a_layer_that_is_used_twice_stays_one():
    model = with_run_dropout(OwnForward(0.4))
    assert [name for name, _ in model.named_buffers()] == ["drop.p"]
    assert float(model.drop.p) == pytest.approx(0.4)


def test_a_model_that_looks_at_the_probability_of_its_layer_is_still_fused():
    problem = problems.table(LooksAtItsLayer)
    runs = fit_many(problem, recipes([0.3]), seeds=range(4), size=16)
    assert {note.get("program") for run in runs for note in run.notes} == {"vmap"}
