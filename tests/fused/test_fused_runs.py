"""What `fit_many` does with many runs: groups, ends, divergence, fallbacks, records."""

from __future__ import annotations

import math

import fused_problems as problems
import numpy as np
import pytest
import torch
from test_fused_equality import assert_equal_runs, two
from torch import Tensor, nn

from trainwell.errors import ProblemError, UsageError
from trainwell.recipe import Recipe
from trainwell.records import load_run
from trainwell.train import Callback, Run, Training, fit
from trainwell.train.fused import Halving, fit_many, loss_after

QUICK = Recipe(steps=20, batch_size=32, optimizer={"name": "adamw", "lr": 1e-2})


def programs(runs) -> list[str | None]:
    return [next((n["program"] for n in run.notes if n.get("event") == "fused"), None) for run in runs]


def reasons(runs) -> list[str]:
    return [n["reason"] for run in runs for n in run.notes if n.get("event") == "not fused"]


def test_every_recipe_is_trained_with_every_seed():
    runs = fit_many(problems.table(problems.mlp), two(steps=5), seeds=[3, 4])
    assert [(run.seed, run.recipe_value("optimizer.lr")) for run in runs] == [
        (3, 1e-3), (4, 1e-3), (3, pytest.approx(1e-3 / 3)), (4, pytest.approx(1e-3 / 3))
    ]  # fmt: skip


def test_pairs_have_seeds_of_their_own():
    recipes = two(steps=5)
    runs = fit_many(problems.table(problems.mlp), [(recipes[0], 7), (recipes[1], 8)])
    assert [run.seed for run in runs] == [7, 8]


