"""Edits by dotted path."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recipe_strategies import recipes

from trainwell.errors import RecipeError
from trainwell.recipe import SGD, AdamW, Recipe

few = settings(max_examples=15, deadline=None)


@few
@given(recipes, recipes)
def test_taking_over_every_part_of_another_recipe_gives_that_recipe(recipe, other):
    assert recipe.with_({name: getattr(other, name) for name in Recipe.model_fields}) == other


@few
@given(recipes)
def test_no_edit_changes_nothing_and_the_old_recipe_stays(recipe):
    before = recipe.to_dict()
    assert recipe.with_({}) == recipe
    assert recipe.with_({"epochs": 7, "optimizer.lr": 0.5}).epochs == 7
    assert recipe.to_dict() == before


@few
@given(recipes, st.data())
def test_an_edited_field_reads_back_and_is_the_only_difference(recipe, data):
    path, value = data.draw(
        st.sampled_from([("batch_size", 17), ("optimizer.lr", 0.123), ("stopping.patience", 3), ("model.width", 5)])
    )
    edited = recipe.with_({path: value})
    assert edited.get(path) == value
    assert [change.path for change in recipe.diff(edited)] == [path]


@pytest.mark.parametrize(
    "edits",
    [
        {"optimizer": "sgd", "optimizer.momentum": 0.9, "optimizer.nesterov": True},
        {"schedule": "cosine", "schedule.floor": 0.1, "schedule.warmup_share": 0.05},
        {"augmentation": ["flip", "crop"], "augmentation.1.padding": 3, "augmentation.0.p": 0.25},
        {"optimizer": "lion", "optimizer.betas.0": 0.5, "epochs": 3},
        {"model": {"width": 3}, "model.depth": 4, "model.norm.eps": 0.1},
    ],
)
def test_edits_mean_the_same_in_any_order(edits):
    results = {Recipe().with_(dict(order)) for order in permutations(edits.items())}
    assert len(results) == 1
    (result,) = results
    assert all(result.get(path) == value for path, value in edits.items() if path.count("."))


def test_tables_are_set_before_their_fields_at_any_depth_and_edits_are_left_alone():
    edits = {"model.norm.eps": 0.1, "model.norm": {"eps": 0.2, "groups": 4}}
    for order in permutations(edits.items()):
        assert Recipe().with_(dict(order)).model == {"norm": {"eps": 0.1, "groups": 4}}
    assert edits["model.norm"] == {"eps": 0.2, "groups": 4}


def test_an_item_of_a_new_part_starts_from_the_defaults_of_that_part():
    assert Recipe().with_({"optimizer": "lion", "optimizer.betas.0": 0.5}).optimizer.betas == (0.5, 0.99)
    assert Recipe().with_({"optimizer.betas.0": 0.5}).optimizer.betas == (0.5, 0.999)
    assert Recipe().with_({"schedule": "multi-step", "schedule.milestones.0": 0.2}).schedule.milestones == (0.2, 0.75)


def test_a_shorthand_with_a_field_expands_to_the_optimizer_it_means():
    edited = Recipe().with_({"optimizer": "nesterov", "optimizer.lr": 0.3})
    assert edited.optimizer == SGD(lr=0.3, momentum=0.9, nesterov=True)
    assert edited.with_({"optimizer.momentum": 0.8}).optimizer == SGD(lr=0.3, momentum=0.8, nesterov=True)


def test_another_name_keeps_the_fields_that_were_set():
    assert Recipe(optimizer=AdamW(lr=0.5)).with_({"optimizer.name": "sgd"}).optimizer == SGD(lr=0.5)


@pytest.mark.parametrize("given", ["crop", ["crop"], {"name": "crop"}])
def test_one_augmentation_needs_no_list(given):
    edited = Recipe().with_({"augmentation": given, "augmentation.0.padding": 3})
    assert [part.padding for part in edited.augmentation] == [3]


def test_the_word_none_unsets_what_may_be_none():
    recipe = Recipe(steps=9, stopping={"patience": 3})
    assert recipe.with_({"steps": "none", "stopping.patience": "none"}) == Recipe()


def test_wrong_paths_and_wrong_values_are_told_together():
    with pytest.raises(RecipeError) as caught:
        Recipe().with_({"optimiser.lr": 1, "optimizer.lr": -1, "epoch": 3, "epochs.x": 1, "augmentation.0.p": 1})
    lines = str(caught.value).splitlines()
    assert lines[0] == "the recipe has 5 mistakes:"
    assert [line[4:] for line in lines[1:]] == list(caught.value.mistakes)
    for path in ("optimiser.lr", "optimizer.lr", "epoch", "epochs.x", "augmentation.0.p"):
        assert sum(f"`{path}`" in line.split(":")[0] + line.split(" must ")[0] for line in lines) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("optimiser.lr", "unknown field of a recipe 'optimiser'. Did you mean 'optimizer'"),
        ("optimizer.weight_deca", "unknown field of `optimizer` 'weight_deca'. Did you mean 'weight_decay'"),
        ("optimizer.betas.2", "must have an index from 0 to 1 after `optimizer.betas`, got '2'"),
        ("optimizer.betas.first", "must have an index from 0 to 1 after `optimizer.betas`, got 'first'"),
        ("optimizer.lr.x", "must lead through tables and lists, got the value 0.001 at `optimizer.lr`"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_alike_by_edits_and_reads(path, message):
    for act in (lambda: Recipe().with_({path: 1}), lambda: Recipe().get(path)):
        with pytest.raises(RecipeError) as caught:
            act()
        assert f"`{path}`" in str(caught.value)
        assert message in str(caught.value)


@pytest.mark.parametrize("path", ["optimizer..lr", ".lr", "optimizer.", "augmentation.0.p"])
def test_broken_paths_are_named(path):
    with pytest.raises(RecipeError, match=f"`{path}`"):
        Recipe().with_({path: 1})
