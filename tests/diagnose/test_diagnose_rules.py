"""Every rule finds its broken records, leaves its healthy ones alone, and keeps the contract of rules."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
from cases import BROKEN, HEALTHY
from hypothesis import given, settings
from hypothesis import strategies as st
from records_for_tests import record

from trainwell.diagnose import CURVE_FAMILIES, RULES, diagnose, explain, flattened
from trainwell.errors import UnknownNameError
from trainwell.records import SEVERITIES, to_plain

FAMILIES = [family.__name__.rpartition(".")[2] for family in CURVE_FAMILIES]
OWN = sorted(name for name, entry in RULES.items() if entry.family in FAMILIES)
SECTIONS = ("What it checks", "Why it matters", "What to try", "When it is wrong", "Source")
CATALOGUE = {
    "error": """
        train-eval-overlap non-finite-inputs labels-unrelated-to-inputs invalid-labels repeated-worker-randomness
        double-softmax double-sigmoid missing-log-softmax softmax-over-wrong-dimension symmetric-initialization
        unregistered-parameters parameters-not-optimized detached-branch frozen-model training-in-eval-mode
        evaluation-in-train-mode loss-broadcast non-finite-loss constant-loss missing-zero-grad
        gradients-cleared-before-step missing-step missing-backward rising-schedule collapsed-schedule
        misplaced-clipping clip-before-unscale optimizer-recreated fp16-without-scaling scaler-misuse
        state-lost-on-resume no-better-than-chance sampler-epoch-not-set replicas-diverged
    """,
    "warning": """
        conflicting-labels label-changing-augmentation random-evaluation unscaled-inputs constant-inputs class-imbalance
        unshuffled-training split-shift leaky-feature activation-on-output missing-nonlinearity saturated-activations
        dead-units bad-initial-loss vanishing-gradients exploding-gradients unused-parameters dropout-in-evaluation
        batchnorm-small-batch output-size-mismatch wrong-loss graph-kept-alive learning-rate-too-high
        learning-rate-too-low scheduler-before-optimizer scheduler-not-stepped always-clipped loss-spikes
        accumulation-not-averaged overfitting underfitting best-weights-lost suspicious-validation
        gradients-in-evaluation
    """,
    "advice": """
        duplicate-samples tiny-evaluation-set excessive-dropout summed-loss coupled-weight-decay
        decayed-norms-and-biases batch-size-off-noise stopped-early data-bound sync-every-step unseeded-run
    """,
}
SEVERITY = {name: severity for severity, names in CATALOGUE.items() for name in names.split()}


def cases(table):
    return [pytest.param(name, maker, id=f"{name}: {maker.__name__}") for name in table for maker in table[name]]


@pytest.mark.parametrize(("name", "maker"), cases(BROKEN))
def test_a_broken_record_is_found(name, maker):
    for run in maker():
        (finding,) = RULES[name].check(run)
        assert finding.rule == name
        assert SEVERITIES.index(finding.severity) >= SEVERITIES.index(RULES[name].severity)


@pytest.mark.parametrize(("name", "maker"), cases(BROKEN))
def test_a_broken_record_has_the_severity_of_its_rule(name, maker):
    assert any(f.severity == RULES[name].severity for run in maker() for f in RULES[name].check(run))


@pytest.mark.parametrize(("name", "maker"), cases(HEALTHY))
def test_a_healthy_record_raises_no_alarm_of_the_rule(name, maker):
    own_severity_is_advice = RULES[name].severity == "advice"
    for run in maker():
        found = list(RULES[name].check(run))
        assert not [f for f in found if f.is_alarm or own_severity_is_advice]


def test_the_healthy_training_of_the_tests_has_no_finding_at_all():
    assert [finding.rule for seed in range(20) for finding in diagnose(record(seed=seed))] == []


@pytest.mark.parametrize("name", OWN)
def test_each_rule_has_a_broken_and_two_healthy_cases(name):
    assert len(BROKEN.get(name, [])) >= 1
    assert len(HEALTHY.get(name, [])) >= 2


@pytest.mark.parametrize("name", OWN)
def test_a_rule_is_in_the_catalogue_with_its_severity(name):
    assert RULES[name].severity == SEVERITY[name]
    assert set(RULES[name].explains) <= SEVERITY.keys() - {name}


@pytest.mark.parametrize("name", OWN)
def test_a_page_has_a_title_and_every_section(name):
    title, *parts = re.split(r"^## ", RULES[name].page, flags=re.MULTILINE)
    sections = dict(part.split("\n", 1) for part in parts)
    assert title.strip().endswith(".")
    assert len(title.strip().splitlines()) == 1
    assert tuple(sections)[:5] == SECTIONS
    assert all(len(text.split()) >= 3 for text in sections.values())


@pytest.mark.parametrize("name", OWN)
def test_findings_are_pure_json_and_speak_in_sentences(name):
    for run in (run for maker in BROKEN[name] for run in islice(maker(), 2)):
        first, again = (list(RULES[name].check(run)) for _ in range(2))
        assert to_plain(first) == to_plain(again)
        for finding in first:
            json.dumps(to_plain(finding), allow_nan=False)
            assert finding.evidence
            assert finding.message.endswith(".")
            assert finding.remedy.text.endswith(".")
            assert "nan" not in finding.message


@pytest.mark.parametrize("name", OWN)
def test_a_remedy_fits_the_recipe_that_it_changes(name):
    from trainwell.recipe import Recipe

    for run in (run for maker in BROKEN[name] for run in islice(maker(), 2)):
        for finding in RULES[name].check(run):
            before = Recipe(**run.info.recipe)
            assert not finding.remedy.recipe or before.with_(finding.remedy.recipe) != before


@pytest.mark.parametrize("name", OWN)
def test_a_rule_is_silent_where_nothing_was_recorded(name):
    from records_for_tests import problem

    from trainwell.records import RunInfo, RunRecord

    for task in ("multiclass", "binary", "multilabel", "regression", "sequence", "custom"):
        empty = RunRecord(RunInfo(problem(task=task, metric="loss", direction="min", loss="mine", examples={}), {}, 0))
        assert list(RULES[name].check(empty)) == []


@given(
    losses=st.lists(st.floats(-1e300, 1e300) | st.sampled_from([0.0, float("nan"), float("inf")]), max_size=60),
    metric=st.floats(-10, 10) | st.just(float("nan")),
    status=st.sampled_from(["running", "completed", "stopped", "diverged", "interrupted", "failed"]),
    keep=st.sampled_from(["best", "last"]),
)
@settings(max_examples=40, deadline=None)
def test_no_record_makes_a_rule_raise(losses, metric, status, keep):
    curve = losses[:21] or [1.0]
    with np.errstate(all="ignore"):
        run = record(
            step_loss=np.array(losses or [0.0]), train_loss=curve, val_loss=curve, train_metric=[metric] * len(curve),
            val_metric=[metric] * len(curve), status=status, recipe={"stopping.keep": keep},
        )  # fmt: skip
    assert all(f.rule in RULES for f in flattened(diagnose(run)))


def test_a_page_says_severity_family_causes_and_symptoms():
    page = explain("learning-rate-too-high")
    assert page.startswith("# learning-rate-too-high\n\n*warning, optimization; may explain ")
    assert "may come from" in page
    assert "unscaled-inputs" in page
    assert "## What to try" in page


def test_an_unknown_rule_says_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'overfitting'"):
        explain("overfiting")
    with pytest.raises(UnknownNameError, match="Did you mean 'class-imbalance'"):
        diagnose(record(), select=["class-inbalance"])


def test_select_and_ignore_choose_the_rules():
    run = next(iter(BROKEN["learning-rate-too-low"][0]()))
    assert [f.rule for f in diagnose(run, select=["learning-rate-too-low"])] == ["learning-rate-too-low"]
    assert "learning-rate-too-low" not in {f.rule for f in flattened(diagnose(run, ignore=["learning-rate-too-low"]))}


def test_the_rules_import_no_torch():
    code = "import sys, trainwell.diagnose; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_family_module_says_what_it_is():
    assert all(inspect.getdoc(family) for family in CURVE_FAMILIES)
