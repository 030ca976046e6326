"""Intervals of metrics, and metrics against a guess."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records_for_tests import EPOCHS, REGRESSION, data, record

from trainwell.diagnose.metric import against_chance, beats, chance_level, metric_interval, wilson
from trainwell.records import Baselines, Evaluation
from trainwell.stats import binomial_interval


@given(n=st.integers(1, 5000), share=st.floats(0, 1), level=st.sampled_from([0.9, 0.95, 0.999]))
def test_the_closed_form_is_the_interval_of_the_statistics_module(n, share, level):
    successes = round(share * n)
    expected = binomial_interval(successes, n, level).interval
    found = wilson(successes / n, n, level)
    assert found.low == pytest.approx(expected.low, abs=1e-9)
    assert found.high == pytest.approx(expected.high, abs=1e-9)


def test_chance_is_the_commonest_class_where_it_was_not_recorded():
    audit = data({"label_counts": {"0": 900, "1": 500}}, {"label_counts": {"0": 300, "1": 100}})
    assert chance_level(record(audit=audit, baselines=Baselines())) == 0.75


def test_auroc_counts_as_the_examples_that_give_its_variance_under_chance():
    # Hanley & McNeil: with 100 against 300 the deviation of a useless AUROC is sqrt(401 / (12 * 100 * 300)) = 0.0334
    about = {"task": "binary", "classes": 2, "metric": "auroc", "metrics": ("auroc",)}
    run = record(audit=data(val={"label_counts": {"0": 300, "1": 100}}), facts=about)
    found = metric_interval(run, Evaluation(1, 1.0, "val", 0.5, {"auroc": 0.5}, 400))
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.0334, rel=0.02)


def test_a_loss_that_beats_the_guess_speaks_for_the_run():
    flat = np.full(EPOCHS + 1, 0.1)
    lucky = record(val_metric=flat)
    assert not against_chance(lucky).equal
    assert against_chance(record(val_metric=flat, val_loss=np.full(EPOCHS + 1, 2.303))).equal


def test_regression_beats_by_more_than_sampling_noise_only():
    run = record(facts=REGRESSION, val_metric=np.full(EPOCHS + 1, 1.0))
    row = run.evaluations("val")[-1]
    assert beats(run, 0.8, row)
    assert not beats(run, 0.92, row)
    assert not beats(run, 1.2, row)
