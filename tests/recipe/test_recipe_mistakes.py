"""What a wrong recipe says."""

from __future__ import annotations

import re

import pytest
from annotated_types import Ge, Gt, Le, Lt
from hypothesis import given, settings
from hypothesis import strategies as st
from recipe_strategies import bounds

from trainwell.errors import RecipeError
from trainwell.recipe import AdamW, Part, Recipe

WORDS = {Gt: "above", Ge: "at least", Lt: "below", Le: "at most"}
MISTAKES = {
    "epochs": (0, "must be at least 1, got 0"),
    "steps": ("many", "must be a whole number, got 'many'"),
    "batch_size": (1.5, "must be a whole number, got 1.5"),
    "optimizer": ("adamww", "unknown optimizer 'adamww'. Did you mean 'adamw'?"),
    "schedule": ({"name": "cosine", "floor": 2}, "`schedule.floor` must be at most 1, got 2"),
    "loss": ("cross_entropy", "Did you mean 'cross-entropy'?"),
    "augmentation": (["flip", "corp"], "`augmentation.1`: unknown augmentation 'corp'. Did you mean 'crop'?"),
    "precision": ({"dtype": "bf61"}, "got 'bf61'. Did you mean 'bf16'?"),
    "stopping": ({"patiance": 3}, "unknown field of `stopping` 'patiance'. Did you mean 'patience'?"),
    "parameters": ({"overrides": [{"pattern": "", "lr_factor": 1}]}, "`parameters.overrides.0.pattern` must not be"),
    "model": ({"act": {"fn": print}}, "`model.act.fn` must be a string, finite number, truth value, list or table"),
    "optimiser": (1, "unknown field of a recipe 'optimiser'. Did you mean 'optimizer'?"),
}


def all_parts(kind: type[Part] = Part) -> list[type[Part]]:
    return [found for sub in kind.__subclasses__() for found in (sub, *all_parts(sub))]


def said(fields) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        Recipe(**fields)
    return str(caught.value).splitlines()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(MISTAKES)), min_size=1, unique=True))
def test_any_set_of_mistakes_is_told_in_one_message_one_a_line(names):
    head, *lines = said({name: MISTAKES[name][0] for name in names})
    assert head == ("the recipe has a mistake:" if len(names) == 1 else f"the recipe has {len(names)} mistakes:")
    assert len(lines) == len(names)
    for name in names:
        assert sum(MISTAKES[name][1] in line and f"`{name}" in line for line in lines) == 1


@pytest.mark.parametrize("kind", [k for k in all_parts() if not k.__name__.startswith("_")], ids=lambda k: k.__name__)
def test_every_bound_of_every_part_is_told_with_field_condition_and_value(kind):
    required = {"name": "a:b"} if kind.model_fields.get("name") and kind.model_fields["name"].is_required() else {}
    for name, field in kind.model_fields.items():
        for bound, limit in bounds(tuple(field.metadata)).items():
            if bound in WORDS and field.annotation in (int, float):
                bad = limit + {Gt: 0, Lt: 0, Ge: -1, Le: 1}[bound]
                with pytest.raises(RecipeError) as caught:
                    kind(**required, **{name: bad})
                assert f"`{name}` must be {WORDS[bound]} {limit:g}, got {bad}" in str(caught.value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "much", None, [1]])
def test_a_learning_rate_that_is_no_number_is_refused(bad):
    (line,) = said({"optimizer": {"name": "sgd", "lr": bad}})[1:]
    assert re.search(r"`optimizer.lr` must be a (finite )?number, got ", line)
    assert repr(bad) in line


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"optimizer": {"name": "sgd", "nesterov": True}}, "`optimizer.nesterov` must go with momentum above 0"),
        ({"schedule": {"name": "linear", "warmup_steps": 1, "warmup_share": 0.1}}, "must not go with `warmup_share`"),
        ({"schedule": {"name": "multi-step", "milestones": [0.5, 0.2]}}, "`schedule.milestones` must rise"),
        ({"schedule": {"name": "cosine", "warmup_steps": 9}, "steps": 9}, "`schedule.warmup_steps` must be below"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(fields, message):
    assert message in said(fields)[1]


@pytest.mark.parametrize("bad", [3, None, ["sgd"], {"lr": 1.0}])
def test_a_part_without_a_name_lists_the_known_names(bad):
    (line,) = said({"optimizer": bad})[1:]
    assert re.search(r"`optimizer` must (have a name|be a name).* Known: adadelta, .*, sgd", line)


def test_only_families_that_take_import_paths_say_so():
    assert "import path" in said({"optimizer": "none-such"})[1]
    assert "import path" not in said({"schedule": "my.module:ramp"})[1]
    assert "must be an import path 'package.module:Name', got 'a b:C'" in said({"optimizer": "a b:C"})[1]


def test_items_say_more_than_their_list():
    (line,) = said({"loss": {"name": "mse", "class_weights": [1, -1]}})[1:]
    assert "`loss.class_weights.1` must be above 0, got -1" in line
    (line,) = said({"loss": {"name": "mse", "class_weights": "balance"}})[1:]
    assert "must be 'none' or 'balanced' or be a list, got 'balance'. Did you mean 'balanced'?" in line
    (line,) = said({"optimizer": {"name": "adam", "betas": [0.9]}})[1:]
    assert "`optimizer.betas.1` must be given" in line


def test_a_part_made_alone_refuses_by_the_same_error():
    with pytest.raises(RecipeError, match=r"AdamW has 2 mistakes:\n  - `lr` must be above 0, got -1\n  - `epz`:"):
        AdamW(lr=-1, epz=1)


def test_names_that_python_gives_arguments_are_mere_unknown_fields():
    assert "unknown field of a recipe 'self'" in said({"self": 1})[1]


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), print, {1: 2}, [None]])
def test_a_model_keyword_that_toml_cannot_hold_is_refused(bad):
    (line,) = said({"model": {"act": bad}})[1:]
    assert line.startswith("  - `model.act")
    assert "must be a string, finite number, truth value, list or table, got" in line
