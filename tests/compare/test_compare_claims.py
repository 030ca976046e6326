"""Checking what somebody wrote against a result."""

import json

import pytest
from race_cases import contenders, fabricated, judged, made_up, protocol, small_digits

from trainwell import fit
from trainwell.compare.claims import check_claim
from trainwell.compare.claims.reading import read_claim
from trainwell.errors import RecordError

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


def test_an_unfair_race_supports_nothing():
    found = protocol("adamw", "momentum")
    record = judged(found, fabricated(found, {"adamw": 0.97, "momentum": 0.9}), ({"code": "a and then b"},))
    assert "fairness" in names_of(check_claim("adamw is better than momentum in test accuracy", record))


def test_several_subjects_are_each_checked():
    record = made_up({"adamw": 0.97, "momentum": 0.9, "sgd": 0.969})
    found = check_claim("adamw and momentum are better than sgd in test accuracy", record)
    assert "direction" in names_of(found)


def test_negated_comparisons_are_no_claims():
    read = read_claim("it cannot be told whether a1 is better than b1", {"a1": "a1", "b1": "b1"}, ())
    assert not read.assertions


def test_neither_a_comparison_nor_runs_is_refused(tmp_path):
    with pytest.raises(RecordError, match="comparison or several runs"):
        check_claim("a is better than b", tmp_path)


def test_what_came_of_it_is_plain_json(clear):
    assert json.loads(json.dumps(check_claim(CLASSICAL, clear).to_dict()))["supported"] is False
