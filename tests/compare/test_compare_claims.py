"""Checking what somebody wrote against a result."""

import json
from dataclasses import replace

import pytest
from race_cases import contenders, fabricated, judged, made_up, protocol, small_digits

from trainwell import fit
from trainwell.compare.claims import check_claim
from trainwell.compare.claims.reading import read_claim
from trainwell.errors import RecordError

NAMES = {"adamw": "adamw", "momentum": "momentum"}
CLASSICAL = (
    "Although B is slightly better in the end, A trains faster and should be preferred for 80 epochs or less: "
    "its performance is better."
)


def names_of(found):
    return {fault.name for fault in found.faults}


@pytest.fixture(scope="module")
def clear():
    return made_up({"adamw": 0.97, "momentum": 0.92})


@pytest.fixture(scope="module")
def equal():
    return made_up({"adamw": 0.95, "momentum": 0.951})


def test_the_classical_wrong_claim_about_two_single_runs_has_each_fault_named(tmp_path):
    for number, contender in enumerate(contenders("momentum", "adamw")):
        fit(small_digits(), contender.recipe.with_({"epochs": 2}), folder=tmp_path / f"run-{number}")
    found = check_claim(CLASSICAL, tmp_path)
    assert {"horizon", "tuning", "single run", "significance", "contenders", "performance"} <= names_of(found)
    assert not found.supported


def test_the_classical_wrong_claim_about_configurations_tuned_once(equal):
    found = protocol("momentum", "adamw", horizons=(100,), claim="C1", studies=1, seeds=6)
    record = judged(found, fabricated(found, {"momentum": 0.95, "adamw": 0.951}))
    checked = check_claim(CLASSICAL, record)
    assert {"horizon", "tuning", "significance", "contenders", "performance"} <= names_of(checked)
    horizon = next(fault for fault in checked.faults if fault.name == "horizon")
    assert "80" in horizon.quote
    assert "--horizons 80,100" in horizon.remedy


def test_a_true_claim_with_its_scope_is_supported(clear):
    found = check_claim("On digits adamw is better than momentum in test accuracy at 30 epochs.", clear)
    assert found.supported, found.faults
    assert found.may_be_said


def test_every_generated_sentence_is_supported_by_its_own_result(clear):
    for record in (clear, made_up({"adamw": 0.95, "momentum": 0.95}, margin=0.05)):
        for pair in record.pairs:
            found = check_claim(pair.sentence, record)
            assert found.supported, found.faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("momentum is better than adamw in test accuracy", "direction"),
        ("adamw has a better test accuracy than momentum, by 20 points", "size"),
        ("adamw is always better than momentum in test accuracy", "scope"),
        ("adamw is better than momentum in test accuracy on mnist", "scope"),
        ("adamw is better than momentum in test accuracy after 10 epochs", "horizon"),
        ("adamw is better than momentum in test accuracy for up to 30 epochs", "horizon"),
        ("early on adamw is better than momentum in test accuracy", "horizon"),
        ("adamw is better than lion in test accuracy", "contenders"),
        ("adamw performs better than momentum", "performance"),
        ("adamw is faster than momentum", "performance"),
        ("adamw is as good as momentum in test accuracy", "direction"),
        ("adamw has 30 epochs", "no claim"),
        ("adamw has a lower test accuracy than momentum", "direction"),
        ("momentum has a lower test error than adamw", "direction"),
        ("adamw has a lower validation loss than momentum", "performance"),
        ("adamw has a better validation accuracy than momentum", "performance"),
        ("the best run of adamw is better than the best run of momentum in test accuracy", "best of runs"),
        ("with learning rate 0.01 adamw is better than momentum in test accuracy", "setting"),
        ("we recommend momentum: its test accuracy is better", "direction"),
        ("no significant difference between adamw and momentum was found", "direction"),
        ("the differences are not significant", "direction"),
        ("adamw achieves 99.9% test accuracy, better than momentum", "size"),
        ("adam has a better test accuracy than momentum", "contenders"),
        ("adamw needs fewer steps than momentum", "performance"),
    ],
)
def test_each_fault_is_named(clear, text, fault):
    assert fault in names_of(check_claim(text, clear))


@pytest.mark.parametrize(
    "text",
    [
        "adamw is better than momentum in test accuracy",
        "momentum beats adamw in test accuracy",
        "momentum should be preferred: its test accuracy is higher",
        "there is a significant difference between adamw and momentum in test accuracy",
    ],
)
def test_a_direction_where_it_cannot_be_told_is_not_significant(equal, text):
    assert "significance" in names_of(check_claim(text, equal))


