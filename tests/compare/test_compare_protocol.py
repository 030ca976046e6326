"""What is refused before anything runs."""

import pytest
from race_cases import SPACE, contenders, protocol, small_digits

from trainwell import Problem
from trainwell.compare import Contender, Plan
from trainwell.compare.protocol import protocol_of
from trainwell.errors import RecipeError, UsageError
from trainwell.recipe import Recipe
from trainwell.space import Space, integers, log_uniform


def refused(match, *, entered=None, problems=None, **plan):
    with pytest.raises(UsageError, match=match):
        protocol_of(problems or [small_digits()], entered or contenders("momentum", "adamw"), Plan(**plan))


@pytest.mark.parametrize(
    ("plan", "match"),
    [
        ({"studies": 1}, "luck of tuning is only seen by tuning again"),
        ({"studies": 3}, "at least 4"),
        ({"claim": "C1", "studies": 1, "seeds": 5}, "at least 6"),
        ({"claim": "C1", "studies": 5, "seeds": 10}, "must be 1 where one tuned configuration"),
        ({"method": "tpe"}, "trials of an adaptive"),
        ({"method": "focus"}, "trials of an adaptive"),
        ({"method": "soboll"}, "Did you mean 'sobol'"),
        ({"horizons": (20, 20)}, "must differ"),
        ({"horizons": (0,)}, "at least 1"),
        ({"margin": 0.0}, "above 0"),
        ({"target": float("nan")}, "finite"),
        ({"level": 1.0}, "between 0 and 1"),
        ({"trials": 0}, "at least 1"),
    ],
)
def test_a_plan_that_can_claim_nothing_is_refused(plan, match):
    refused(match, **plan)


def test_two_contenders_of_one_name_are_refused():
    refused("different names", entered=contenders("adamw", "adamw"))


def test_one_contender_is_no_comparison():
    refused("at least two", entered=contenders("adamw"))


def test_unequal_updates_are_refused():
    one, other = contenders("momentum", "adamw")
    refused("same number of updates", entered=[one, Contender("adamw", other.recipe.with_({"batch_size": 32}), SPACE)])


@pytest.mark.parametrize("path", ["epochs", "batch_size"])
def test_a_space_may_not_vary_the_length_of_the_runs(path):
    space = Space({"optimizer.lr": log_uniform(1e-3, 1e-1), path: integers(8, 64)})
    one, other = contenders("momentum", "adamw")
    refused(path, entered=[one, Contender("adamw", other.recipe, space)])


def test_a_contender_without_a_space_is_refused():
    one, other = contenders("momentum", "adamw")
    refused("A\\(space, budget\\)", entered=[one, Contender("adamw", other.recipe, None)])


def test_a_problem_without_test_data_is_refused():
    X, y = small_digits().train.inputs, small_digits().train.targets
    refused("must have test data", problems=[Problem(small_digits().factory, (X, y), test=None, name="no test")])


def test_all_mistakes_come_at_once():
    with pytest.raises(UsageError) as caught:
        protocol_of([small_digits()], contenders("adamw", "adamw"), Plan(studies=1, level=2.0))
    assert all(text in str(caught.value) for text in ("studies", "level", "different names"))


def test_tuning_and_final_seeds_never_meet():
    found = protocol("momentum", "adamw", studies=10, seeds=5)
    finals = [seed for study in found.final_seeds for seed in study]
    assert len(set(finals)) == 50
    assert not set(finals) & set(found.tuning_seeds)


def test_equal_protocols_have_equal_hashes_and_a_target_makes_another():
    assert protocol("momentum", "adamw").hash == protocol("momentum", "adamw").hash
    assert protocol("momentum", "adamw").hash != protocol("momentum", "adamw", target=0.9).hash


def test_plain_sgd_is_without_momentum_and_the_others_have_their_sourced_space():
    sgd, momentum = Contender.of("sgd"), Contender.of("m", "sgd-momentum")
    assert "optimizer.momentum" not in sgd.space.dimensions
    assert "optimizer.momentum" in momentum.space.dimensions
    assert sgd.space.source
    assert momentum.facts().optimizer == "sgd-momentum"


def test_a_contender_file_holds_a_recipe_and_a_space(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'optimizer = "adam"\n"regularization.l2" = 0.1\n[space]\n"optimizer.lr" = {log_uniform = [1e-4, 1e-2]}'
    )
    found = Contender.of("mine", str(file))
    assert found.recipe.optimizer.name == "adam"
    assert list(found.space.dimensions) == ["optimizer.lr"]


def test_a_contender_file_may_not_set_the_length(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('optimizer = "adam"\nepochs = 3\n')
    with pytest.raises(RecipeError, match="left to the protocol"):
        Contender.of("mine", str(file))


def test_an_unknown_optimizer_says_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'adamw'"):
        Contender.of("x", "adamww")


def test_a_recipe_as_contender_gets_the_default_space():
    assert Contender.of("x", Recipe(optimizer="lion")).space.hash == Contender.of("lion").space.hash
