"""Every optimizer, schedule and augmentation a recipe can name."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from recipe_strategies import recipes

from trainwell.errors import RecipeError
from trainwell.recipe import Recipe, augmentations, optimizers, schedules

FAMILIES = {
    "optimizer": (optimizers.Optimizer, optimizers.KINDS),
    "schedule": (schedules.Schedule, schedules.KINDS),
    "augmentation": (augmentations.Augmentation, augmentations.KINDS),
}
NAMES = [(family, name) for family, (_, kinds) in FAMILIES.items() for name in kinds]


def part(recipe, family):
    value = getattr(recipe, family)
    return value[0] if family == "augmentation" else value


@pytest.mark.parametrize(("family", "name"), NAMES)
def test_every_name_is_a_shorthand_for_its_defaults(family, name):
    kind = FAMILIES[family][1][name]
    made = part(Recipe(**{family: name}), family)
    assert type(made) is kind
    assert made == kind()
    assert made.name == name
    assert Recipe.from_toml(f'{family} = "{name}"') == Recipe(**{family: kind()})


@pytest.mark.parametrize("family", FAMILIES)
def test_the_union_and_the_table_of_names_agree(family):
    annotated, kinds = FAMILIES[family]
    union = get_args(get_args(annotated)[0])
    tagged = {tag.tag: kind for kind, tag in map(get_args, union)}
    assert {name: kind for name, kind in tagged.items() if name != "custom"} == kinds
    assert ("custom" in tagged) == (family != "schedule")


@pytest.mark.parametrize("name", optimizers.SHORTHANDS)
def test_a_shorthand_means_its_table_and_fields_given_beside_it_win(name):
    table = optimizers.SHORTHANDS[name]
    assert Recipe(optimizer=name) == Recipe(optimizer=table)
    assert Recipe(optimizer={"name": name, "momentum": 0.5}) == Recipe(optimizer=table | {"momentum": 0.5})


@pytest.mark.parametrize(("family", "name"), NAMES)
def test_a_slip_of_the_keyboard_is_told_with_a_known_name(family, name):
    with pytest.raises(RecipeError, match=rf"unknown {family} '{name}q'\. Did you mean '{name}'\?"):
        Recipe(**{family: name + "q"})


@pytest.mark.parametrize(
    "field", ["loss", "averaging", "sampling", "initialization", "clipping", "optimizer", "schedule"]
)
def test_every_named_part_takes_its_name_alone(field):
    name = getattr(Recipe(), field).name
    assert Recipe(**{field: name}) == Recipe()


def test_a_class_by_import_path_takes_any_arguments():
    recipe = Recipe(optimizer={"name": "my.optim:Fancy", "lr": 0.5, "arguments": {"rho": [1, 2]}})
    assert isinstance(recipe.optimizer, optimizers.Custom)
    assert Recipe.from_toml(recipe.to_toml()).optimizer.arguments == {"rho": [1, 2]}
    assert isinstance(Recipe(augmentation="my.module:shake").augmentation[0], augmentations.CustomAugmentation)


@settings(max_examples=20, deadline=None)
@given(recipes)
def test_parts_never_lose_their_name_when_only_set_fields_are_kept(recipe):
    assert Recipe(**recipe.model_dump(mode="json", exclude_unset=True)) == recipe