def test_no_difference_shown_is_not_equality():
    record = made_up({"adamw": 0.95, "momentum": 0.952}, margin=0.0005)
    assert "equality" in names_of(check_claim("adamw is as good as momentum in test accuracy", record))


def test_faster_is_checked_where_a_target_was_declared():
    record = made_up({"adamw": 0.97, "momentum": 0.85}, target=0.84)
    good = check_claim("adamw reaches the validation accuracy target faster than momentum", record)
    bad = check_claim("momentum reaches the validation accuracy target faster than adamw", record)
    assert good.supported, good.faults
    assert "direction" in names_of(bad)


@pytest.mark.parametrize(
    "text",
    [
        "adamw has a higher test accuracy than momentum",
        "adamw has a lower test error than momentum",
        "momentum has a larger test error than adamw",
        "we recommend adamw for its test accuracy",
        "adamw reaches 97.0 % test accuracy, better than momentum",
        "adamw is better than momentum in test accuracy, and the difference is significant",
    ],
)
def test_what_people_write_is_supported_where_it_was_found(clear, text):
    found = check_claim(text, clear)
    assert found.supported, found.faults


@pytest.mark.parametrize(
    "text",
    [
        "No significant difference between adamw and momentum was found in test accuracy at 30 epochs.",
        "It cannot be told whether momentum or adamw is better.",
        "The differences are not significant.",
    ],
)
def test_saying_that_it_is_open_is_supported_where_it_is(equal, text):
    found = check_claim(text, equal)
    assert found.supported, found.faults


def test_letters_stand_for_the_contenders_in_their_order_whichever_comes_first(clear):
    found = check_claim("B is better than A in test accuracy", clear)
    (named,) = [fault for fault in found.faults if fault.name == "contenders"]
    assert "A = adamw, B = momentum" in named.why


def test_with_equal_seconds_a_claim_about_other_seconds_is_one_about_another_horizon():
    record = made_up({"adamw": 0.97, "momentum": 0.92}, seconds=20)
    good, bad = (f"adamw is better than momentum in test accuracy after {n} seconds" for n in (20, 5))
    assert check_claim(good, record).supported
    assert "horizon" in names_of(check_claim(bad, record))


def test_an_unfair_race_supports_nothing():
    found = protocol("adamw", "momentum")
    record = judged(found, fabricated(found, {"adamw": 0.97, "momentum": 0.9}), ({"code": "a and then b"},))
    assert "fairness" in names_of(check_claim("adamw is better than momentum in test accuracy", record))


def test_several_subjects_are_each_checked():
    record = made_up({"adamw": 0.97, "momentum": 0.9, "sgd": 0.969})
    found = check_claim("adamw and momentum are better than sgd in test accuracy", record)
    assert "direction" in names_of(found)


def test_a_negated_comparison_is_no_claim_and_an_open_one_is_a_claim_of_its_own():
    names = {"a1": "a1", "b1": "b1"}
    assert not read_claim("there is no evidence that a1 is better than b1", names, ()).assertions
    (found,) = read_claim("it cannot be told whether a1 is better than b1", names, ()).assertions
    assert (found.kind, found.subject, found.object) == ("open", "a1", "b1")


def test_what_should_be_preferred_is_what_the_sentence_is_about():
    reading = read_claim("adamw trains faster than momentum and should be preferred", NAMES, ("accuracy",))
    assert [(a.kind, a.subject) for a in reading.assertions] == [("faster", "adamw"), ("preferred", "adamw")]
    reading = read_claim("adamw is worse than momentum, which should be preferred", NAMES, ("accuracy",))
    assert reading.assertions[-1].subject == "momentum"


def test_a_claim_about_one_problem_is_held_against_that_one(clear):
    undecided = replace(clear.pairs[0], problem="other", verdict="cannot tell")
    record = replace(
        clear,
        pairs=(*clear.pairs, undecided),
        protocol=replace(clear.protocol, problems=(*clear.protocol.problems, _renamed(clear.protocol.problems[0]))),
    )
    assert check_claim("On digits adamw is better than momentum in test accuracy at 30 epochs.", record).supported
    assert "significance" in names_of(check_claim("On other adamw is better than momentum in test accuracy.", record))


def _renamed(problem):
    return replace(problem, facts=replace(problem.facts, name="other"))


def test_neither_a_comparison_nor_runs_is_refused(tmp_path):
    with pytest.raises(RecordError, match="comparison or several runs"):
        check_claim("a is better than b", tmp_path)


def test_what_came_of_it_is_plain_json(clear):
    assert json.loads(json.dumps(check_claim(CLASSICAL, clear).to_dict()))["supported"] is False
