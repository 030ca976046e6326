"""Spaces: points, edges, mistakes, and their way through TOML and JSON."""

from __future__ import annotations

import json
import math

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.errors import RecipeError, UnknownNameError
from trainwell.recipe import SGD, AdamW, Recipe
from trainwell.space import (
    Space,
    branch,
    choice,
    default_space,
    fixed,
    integers,
    log_uniform,
    reverse_log_uniform,
    uniform,
)

units = st.floats(0, 1, exclude_max=True)
dimensions = st.sampled_from(
    [
        uniform(-1, 3),
        uniform(0, 0.5, step=0.1),
        log_uniform(1e-5, 1e-1),
        reverse_log_uniform(0.5, 0.999),
        integers(1, 8),
        integers(16, 512, log=True),
        choice(32, 64, 128),
    ]
)
OPTIMIZERS = Space.of(
    {
        "batch_size": choice(32, 64, 128),
        "optimizer": choice(
            branch(AdamW(), {"optimizer.lr": log_uniform(1e-5, 1e-2)}),
            branch(
                SGD(momentum=0.9),
                {"optimizer.lr": log_uniform(1e-3, 1), "optimizer.momentum": reverse_log_uniform(0.5, 0.99)},
            ),
        ),
        "epochs": 3,
    }
)


@given(dimensions, units)
def test_a_value_lies_within_its_dimension_and_near_its_position(dimension, unit):
    value = dimension.at(unit)
    assert dimension.ends()[0] <= value <= dimension.ends()[-1]
    # Numbers are rounded to four digits; values of a list or of whole numbers stand for an interval of positions.
    assert abs(dimension.position(value) - unit) <= (2e-3 if dimension.size is None else 1 / min(dimension.size, 50))


@given(dimensions)
def test_ends_of_the_scale_are_the_bounds(dimension):
    assert dimension.at(0.0) == dimension.ends()[0]
    assert dimension.at(1.0) == dimension.ends()[-1]
    assert (dimension.position(dimension.ends()[0]), dimension.position(dimension.ends()[-1])) == (0, 1)


def test_the_middle_of_a_log_scale_is_the_geometric_mean():
    assert log_uniform(1e-5, 1e-1).at(0.5) == pytest.approx(1e-3)
    assert reverse_log_uniform(0.9, 0.999).at(0.5) == pytest.approx(0.99)


def test_a_choice_gives_only_the_values_of_the_branch_that_is_taken():
    assert OPTIMIZERS.width == 5
    adam = OPTIMIZERS.at([0.5, 0.2, 0.0, 0.9, 0.9])
    assert adam == {"batch_size": 64, "optimizer": {"name": "adamw"}, "optimizer.lr": 1e-5, "epochs": 3}
    sgd = OPTIMIZERS.at([0.5, 0.7, 0.9, 0.0, 1.0])
    assert sgd["optimizer.momentum"] == 0.99
    assert sgd["optimizer.lr"] == 1e-3
    assert Recipe().with_(sgd).optimizer == SGD(lr=1e-3, momentum=0.99)
    assert [axis.path for axis in OPTIMIZERS.active(adam)] == ["batch_size", "optimizer", "optimizer.lr"]


def test_edges_are_within_five_percent_of_the_scale():
    space = Space.of({"optimizer.lr": log_uniform(1e-4, 1.0), "schedule": choice("constant", "cosine")})
    at = {"schedule": "constant"}
    assert space.edges(at | {"optimizer.lr": 1.4e-4}) == {"optimizer.lr": "low"}
    assert space.edges(at | {"optimizer.lr": 1.7e-4}) == {}
    assert space.edges(at | {"optimizer.lr": 0.7}) == {"optimizer.lr": "high"}


def test_a_list_of_numbers_has_edges_whichever_way_it_is_written():
    for options in ((32, 64, 128), (128, 64, 32)):
        assert Space.of({"batch_size": choice(*options)}).edges({"batch_size": 128}) == {"batch_size": "high"}
    assert Space.of({"batch_size": choice(32, 64)}).edges({"batch_size": 32}) == {}


def test_all_mistakes_are_said_at_once():
    space = Space.of(
        {
            "optimizer.lrr": log_uniform(1e-5, 1e-1),
            "optimizer.lr": log_uniform(1e-1, 1e-5),
            "optimizer.weight_decay": log_uniform(0, 1),
            "loss.label_smoothing": uniform(0, 1.5),
            "batch_size": choice(0, 64),
            "schedule": choice("cosin", "constant"),
            "epochs": choice(3),
        }
    )
    with pytest.raises(RecipeError) as caught:
        space.check(Recipe())
    text = str(caught.value)
    for part in (
        "Did you mean 'lr'",
        "Swap them",
        "log scale",
        "label_smoothing` must be below 1",
        "'cosine'",
        "two options",
    ):
        assert part in text
    assert "`batch_size` must be at least 1, got 0" in text
    assert len(caught.value.mistakes) == 7


@pytest.mark.parametrize("space", [{}, {"epochs": 3}, {"epochs": fixed(3)}])
def test_a_space_without_anything_that_varies_is_refused(space):
    with pytest.raises(RecipeError, match="must have a dimension that varies"):
        Space.of(space).check()


