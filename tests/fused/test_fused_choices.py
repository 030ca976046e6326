"""What was chosen for a kind of runs is not measured again for the next group of them."""

import fused_problems as problems
import pytest

from trainwell.recipe import Recipe
from trainwell.train import Choices, Lane, fit_many
from trainwell.train.fused import choose as choosing


@pytest.fixture
def asked(monkeypatch):
    made, original = [], choosing.choose

    def choose(lanes, size=None):
        made.append(len(lanes))
        return original(lanes, size)

    monkeypatch.setattr(choosing, "choose", choose)
    return made


def lanes(count, problem, **fields):
    recipe = Recipe(**{"steps": 20, "batch_size": 32, **fields})
    return [Lane(problem, recipe, seed=seed) for seed in range(count)]


def test_a_second_group_of_a_kind_is_not_measured(asked):
    problem, choices = problems.table(problems.mlp), Choices()
    first = choices.choose(lanes(8, problem))
    assert choices.choose(lanes(6, problem)) is first
    assert asked == [8]
    assert choices.choose(lanes(1, problem)).program is None
    choices.choose(lanes(4, problem, batch_size=16))
    assert asked == [8, 1, 4]


def test_a_choice_that_more_runs_may_change_is_made_again(asked):
    problem, choices = problems.table(problems.mlp), Choices()
    assert choices.choose(lanes(4, problem)).size == 4
    choices.choose(lanes(12, problem))
    assert asked == [4, 12]


def test_calls_share_choices(asked):
    problem, choices = problems.table(problems.mlp), Choices()
    recipe = Recipe(steps=20, batch_size=32)
    runs = [fit_many(problem, recipe, seeds=range(4), choices=choices) for _ in range(2)]
    assert asked == [4]
    assert [run.steps.loss.tolist() for run in runs[0]] == [run.steps.loss.tolist() for run in runs[1]]
