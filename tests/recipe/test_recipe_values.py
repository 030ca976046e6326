"""Recipes as values: round trips, equality, difference."""

from __future__ import annotations

import copy
import json
import pickle
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from recipe_strategies import recipes

from trainwell.errors import RecipeError
from trainwell.recipe import AdamW, Change, Recipe

pairs = st.one_of(st.tuples(recipes, recipes), recipes.map(lambda r: (r, Recipe(**r.to_dict()))))
few = settings(max_examples=15, deadline=None)


@few
@given(recipes)
def test_any_recipe_comes_back_from_toml(recipe):
    assert Recipe.from_toml(recipe.to_toml()) == recipe


@few
@given(recipes)
def test_any_recipe_comes_back_from_json_and_from_pickle(recipe):
    assert Recipe(**json.loads(json.dumps(recipe.to_dict(), allow_nan=False))) == recipe
    assert pickle.loads(pickle.dumps(recipe)) == recipe


@few
@given(recipes)
def test_toml_holds_every_field_and_none_as_a_word(recipe):
    def with_words(tree):
        if isinstance(tree, dict):
            return {key: with_words(value) for key, value in tree.items()}
        return [with_words(v) for v in tree] if isinstance(tree, list) else "none" if tree is None else tree

    assert tomllib.loads(recipe.to_toml()) == with_words(recipe.to_dict())


def test_a_field_set_to_none_against_its_default_survives_toml():
    recipe = Recipe(checkpoints={"every_seconds": None})
    assert Recipe().checkpoints.every_seconds is not None
    assert Recipe.from_toml(recipe.to_toml()).checkpoints.every_seconds is None


@few
@given(pairs)
def test_equal_means_equal_json_key_hash_and_no_difference(pair):
    a, b = pair
    equal = json.dumps(a.to_dict(), sort_keys=True) == json.dumps(b.to_dict(), sort_keys=True)
    assert (a == b) is equal
    assert (a.key() == b.key()) is equal
    assert (a.diff(b) == []) is equal
    assert not equal or hash(a) == hash(b)


@few
@given(pairs)
def test_the_difference_back_is_the_difference_there_reversed(pair):
    a, b = pair
    there = [(change.path, change.before, change.after) for change in a.diff(b)]
    back = [(change.path, change.after, change.before) for change in b.diff(a)]
    assert sorted(there, key=str) == sorted(back, key=str)


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), ({}, {"b": 1}), (3, {"b": 1}), ([1], [1, 2]), ("1", 1)]
)
def test_values_of_the_model_that_differ_in_toml_make_recipes_that_differ(one, other):
    a, b = Recipe(model={"a": one}), Recipe(model={"a": other})
    assert a != b
    assert a.key() != b.key()
    assert a.diff(b)


def test_the_difference_names_single_fields_and_reads_well():
    changes = Recipe().diff(Recipe(epochs=5, optimizer=AdamW(lr=3e-4), model={"norm": {"eps": 1e-3}}))
    assert changes == [
        Change("epochs", 20, 5),
        Change("optimizer.lr", 1e-3, 3e-4),
        Change("model.norm.eps", None, 1e-3),
    ]
    assert str(changes[1]) == "optimizer.lr: 0.001 -> 0.0003"


def test_a_recipe_and_its_parts_are_frozen():
    recipe = Recipe()
    for owner, field in ((recipe, "epochs"), (recipe.optimizer, "lr"), (recipe.stopping, "patience")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(owner, field, 1)


def test_a_recipe_keeps_its_own_copy_of_model_keywords():
    keywords = {"widths": [64, 32]}
    recipe = Recipe(model=keywords)
    before = copy.deepcopy(recipe.to_dict())
    keywords["widths"].append(16)
    assert recipe.to_dict() == before


def test_numpy_scalars_and_tuples_of_the_model_become_plain_values():
    recipe = Recipe(model={"p": np.float32(0.5), "n": np.int64(3), "on": np.bool_(True), "widths": (64, 32)})
    assert recipe.model == {"p": 0.5, "n": 3, "on": True, "widths": [64, 32]}
    assert Recipe.from_toml(recipe.to_toml()) == recipe


def test_tables_objects_and_names_mean_the_same_recipe():
    made = [Recipe(optimizer=given) for given in ("adamw", {"name": "adamw"}, AdamW(), AdamW(lr=1e-3))]
    assert len(set(made)) == 1
    assert made[0] == Recipe()


def test_a_recipe_reads_as_its_changes():
    assert str(Recipe()) == "default recipe"
    assert str(Recipe(batch_size=32, schedule="cosine")).startswith("batch_size=32, schedule.")


def test_a_recipe_file_is_read_and_a_bad_one_named(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text('epochs = 3\naugmentation = ["flip"]\n', encoding="utf-8")
    assert Recipe.from_toml(file) == Recipe(epochs=3, augmentation="flip")
    file.write_bytes(b"\xff\xfe")
    for bad in (file, tmp_path, tmp_path / "none.toml"):
        with pytest.raises(RecipeError, match=f"{bad} must be a readable file, got"):
            Recipe.from_toml(bad)


def test_text_that_is_no_toml_is_refused_with_the_place():
    with pytest.raises(RecipeError, match=r"must be TOML, got: .*line 2"):
        Recipe.from_toml("epochs = 3\nsteps = \n")
    with pytest.raises(RecipeError, match="pass a Path"):
        Recipe.from_toml("recipe.toml")
