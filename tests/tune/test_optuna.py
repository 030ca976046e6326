"""Optuna's samplers behind the study's own loop."""

from __future__ import annotations

import pytest

pytest.importorskip("optuna")
from trainwell.errors import UsageError
from trainwell.records.study import Look
from trainwell.space import Space, branch, choice, integers, log_uniform, reverse_log_uniform, uniform
from trainwell.tune import tune
from trainwell.tune.optuna_sampler import OptunaSampler
from trainwell.tune.optuna_storage import Mirror, load_optuna, open_storage

from .small import BASE, RATES, made

MIXED = Space.of(
    {
        "epochs": 2,
        "batch_size": integers(16, 64, log=True),
        "optimizer": choice(
            branch("adamw", {"optimizer.lr": log_uniform(1e-4, 1e-1)}),
            branch("sgd", {"optimizer.lr": log_uniform(1e-3, 1), "optimizer.momentum": reverse_log_uniform(0.5, 0.99)}),
        ),
    }
)


def look(trial: int, changes: dict, value: float) -> Look:
    return Look(trial, changes, 0, 1, 10, 1.0, value, value, "completed")


@pytest.mark.parametrize("method", ["tpe", "cmaes"])
def test_points_are_of_the_space_and_equal_for_equal_seeds(method):
    asked = [OptunaSampler(MIXED, method, 0, higher_is_better=True).ask(0, 8) for _ in range(2)]
    assert asked[0] == asked[1]
    for point in asked[0]:
        assert set(point) == set(MIXED.at([0.5, 0.1 if point["optimizer"] == "adamw" else 0.9, 0.5, 0.5, 0.5]))
        assert all(0 <= p <= 1 for p in MIXED.positions(point).values())


@pytest.mark.parametrize("method", ["tpe", "gp"])
def test_a_sampler_that_is_told_comes_near_the_best(method):
    space = Space.of({"optimizer.lr": uniform(0, 1)})
    sampler = OptunaSampler(space, method, 0, higher_is_better=False)
    number = 0
    for _ in range(4):
        points = sampler.ask(number, 8)
        looks = [look(number + n, p, (p["optimizer.lr"] - 0.7) ** 2) for n, p in enumerate(points)]
        sampler.tell(looks)
        number += 8
    assert min(k.value for k in looks) < 0.02**2


def test_a_sampler_hears_of_trials_that_it_was_not_asked_for():
    space = Space.of({"optimizer.lr": uniform(0, 1)})
    sampler = OptunaSampler(space, "tpe", 0, higher_is_better=False)
    sampler.tell([look(n, {"optimizer.lr": n / 20}, abs(n / 20 - 0.5)) for n in range(20)])
    assert all(abs(p["optimizer.lr"] - 0.5) < 0.3 for p in sampler.ask(20, 4))


def test_constraints_are_kept():
    space = Space({"optimizer.lr": uniform(0, 1)}, constraints=("optimizer.lr < 0.2",))
    assert all(p["optimizer.lr"] < 0.2 for p in OptunaSampler(space, "tpe", 0, higher_is_better=True).ask(0, 8))


def test_gp_does_not_take_branches():
    with pytest.raises(UsageError, match="branches"):
        OptunaSampler(MIXED, "gp", 0, higher_is_better=True)


def test_a_study_records_sampler_version_and_options():
    ended = tune(made(), RATES, recipe=BASE, trials=6, method="tpe", confirm=0)
    sampler = ended.record.plan.sampler
    assert sampler["name"] == "TPESampler"
    assert sampler["version"] == load_optuna().__version__
    assert sampler["options"]["constant_liar"]
    assert ended.result.trials == 6


def test_a_study_is_mirrored_into_a_storage_once(tmp_path):
    for name, storage in (("a", f"sqlite:///{tmp_path / 'a.db'}"), ("b", str(tmp_path / "journal.log"))):
        ended = tune(made(), RATES, recipe=BASE, trials=9, confirm=0, storage=storage, folder=tmp_path / name)
        mirror = Mirror(storage)
        mirror.begin(ended.record.plan)
        assert mirror.add(ended.trials) == 0
        study = load_optuna().load_study(study_name=None, storage=open_storage(load_optuna(), storage))
        assert [trial.state.name for trial in study.trials].count("PRUNED") == 8
        assert study.best_value == ended.record.full[0].value
        assert study.best_params == pytest.approx(ended.record.full[0].changes)


def test_trials_are_written_as_soon_as_they_end(tmp_path):
    storage = tmp_path / "journal.log"
    sizes = set()
    tune(made(), RATES, recipe=BASE, trials=80, halving="asha", confirm=0, storage=str(storage),
         listener=lambda progress: sizes.add(storage.stat().st_size))  # fmt: skip
    assert len(sizes) > 1


def test_a_storage_that_cannot_be_opened_is_refused_before_any_work(tmp_path):
    with pytest.raises(UsageError, match=r"sqlite:///study\.db"):
        tune(made(), RATES, recipe=BASE, trials=6, storage=f"sqlite:///{tmp_path / 'no' / 'where.db'}",
             folder=tmp_path / "a")  # fmt: skip
    assert not (tmp_path / "a").exists()