@pytest.mark.parametrize(
    ("recipes", "seeds", "word"),
    [
        ([], None, "recipes"),
        (QUICK, [], "seeds"),
        ([(QUICK, 1)], [1], "pairs"),
        (QUICK, [-1], "seeds"),
        ([3], 0, "int"),
        (3, 0, "recipes"),
        (QUICK, 2.5, "seeds"),
    ],
)
def test_what_cannot_be_meant_is_refused(recipes, seeds, word):
    with pytest.raises(UsageError, match=word):
        fit_many(problems.table(problems.mlp), recipes, seeds=seeds)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"size": 0}, "size"),
        ({"size": "a", "workers": 2.5}, "size.*workers"),
        ({"workers": 0}, "workers"),
        ({"halving": 3}, "halving"),
        ({"folder": 5}, "folder"),
        ({"workers": 2, "halving": Halving()}, "workers"),
        ({"callbacks": [Callback]}, "callbacks"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused_before_any_work(settings, word):
    with pytest.raises(UsageError, match=word):
        fit_many(problems.table(problems.mlp), QUICK, seeds=[0, 1], **settings)


def test_a_folder_that_holds_runs_is_not_written_over(tmp_path):
    problem = problems.table(problems.mlp)
    fit_many(problem, QUICK.with_({"steps": 2}), seeds=[0, 1], folder=tmp_path)
    with pytest.raises(UsageError, match="run-000"):
        fit_many(problem, QUICK, seeds=[0, 1], folder=tmp_path)


def test_a_diverging_run_leaves_and_the_others_are_as_without_it():
    problem = problems.table(problems.mlp)
    bad = QUICK.with_({"optimizer": "sgd", "optimizer.lr": 1e12})
    good = [QUICK.with_({"optimizer": "sgd", "optimizer.lr": lr}) for lr in (0.1, 0.05)]
    runs = fit_many(problem, [good[0], bad, good[1]], size=16)
    assert runs[1].status == "diverged"
    assert not math.isfinite(runs[1].steps.loss[-1])
    assert np.isfinite(runs[1].steps.loss[:-1]).all()
    assert_equal_runs(runs[1], fit(problem, bad))
    for run, recipe in zip((runs[0], runs[2]), good, strict=True):
        assert_equal_runs(run, fit(problem, recipe))


def test_a_run_that_is_left_over_goes_on_alone_from_its_state():
    problem = problems.table(problems.normed_mlp)
    for optimizer in ("adamw", "nadam", "muon", "adafactor", {"name": "rmsprop", "momentum": 0.5}):
        recipes = [
            QUICK.with_({"optimizer": optimizer, "averaging": "ema", "steps": steps, "optimizer.lr": 1e-3})
            for steps in (10, 60, 15)
        ]
        runs = fit_many(problem, recipes, size=16)
        loose = {"rtol": 2e-2, "atol": 5e-3} if optimizer == "muon" else {}
        assert_equal_runs(runs[1], fit(problem, recipes[1]), **loose)


def test_runs_that_cannot_share_a_program_are_grouped():
    recipes = [QUICK, QUICK.with_({"batch_size": 16}), QUICK.with_({"optimizer": "sgd"}), QUICK.with_({"steps": 10})]
    runs = fit_many(problems.table(problems.mlp), recipes, seeds=[0, 1], size=16)
    assert programs(runs) == ["matmul"] * 8
    assert [next(n["runs"] for n in run.notes) for run in runs] == [4, 4, 2, 2, 2, 2, 4, 4]


def test_a_run_alone_is_never_fused():
    assert programs(fit_many(problems.table(problems.mlp), QUICK)) == [None]


def test_little_work_is_fused_and_more_is_measured():
    said: list[str] = []
    fit_many(problems.table(problems.mlp), QUICK.with_({"steps": 600}), seeds=range(4), listener=said.append)
    assert any("us alone" in message for message in said)


class Branching(nn.Module):
    """Looks at its data: vmap cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        z = self.layer(x)
        return z if float(z.mean().detach()) > 1e9 else 2 * z


class Counting(nn.Module):
    """Replaces a buffer instead of writing into it: a vectorised call would lose it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(10, 3)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls = self.calls + 1
        return self.layer(x) * (1 + 0.01 * self.calls)


@pytest.mark.parametrize(("model", "word"), [(Branching, "item"), (Counting, "buffer calls")])
def test_what_vmap_refuses_is_found_by_a_trial_step_said_once_and_trained_alone(model, word):
    said: list[str] = []
    problem = problems.table(model)
    runs = fit_many(problem, two(steps=10), seeds=[0, 1], listener=said.append)
    assert len(said) == 1
    assert word in said[0]
    assert len(reasons(runs)) == 4
    assert_equal_runs(runs[3], fit(problem, two(steps=10)[1], seed=1))


@pytest.mark.parametrize(
    "edits",
    [
        {"optimizer": "lbfgs"},
        {"regularization.sam_rho": 0.05},
        {"stopping.seconds": 100},
        {"stopping.on_nonfinite": "skip"},
    ],
    ids=str,
)
def test_recipes_without_a_stacked_form_are_trained_alone(edits):
    problem, recipe = problems.table(problems.mlp), QUICK.with_({**edits, "steps": 5})
    runs = fit_many(problem, recipe, seeds=[0, 1])
    assert len(reasons(runs)) == 2
    assert_equal_runs(runs[1], fit(problem, recipe, seed=1))


def test_a_factory_that_returns_the_same_model_again_is_refused():
    model = problems.mlp()
    with pytest.raises(ProblemError, match="new parameters"):
        fit_many(problems.table(lambda: model), two(steps=5))


def test_models_that_differ_by_seed_in_structure_are_grouped():
    def model() -> nn.Module:
        width = 8 if float(torch.rand(())) < 0.5 else 12
        return nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 3))

    problem = problems.table(model)
    runs = fit_many(problem, QUICK, seeds=range(8), size=16)
    assert {run.status for run in runs} == {"completed"}
    assert sum(next(n.get("runs", 1) for n in run.notes) for run in runs) > 8
    assert_equal_runs(runs[2], fit(problem, QUICK, seed=2))


