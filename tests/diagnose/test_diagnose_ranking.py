"""Causes come first, symptoms go under them, and nothing is lost."""

from __future__ import annotations

import numpy as np
from cases import BROKEN
from hypothesis import given
from hypothesis import strategies as st
from records_for_tests import REGRESSION, data, problem, record

from trainwell.diagnose import RULES, diagnose, diagnose_data, flattened, ranked
from trainwell.recipe import Recipe
from trainwell.records import Finding, Overlap, Remedy


def finding(rule: str, severity: str | None = None) -> Finding:
    return Finding(rule, severity or RULES[rule].severity, "Something.", {"n": 1}, Remedy("Do."))


def test_a_symptom_goes_under_its_cause():
    (cause,) = ranked([finding("non-finite-loss"), finding("learning-rate-too-high")])
    assert cause.rule == "learning-rate-too-high"
    assert [symptom.rule for symptom in cause.symptoms] == ["non-finite-loss"]


def test_symptoms_of_symptoms_nest():
    names = ("underfitting", "no-better-than-chance", "non-finite-loss", "non-finite-inputs")
    (cause,) = ranked(map(finding, names))
    assert cause.rule == "non-finite-inputs"
    assert {f.rule for f in flattened([cause])} == set(names)


def test_the_earliest_cause_takes_a_symptom():
    causes = ranked(map(finding, ("learning-rate-too-high", "unscaled-inputs", "loss-spikes")))
    assert [f.rule for f in causes] == ["unscaled-inputs"]
    assert {f.rule for f in causes[0].symptoms} == {"learning-rate-too-high", "loss-spikes"}


def test_the_tree_with_the_gravest_finding_comes_first():
    names = (
        "unscaled-inputs",
        "coupled-weight-decay",
        "learning-rate-too-low",
        "no-better-than-chance",
        "invalid-labels",
    )
    causes = ranked([finding("tiny-evaluation-set"), *map(finding, names)])
    assert causes[0].rule == "invalid-labels"
    assert causes[-1].severity == "advice"


def test_advice_hides_no_alarm():
    causes = ranked([finding("excessive-dropout"), finding("underfitting")])
    assert {f.rule for f in causes} == {"excessive-dropout", "underfitting"}


@given(st.lists(st.sampled_from(sorted(RULES)), max_size=12))
def test_ranking_loses_nothing_and_closes_no_circle(names):
    found = ranked(map(finding, names))
    assert sorted(f.rule for f in flattened(found)) == sorted(names)


@given(st.permutations(["learning-rate-too-high", "non-finite-loss", "loss-spikes", "overfitting", "unscaled-inputs"]))
def test_the_order_of_findings_does_not_matter(names):
    assert ranked(map(finding, names)) == ranked(map(finding, sorted(names)))


def test_a_diverged_run_is_told_as_one_cause():
    run = next(iter(BROKEN["learning-rate-too-high"][0]()))
    (cause,) = [f for f in diagnose(run) if f.is_alarm]
    assert cause.rule == "learning-rate-too-high"
    assert [f.rule for f in cause.symptoms] == ["non-finite-loss"]


def test_data_are_judged_before_any_training():
    audit = data({"invalid_labels": 2}, overlaps=(Overlap("test", 200, 0.5),), nearest_neighbour_agreement=0.1)
    found = diagnose_data(problem(), audit, Recipe().to_dict())
    assert {f.rule for f in found if f.severity == "error"} == {"invalid-labels", "train-eval-overlap"}
    assert diagnose_data(problem(), audit, ignore=["invalid-labels", "train-eval-overlap"]) == []


def test_before_training_inputs_are_judged_only_with_the_model():
    pixels = data({"input_mean": 33.0, "input_std": 78.0, "input_min": 0.0, "input_max": 255.0}, {"input_std": 78.0})
    known = record().model_facts
    assert "unscaled-inputs" not in {f.rule for f in diagnose_data(problem(), pixels)}
    assert "unscaled-inputs" in {f.rule for f in diagnose_data(problem(), pixels, model_facts=known)}


def test_natural_repeats_make_an_overlap_a_warning_and_discrete_inputs_advice():
    def severity(repeats: int, share: float) -> str:
        audit = data({"duplicates": repeats}, overlaps=(Overlap("val", round(400 * share), share),))
        (found,) = diagnose_data(problem(), audit, select=["train-eval-overlap"])
        return found.severity

    assert severity(0, 0.11) == "error"
    assert severity(90, 0.11) == "warning"  # spambase: 6 % repeats, 11 % of a random split
    assert severity(90, 0.5) == "error"
    assert severity(1200, 1.0) == "advice"


def test_overfitting_with_a_rising_metric_or_few_examples_is_advice():
    base = next(iter(BROKEN["overfitting"][0]()))
    val = base.evaluations("val").loss
    rising = np.linspace(0.5, 0.9, len(val))
    for changes in ({"val_metric": rising}, {"examples": 40}):
        run = record(train_loss=base.evaluations("train").loss, val_loss=val, **changes)
        (found,) = [f for f in flattened(diagnose(run)) if f.rule == "overfitting"]
        assert found.severity == "advice"
        assert "are kept" in found.message


def test_regression_is_told_by_its_own_metric():
    loss = np.full(21, 1.0)
    run = record(train_loss=loss, val_loss=loss, val_metric=loss, train_metric=loss, facts=REGRESSION)
    assert all(f.rule in RULES for f in flattened(diagnose(run)))
