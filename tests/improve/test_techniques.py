"""Techniques that a recipe lacks: which are tried, why, and which experiments end early."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from sklearn.datasets import load_digits

from trainwell import Problem, Recipe, fit
from trainwell.improve import techniques as steps
from trainwell.improve.decision import all_worse
from trainwell.improve.session import Session
from trainwell.improve.techniques import overfits, techniques
from trainwell.problem.models import mlp


def problem(image: bool = False, **knobs: Any) -> Problem:
    X, y = load_digits(return_X_y=True)
    X = (X[:300] / 16).astype("float32")
    if image:
        from trainwell.problem.models import cnn

        return Problem(partial(cnn, 1, 8, 10, width=2, **knobs), (X.reshape(-1, 1, 8, 8), y[:300]))
    return Problem(partial(mlp, 64, 10, width=8, **knobs), (X, y[:300]))


def session(recipe: Recipe, live: Problem, runs: list[Any] | None = None) -> Session:
    return cast(Session, SimpleNamespace(recipe=recipe, problem=live, best_runs=runs or [], facts=live.facts()))


def titles(recipe: Recipe, live: Problem, overfitting: bool) -> list[str]:
    return [technique.title for technique in techniques(session(recipe, live), overfitting)]


def test_what_regularises_is_tried_where_the_network_overfits():
    assert titles(Recipe(), problem(), False) == ["Schedule", "Normalisation", "Average of weights"]
    more = titles(Recipe(), problem(), True)
    assert more == ["Schedule", "Normalisation", "Augmentation", "Dropout", "Label smoothing", "Average of weights"]


def test_what_the_recipe_has_is_not_tried_again():
    full = Recipe(
        schedule="cosine", augmentation=["noise"], averaging="ema", loss={"label_smoothing": 0.1},
        model={"norm": "layer", "dropout": 0.1},
    )  # fmt: skip
    assert titles(full, problem(), True) == []


def test_every_change_fits_the_recipe_and_trains():
    for live in (problem(), problem(image=True)):
        start = Recipe(epochs=1)
        for technique in techniques(session(start, live), True):
            assert fit(live, start.with_(technique.change)).status == "completed", technique.title


def noisy_labels() -> Problem:
    X, y = load_digits(return_X_y=True)
    y = np.where(np.random.default_rng(0).random(len(y)) < 0.3, np.random.default_rng(1).integers(0, 10, len(y)), y)
    return Problem(partial(mlp, 64, 10, width=64), (X / 16, y))


@pytest.mark.parametrize(
    ("changes", "expected"), [({"epochs": 30, "optimizer.lr": 0.01}, True), ({"epochs": 1}, False)]
)
def test_overfitting_is_read_off_the_runs(changes, expected):
    live = noisy_labels()
    runs = [fit(live, Recipe().with_(changes), seed=seed) for seed in (0, 1)]
    assert overfits(session(Recipe(), live, runs)) is expected


def test_an_experiment_ends_early_only_where_all_first_seeds_are_worse():
    facts = problem().facts()

    def run(value: float, diverged: bool = False) -> Any:
        return SimpleNamespace(diverged=diverged, best_metric=lambda: value)

    assert all_worse(facts, [run(0.9), run(0.8)], [run(0.85), run(0.7)])
    assert all_worse(facts, [run(0.9), run(0.8)], [run(0.85), run(0.9, diverged=True)])
    assert not all_worse(facts, [run(0.9), run(0.8)], [run(0.85), run(0.81)])
    assert not all_worse(facts, [], [])


def test_a_recipe_that_techniques_changed_is_searched_around_once_more(monkeypatch):
    searched = []
    monkeypatch.setattr(steps, "search", lambda session, title, bounds: searched.append((title, bounds)))
    monkeypatch.setattr(steps, "overfits", lambda session: False)
    for kept in (False, True):
        start = Recipe(optimizer={"name": "adam", "lr": 0.01})
        changes = iter([steps.Technique("Schedule", {"schedule": "cosine"}, "why")])
        monkeypatch.setattr(steps, "techniques", lambda session, gap, changes=changes: changes)

        def experiment(session, title, change, kept=kept, **words):
            session.recipe = session.recipe.with_(change) if kept else session.recipe

        monkeypatch.setattr(steps, "experiment", experiment)
        steps.techniques_step(
            SimpleNamespace(
                recipe=start, begin=lambda name: None, log=lambda *a, **k: None, search_time_left=100.0, run_seconds=1.0
            )
        )
    assert [title for title, _ in searched] == ["Second search"]
    low, high = searched[0][1]["optimizer.lr"]
    assert low < 0.01 < high
