"""The report in the formats that machines read."""

import json

import pytest

from trainwell.check.formats import render
from trainwell.check.run import CheckResult, ProgramFacts
from trainwell.records import Finding, Place, Remedy

SYMPTOM = Finding("overfitting", "warning", "It overfits.", {}, Remedy("Stop earlier."))
FINDINGS = (
    Finding(
        "missing-zero-grad",
        "error",
        "100% of steps, a: b\nno clear.",
        {"steps": 20, "share": float("nan")},
        Remedy("Clear.", code="optimizer.zero_grad()"),
        Place("my code/train.py", 7),
        (SYMPTOM,),
    ),
    Finding("unseeded-run", "advice", "No seed.", {}, Remedy("Seed."), Place("work.ipynb", 3, 1)),
    Finding("unscaled-inputs", "warning", "Pixels to 255.", {}, Remedy("Divide.")),
)


def report(form, findings=FINDINGS, **facts):
    return render(CheckResult(findings, ProgramFacts("train.py", **facts), (), ("No evaluation was seen.",)), form)


def test_annotations_of_pull_requests_escape_what_they_must():
    rows = report("github").splitlines()
    assert rows[0] == (
        "::error file=my code/train.py,line=7,title=missing-zero-grad::100%25 of steps, a: b%0Ano clear. Clear."
    )
    assert [row.split(" ")[0] for row in rows] == ["::error", "::notice", "::warning"]


def test_sarif_holds_the_required_fields():
    log = json.loads(report("sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "trainwell"
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in ("error", "warning", "note")
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20code/train.py"
    assert place["region"]["startLine"] == 7
    assert "locations" not in run["results"][2]


def test_json_puts_symptoms_under_their_cause():
    value = json.loads(report("json"))
    first = value["findings"][0]
    assert [entry["rule"] for entry in first["symptoms"]] == ["overfitting"]
    assert (first["file"], first["line"], first["evidence"]["steps"]) == ("my code/train.py", 7, 20)
    assert value["findings"][1]["cell"] == 1
    assert value["observed"]["not_seen"] == ["No evaluation was seen."]


def test_text_says_place_cause_numbers_and_remedy():
    text = report("text")
    for part in ("my code/train.py:7: error missing-zero-grad", "numbers: steps 20", "remedy: Clear.", "explains"):
        assert part in text
    assert "1 error, 1 warning, 1 advice" in text


@pytest.mark.parametrize(
    ("findings", "facts", "code"),
    [
        ((), {}, 0),
        (FINDINGS[1:2], {}, 0),
        (FINDINGS[2:], {}, 1),
        (FINDINGS, {"status": "failed", "exit_code": 1}, 2),
        (FINDINGS[:1], {"status": "stopped", "exit_code": None}, 1),
    ],
)
def test_exit_codes(findings, facts, code):
    assert CheckResult(findings, ProgramFacts("train.py", **facts)).exit_code == code