def test_dropout_is_the_same_in_distribution():
    problem = problems.table(problems.dropped_mlp)
    recipe = Recipe(steps=40, batch_size=32, optimizer={"name": "adamw", "lr": 1e-2})
    fused = np.array([run.steps.loss for run in fit_many(problem, recipe, seeds=range(64))])
    alone = np.array([fit(problem, recipe, seed=seed).steps.loss for seed in range(64)])
    assert not np.allclose(fused, alone)
    # the same 64 seeds: initial weights and batches are paired, only the masks differ
    difference = (fused - alone).mean(1)
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / math.sqrt(64)
    assert fused.std(0).mean() == pytest.approx(alone.std(0).mean(), rel=0.1)


def test_masks_differ_between_runs_and_steps():
    recipe = Recipe(steps=12, batch_size=32, optimizer={"name": "sgd", "lr": 1e-9})
    runs = fit_many(problems.table(lambda: problems.dropped_mlp(0.5)), [recipe, recipe, recipe], seeds=[0])
    losses = np.array([run.steps.loss for run in runs])
    assert len(np.unique(losses)) == losses.size


def test_folders_hold_runs_like_those_of_fit(tmp_path):
    problem = problems.table(problems.mlp)
    runs = fit_many(problem, two(steps=20), folder=tmp_path / "many")
    alone = fit(problem, two(steps=20)[1], folder=tmp_path / "alone")
    there = load_run(tmp_path / "many" / "run-001")
    assert there.info.status == "completed"
    assert there.steps.loss.tolist() == runs[1].steps.loss.tolist()
    assert [f.rule for f in there.findings] == [f.rule for f in alone.findings]
    loaded = Run.load(tmp_path / "many" / "run-001", problem).stored_weights()
    assert all(torch.equal(loaded[name], value) for name, value in runs[1].weights.items())


def test_seconds_of_fused_runs_are_shares():
    runs = fit_many(problems.table(problems.mlp), QUICK.with_({"steps": 100}), seeds=range(8), size=16)
    seconds = [run.info.seconds for run in runs]
    assert max(seconds) < 2 * min(seconds) + 0.01


class Recording(Callback):
    def __init__(self, stop_at: int | None = None) -> None:
        self.told: list[tuple[str, int, int]] = []
        self.stop_at = stop_at

    def on_start(self, training: Training) -> None:
        self.told.append(("start", training.seed, training.step))

    def on_step(self, training: Training, loss: float) -> None:
        self.told.append(("step", training.seed, training.step))
        if training.seed == 1 and training.step == self.stop_at:
            training.stop("enough")

    def on_evaluation(self, training: Training, rows) -> None:
        self.told.append(("evaluation", training.seed, training.step))

    def on_epoch(self, training: Training) -> None:
        self.told.append(("epoch", training.seed, training.epoch))

    def on_end(self, training: Training, run) -> None:
        self.told.append(("end", training.seed, training.step))


def test_callbacks_hear_of_every_run_what_fit_tells_them():
    problem, recipe = problems.table(problems.mlp), QUICK.with_({"steps": 9})
    many, single = Recording(stop_at=6), [Recording(stop_at=6) for _ in range(3)]
    fit_many(problem, recipe, seeds=[0, 1, 2], callbacks=[many], size=16)
    for seed, callback in enumerate(single):
        fit(problem, recipe, seed=seed, callbacks=[callback])
        assert [entry for entry in many.told if entry[1] == seed] == callback.told


@pytest.mark.parametrize(("runs", "cost"), [(9, 9 / 9 + 3 * (1 / 3 - 1 / 9) + 1 * (1 - 1 / 3)), (1, 1.0)])
def test_the_cost_of_halving_is_that_of_its_rungs(runs, cost):
    assert Halving(eta=3, rungs=3).cost(runs) == pytest.approx(cost)