def test_a_list_could_mean_two_things_and_is_refused():
    with pytest.raises(RecipeError, match=r"choice\(\*values\)"):
        Space.of({"batch_size": [32, 64]})


def test_a_path_outside_and_inside_of_a_choice_is_contradictory():
    inner = branch("adamw", {"optimizer.lr": log_uniform(1e-5, 1e-2)})
    space = Space.of({"optimizer.lr": log_uniform(1e-5, 1), "optimizer": choice(inner, "sgd")})
    with pytest.raises(RecipeError, match="in one place"):
        space.check()


def test_a_field_is_sought_in_the_optimizer_of_its_branch():
    OPTIMIZERS.check(Recipe())
    wrong = branch("adamw", {"optimizer.momentum": uniform(0, 0.9)})
    with pytest.raises(RecipeError, match=r"optimizer\.momentum"):
        Space.of({"optimizer": choice("sgd", wrong)}).check(Recipe(optimizer="sgd"))


def test_mistakes_of_whole_points_are_found():
    space = Space.of({"optimizer.nesterov": choice(True, False), "optimizer.momentum": choice(0.0, 0.9)})
    with pytest.raises(RecipeError, match="nesterov"):
        space.check(Recipe(optimizer="sgd"))


def test_constraints_are_comparisons_of_fields():
    space = Space(OPTIMIZERS.dimensions, constraints=("optimizer.lr * batch_size <= 0.64 or epochs > 3",))
    space.check(Recipe())
    assert space.allows({"optimizer.lr": 0.01, "batch_size": 64, "epochs": 3})
    assert not space.allows({"optimizer.lr": 0.02, "batch_size": 64, "epochs": 3})
    assert space.allows({"batch_size": 64, "epochs": 3})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("optimizer.lr <", "comparison of fields"),
        ("__import__('os') == 1", "with Call"),
        ("optimizer.lrr < 1", "Did you mean 'optimizer.lr'"),
        ("optimizer.lr > 2", "must allow some points"),
        ("batch_size", "comparison of fields"),
    ],
)
def test_constraints_that_cannot_be_meant_are_refused(text, said):
    with pytest.raises(RecipeError, match=said):
        Space({"optimizer.lr": log_uniform(1e-5, 1), "batch_size": choice(32, 64)}, constraints=(text,)).check()


def test_a_space_reads_back_equal_from_json_and_toml(tmp_path):
    space = Space(
        OPTIMIZERS.dimensions,
        constraints=("optimizer.lr * batch_size < 10",),
        source="here",
        scientific=("batch_size",),
    )
    assert Space.from_plain(json.loads(json.dumps(space.to_plain()))) == space
    file = tmp_path / "space.toml"
    file.write_text(tomli_w.dumps(space.to_plain()))
    assert Space.from_toml(file) == space
    assert Space.from_toml(file).hash == space.hash


def test_toml_may_be_nested_as_a_recipe_is(tmp_path):
    file = tmp_path / "space.toml"
    file.write_text(
        'constraints = ["optimizer.lr < 1"]\nbatch_size = {choice = [32, 64]}\n'
        "[optimizer]\nlr = {log_uniform = [1e-5, 0.1]}\nweight_decay = {uniform = [0, 0.1]}\n"
        "[model]\ndropout = {uniform = [0, 0.5], step = 0.1}\n"
    )
    space = Space.from_toml(file)
    space.check(Recipe())
    assert space.paths == ("batch_size", "optimizer.lr", "optimizer.weight_decay", "model.dropout")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr = 3", "must be a table"),
        ("lr = {loguniform = [1, 2]}", "Did you mean 'log_uniform'"),
        ("lr = {log_uniform = [1, 2, 3]}", "two bounds"),
        ("lr = {log_uniform = [1, 2], step = 2}", "setting of log_uniform"),
        ("lr = ", "must be TOML"),
    ],
)
def test_toml_with_mistakes_is_refused(tmp_path, text, said):
    file = tmp_path / "space.toml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=said):
        Space.from_toml(file)


@pytest.mark.parametrize("name", sorted(set(Recipe.families["optimizer"]) - {"custom"}))
def test_every_optimizer_has_a_default_space_with_a_source_that_its_recipe_takes(name):
    space = default_space(name)
    space.check(Recipe(optimizer=name))
    assert space.source
    assert any("log-uniform" in line for line in space.describe())


def test_an_unknown_optimizer_has_no_default_space():
    with pytest.raises(UnknownNameError, match="Did you mean 'adamw'"):
        default_space("adamww")


def test_the_hash_follows_what_is_drawn_and_not_the_words():
    a = Space({"optimizer.lr": log_uniform(1e-5, 1)}, source="here")
    assert a.hash == Space({"optimizer.lr": log_uniform(1e-5, 1)}, source="there").hash
    assert a.hash != Space({"optimizer.lr": log_uniform(1e-5, 2)}).hash


@settings(max_examples=30)
@given(st.lists(units, min_size=5, max_size=5))
def test_every_point_of_a_space_makes_a_recipe(unit):
    changes = OPTIMIZERS.at(unit)
    recipe = Recipe().with_(changes)
    assert recipe.get("optimizer.lr") == changes["optimizer.lr"]
    assert all(math.isfinite(p) for p in OPTIMIZERS.positions(changes).values())
