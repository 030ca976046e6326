"""Population-based training: who takes over from whom, and that a child stands where its parent stood."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import read_lines
from trainwell.records.study import Look
from trainwell.space import Space, choice, log_uniform, reverse_log_uniform, uniform
from trainwell.train import fit
from trainwell.tune import tune
from trainwell.tune.outcome import lineage
from trainwell.tune.population import exchanges, moved

from .small import BASE, RATES, Regressor, made

MOVING = Space.of(
    {
        "optimizer.lr": log_uniform(1e-4, 1.0),
        "optimizer.momentum": reverse_log_uniform(0.5, 0.99),
        "loss.label_smoothing": uniform(0.0, 0.2),
        "batch_size": choice(16, 32),
    }
)
POINT = {"optimizer.lr": 0.01, "optimizer.momentum": 0.9, "loss.label_smoothing": 0.1, "batch_size": 32}


def look(trial: int, value: float, status: str = "running") -> Look:
    return Look(trial, POINT, 1, 4, 10, 1.0, value, -value, status)  # type: ignore[arg-type]


def test_the_worst_quarter_and_all_that_diverged_take_over_from_the_best_quarter():
    looks = [look(n, 1 - n / 10) for n in range(7)] + [look(7, math.nan, "diverged")]
    copies = exchanges(looks, MOVING, seed=0)
    assert {one.trial for one in copies} == {5, 6, 7}
    assert {one.source for one in copies} <= {0, 1}
    assert exchanges(looks, MOVING, seed=0) == copies


def test_a_population_that_all_diverged_has_nobody_to_take_over_from():
    assert exchanges([look(n, math.nan, "diverged") for n in range(4)], MOVING, seed=0) == ()


def test_values_move_one_step_on_their_scale_and_what_shapes_the_run_stays():
    random = np.random.default_rng(0)
    points = [moved(POINT, MOVING, random) for _ in range(40)]
    assert {round(p["optimizer.lr"], 4) for p in points} == {0.008, 0.0125}
    assert {round(1 - p["optimizer.momentum"], 4) for p in points} == {0.08, 0.125}
    assert {round(p["loss.label_smoothing"], 4) for p in points} == {0.08, 0.12}
    assert {p["batch_size"] for p in points} == {32}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return made()


@pytest.fixture(scope="module")
def study(problem, tmp_path_factory):
    folder = tmp_path_factory.mktemp("population") / "a"
    return tune(problem, RATES, recipe=BASE, trials=8, halving="population", folder=folder, confirm=1)


def test_all_members_reach_the_end_and_the_losers_took_over(study):
    record = study.record
    assert [len(record.at(rung)) for rung in range(4)] == [8, 8, 8, 8]
    assert {one.rung for one in record.copies} == {0, 1, 2}
    assert study.result.steps == (8 + 3 + 1) * record.plan.full_steps


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("batches", [(32,), (16, 32)])
def test_a_member_has_the_weights_of_its_line_trained_alone(problem, name, batches):
    """The oracle is one run whose values change where the line's did, by hand."""
    base = Recipe(optimizer=name, epochs=4, batch_size=32, stopping={"keep": "last"})
    space = {"optimizer.lr": log_uniform(1e-3, 1e-1), **({"batch_size": choice(*batches)} if len(batches) > 1 else {})}
    record = tune(problem, space, recipe=base, trials=8, halving="population", confirm=0).record
    best = next(one for one in record.full if len(lineage(record, one.trial)) > 1)
    stages = lineage(record, best.trial)
    first = base.with_({**stages[0][1], "recording.initial": False})
    model = _trained_by_hand(problem, first, stages, best.seed)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(problem.val.inputs), problem.val.targets)
    assert best.loss == pytest.approx(float(loss), rel=1e-3)


def _trained_by_hand(problem: Problem, recipe: Recipe, stages, seed: int) -> torch.nn.Module:
    from trainwell.train import Training

    training = Training(problem, recipe, seed=seed)
    per_epoch = training.parts.plan.steps_per_epoch
    for number, (_, point) in enumerate(stages):
        until = stages[number + 1][0] * per_epoch if number + 1 < len(stages) else training.total_steps
        training.parts.schedule = lambda step, rate=point["optimizer.lr"]: rate / recipe.optimizer.lr
        training.advance(until)
    return training.model.eval()


def test_a_killed_population_goes_on_with_the_exchanges_that_were_made(study, problem, tmp_path):
    (journal,) = (study.folder / "journal").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for kept in (5, 15, 25, 38):
        folder = tmp_path / str(kept)
        (folder / "journal").mkdir(parents=True)
        (folder / "study.json").write_bytes((study.folder / "study.json").read_bytes())
        (folder / "journal" / "dead-99999999.jsonl").write_bytes(b"".join(lines[:kept]))
        again = tune(problem, RATES, recipe=BASE, trials=8, halving="population", folder=folder, confirm=1, resume=True)
        assert again.record.copies == study.record.copies
        assert again.result.measured == study.result.measured
        rows = [row for path in (folder / "journal").glob("*.jsonl") for row in read_lines(path)]
        looks = [(row["of"]["trial"], row["of"]["rung"]) for row in rows if row["kind"] == "look"]
        assert len(looks) == len(set(looks)) == 32


def test_what_is_measured_is_the_last_recipe_from_the_start(study, problem):
    run = fit(problem, study.recipe, seed=next(c.seed for c in study.record.confirmations if c.stage == "measure"))
    assert study.result.measured == (run.best_metric(),)
    changed = len(lineage(study.record, study.result.winner)) > 1
    assert changed == any("changed while it trained" in line for line in study.result.advice)


def test_a_short_run_with_its_own_schedule_cannot_be_a_population(problem):
    with pytest.raises(UsageError, match="`proxy` must be inside"):
        tune(problem, RATES, recipe=BASE, trials=4, halving="population", proxy="own")


def test_a_diverged_member_is_replaced():
    x = torch.randn(128, 4, generator=torch.Generator().manual_seed(0))
    regression = Problem(Regressor, (x, 1e3 * x[:, :1]), 0.25, 0.25)
    space = {"optimizer.lr": log_uniform(1e-6, 1e6)}
    base = Recipe(optimizer="sgd", epochs=8, batch_size=16)
    record = tune(regression, space, recipe=base, trials=8, halving="population", confirm=0).record
    lost = {one.trial for one in record.at(1) if not one.counts}
    assert lost
    assert lost <= {one.trial for one in record.copies if one.rung == 1}
    assert all(one.counts for one in record.full)