def test_halving_keeps_the_best_and_stops_the_others():
    problem, rungs = problems.table(problems.mlp), []
    recipes = [QUICK.with_({"steps": 90, "optimizer.lr": 10**-e, "schedule": "cosine"}) for e in np.linspace(1, 6, 27)]
    runs = fit_many(problem, recipes, halving=Halving(3, 3, on_rung=rungs.append), size=8)
    assert [rung.steps for rung in rungs] == [10, 30, 90]
    assert [len(rung.promoted) for rung in rungs] == [9, 3, 0]
    for rung in rungs:
        values = [standing.value for standing in rung.standings]
        assert values == sorted(values, reverse=True)
    for number, run in enumerate(runs):
        last = max(r.number for r in rungs if any(s.number == number for s in r.standings))
        assert run.info.steps == rungs[last].steps
        assert ("halving" in run.info.reason) == (last < 2)
        assert run.info.planned_steps == 90
    best = next(iter(rungs[2].standings)).number
    whole = fit(problem, recipes[best])
    assert whole.steps.loss == pytest.approx(runs[best].steps.loss, rel=2e-3, abs=2e-4)


def test_stacks_that_became_small_are_joined_without_a_trace():
    problem = problems.table(problems.normed_mlp)
    recipes = [
        QUICK.with_({"steps": 60, "optimizer.lr": 10**-e, "averaging": "ema", "parameters.layer_lr_decay": d})
        for e, d in zip(np.linspace(1.5, 4, 12), [1.0, 0.5] * 6, strict=True)
    ]
    rungs = []
    runs = fit_many(problem, recipes, halving=Halving(2, 2, on_rung=rungs.append), size=4)
    for number in sorted(rungs[0].promoted):
        alone = fit(problem, recipes[number])
        assert runs[number].steps.loss == pytest.approx(alone.steps.loss, rel=2e-3, abs=2e-4)


def test_losses_after_some_steps_at_all_rates():
    problem = problems.table(problems.mlp)
    recipes = [QUICK.with_({"optimizer": "sgd", "optimizer.lr": lr}) for lr in (1e-3, 0.1, 1e12)]
    found = loss_after(problem, recipes, seed=2, steps=15)
    assert found[0][0] == found[1][0] == found[2][0]
    assert found[1][1] < found[0][1] < found[0][0]
    assert math.isnan(found[2][1])


def test_an_interrupt_leaves_every_run_recorded(tmp_path):
    class Stop(Callback):
        def on_step(self, training: Training, loss: float) -> None:
            if training.step == 5:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_many(problems.table(problems.mlp), QUICK, seeds=[0, 1], callbacks=[Stop()], folder=tmp_path, size=16)
    for name in ("run-000", "run-001"):
        assert load_run(tmp_path / name).info.status == "interrupted"


def test_a_stack_that_does_not_fit_is_halved(monkeypatch):
    from trainwell.train.fused.matmul import MatmulProgram

    problem, said = problems.table(problems.mlp), []
    whole = MatmulProgram.gradients

    def limited(self, tensors, *rest):
        if len(tensors) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return whole(self, tensors, *rest)

    monkeypatch.setattr(MatmulProgram, "gradients", limited)
    runs = fit_many(problem, QUICK, seeds=range(8), size=8, listener=said.append)
    assert any("halved" in message for message in said)
    assert_equal_runs(runs[5], fit(problem, QUICK, seed=5))


def test_the_random_state_of_the_caller_is_kept():
    problem = problems.table(problems.dropped_mlp)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    fit_many(problem, QUICK, seeds=[0, 1], size=16)
    assert torch.equal(before, torch.get_rng_state())


def test_evaluations_hold_recalls_and_confusion_like_those_of_fit():
    problem = problems.table(problems.mlp)
    fused, alone = fit_many(problem, QUICK, seeds=[0, 1], size=16)[1], fit(problem, QUICK, seed=1)
    for own, expected in zip(fused.evaluations("val"), alone.evaluations("val"), strict=True):
        assert own.extra["confusion"] == expected.extra["confusion"]
        assert own.extra["recall"] == pytest.approx(expected.extra["recall"], nan_ok=True)


@pytest.mark.slow
def test_worker_processes_give_the_same_runs(tmp_path):
    from trainwell.problem import load_problem

    problem = load_problem("digits")
    recipe = Recipe(epochs=2)
    spread = fit_many(problem, recipe, seeds=range(4), workers=2, folder=tmp_path)
    for seed, run in enumerate(spread):
        assert run.seed == seed
        assert_equal_runs(run, fit(problem, recipe, seed=seed))
