"""Views: what a report shows, against values worked out by hand or by brute force."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import fabricate
import numpy as np
import pytest

from trainwell.records import Finding, LogEntry, Remedy, TrialFacts, load_improvement, load_run
from trainwell.report.views.comparison import comparison_view, find_runs
from trainwell.report.views.curves import Line, band, corners, distinct, smoothed, step_line
from trainwell.report.views.findings import findings
from trainwell.report.views.improvement import costs, improvement_view
from trainwell.report.views.proof import proof
from trainwell.report.views.recipes import diff, to_toml, varied
from trainwell.report.views.run import run_view
from trainwell.report.views.search import search


def line(*y: float, seed: int = 0, ended: str = "completed") -> Line:
    return Line(f"run {seed}", seed, tuple(float(k) for k in range(len(y))), y, ended)


def test_band_is_the_mean_with_its_t_interval() -> None:
    made = band([line(1.0, 4.0), line(2.0, 4.0), line(3.0, 4.0)])
    assert made is not None
    assert made.mean == (2.0, 4.0)
    # t quantile 0.975 with 2 degrees is 4.30265; standard error 1 / sqrt(3)
    assert made.high[0] == pytest.approx(2 + 4.30265 / math.sqrt(3), abs=1e-5)
    assert (made.low[1], made.high[1], made.n) == (4.0, 4.0, 3)


def test_band_is_over_the_same_sound_runs_all_along() -> None:
    made = band([line(1.0, 2.0, 3.0), line(3.0, 4.0), line(90.0, math.nan, ended="diverged")])
    assert made is not None
    assert (made.x, made.mean, made.n) == ((0.0, 1.0), (2.0, 3.0), 2)


def test_band_of_diverged_runs_alone_is_over_them() -> None:
    made = band([line(1.0, math.inf, ended="diverged"), line(3.0, ended="diverged")])
    assert made is not None
    assert (made.x, made.mean) == ((0.0,), (2.0,))


def test_band_of_nothing_is_none() -> None:
    assert band([]) is None
    assert band([line(math.nan)]) is None


def test_schedules_that_agree_are_drawn_once() -> None:
    short, long, other = line(1.0, 0.5), line(1.0, 0.5, 0.25), line(2.0, 1.0)
    assert distinct([short, long, long, other]) == (long, other)


def test_corners_keep_the_curve_exactly() -> None:
    bent = line(0.0, 1.0, 2.0, 3.0, 3.0, 3.0, 2.0)
    kept = corners(bent)
    assert kept.x == (0.0, 3.0, 5.0, 6.0)
    assert np.allclose(np.interp(bent.x, kept.x, kept.y), bent.y)


@pytest.mark.parametrize("window", [3, 7, 8, 200])
def test_smoothing_is_the_running_median_of_the_finite_values(window: int) -> None:
    values = np.random.default_rng(1).standard_normal(60)
    values[[5, 17]] = [math.nan, math.inf]
    finite = values[np.isfinite(values)]
    half = min(window, len(finite)) // 2
    brute = [np.median(finite[max(0, k - half) : k + half + 1]) for k in range(len(finite))]
    made = np.array(smoothed(line(*values), window).y)
    assert np.isnan(made[[5, 17]]).all()
    assert np.allclose(made[np.isfinite(values)], brute)


def test_a_spike_does_not_spread() -> None:
    made = smoothed(line(*[1.0] * 20, 1e12, *[1.0] * 20), 5)
    assert set(made.y) == {1.0}


def trial(number: int, metric: float, at: float, *, rung: int = 0, promoted: bool = False) -> TrialFacts:
    changes = {"optimizer.lr": 10.0**-number, "optimizer.weight_decay": 0.1 * number}
    status = "diverged" if math.isnan(metric) else "completed"
    return TrialFacts(number, changes, float(rung + 1), rung, metric, 1.0, status, at, promoted=promoted)


def test_search_finds_the_best_so_far_the_rungs_and_the_winner() -> None:
    rows = [
        trial(2, 0.9, 3.0, promoted=True),
        trial(0, 0.5, 1.0),
        trial(1, math.nan, 2.0),
        trial(2, 0.8, 4.0, rung=1),
        trial(3, 0.7, 3.5, promoted=True),
        trial(3, 0.85, 5.0, rung=1),
    ]
    read = search(rows, higher_is_better=True)
    assert read is not None
    assert [(b.seconds, b.number) for b in read.best_so_far] == [(1.0, 0), (3.0, 2)]
    assert [(r.trials, r.promoted, r.diverged, r.best) for r in read.rungs] == [(4, 2, 1, 0.9), (2, 0, 0, 0.85)]
    assert read.winner == 3
    assert [t.number for t in read.ranked] == [3, 2, 0, 1]
    assert read.axes == ("optimizer.lr", "optimizer.weight_decay")


def test_search_by_a_loss_takes_the_lowest() -> None:
    read = search([trial(0, 3.0, 1.0), trial(1, 2.0, 2.0), trial(2, 2.5, 3.0)], higher_is_better=False)
    assert read is not None
    assert (read.winner, [b.metric for b in read.best_so_far]) == (1, [3.0, 2.0])


def test_a_search_that_only_diverged_has_no_winner() -> None:
    read = search([trial(0, math.nan, 1.0)], higher_is_better=True)
    assert read is not None
    assert (read.winner, read.best_so_far, read.diverged) == (None, (), 1)


def finding(rule: str, severity: str, *symptoms: Finding) -> Finding:
    return Finding(rule, severity, f"{rule} happened", {}, Remedy("mend it"), symptoms=symptoms)  # type: ignore[arg-type]


def test_findings_are_sorted_and_symptoms_stand_under_their_cause_only() -> None:
    symptom = finding("symptom", "error")
    read = findings([finding("a", "advice"), symptom, finding("w", "warning"), finding("cause", "warning", symptom)])
    assert [f.rule for f in read] == ["cause", "w", "a"]
    assert [f.rule for f in read[0].symptoms] == ["symptom"]


def test_nested_evidence_becomes_flat_rows() -> None:
    found = Finding("x", "error", "m", {"share_of": {"val": 0.25}, "n": 3}, Remedy("r", {"optimizer.lr": 0.01}))
    (read,) = findings([found])
    assert read.evidence == (("share of / val", "0.25"), ("n", "3"))
    assert read.settings == ("optimizer.lr=0.01",)


def test_recipe_diff_tells_changed_absent_and_equal_fields() -> None:
    read = diff(
        {"epochs": 5, "optimizer": {"name": "sgd", "momentum": 0.9}}, {"epochs": 5, "optimizer": {"name": "adam"}}
    )
    assert [(c.path, c.before, c.after) for c in read.changed] == [
        ("optimizer.name", "sgd", "adam"),
        ("optimizer.momentum", "0.9", "–"),
    ]
    assert read.same == (("epochs", "5"),)


def test_recipe_of_a_run_is_written_as_toml_that_reads_back() -> None:
    import tomllib

    assert tomllib.loads(to_toml({"a": 1, "b": None, "c": {"d": [0.5], "e": None}})) == {"a": 1, "c": {"d": [0.5]}}


def test_varied_fields_lead_with_the_optimizer() -> None:
    assert varied([{"batch_size": 1, "optimizer": {"lr": 1}}, {"batch_size": 2, "optimizer": {"lr": 2}}]) == (
        "optimizer.lr",
        "batch_size",
    )


def test_costs_add_the_entries_of_a_step() -> None:
    read = costs([LogEntry("a", "", seconds=1.0), LogEntry("b", "", seconds=2.0), LogEntry("a", "", seconds=5.0)])
    assert [(c.step, c.seconds, c.share) for c in read] == [("a", 6.0, 0.75), ("b", 2.0, 0.25)]


def test_proof_pairs_every_seed_and_counts_what_diverged(improvement: Path) -> None:
    record = load_improvement(improvement)
    read = proof(record)
    assert [p.seed for p in read.pairs] == list(range(1000, 1010))
    assert (read.badge, read.diverged) == ("better", (0, 1))
    assert read.sentence == record.sentence
    assert any("1 after" in text for text in read.not_claimed)
    assert "n = 9, 1 diverged" in read.figures[1].note


@pytest.mark.parametrize(
    ("verdict", "badge", "words"),
    [
        ("better", "better", "is better"),
        ("worse", "worse", "is worse"),
        ("as good as", "equal", "within 1 points"),
        ("cannot tell", "unsure", "cannot be told"),
    ],
)
def test_headline_says_the_verdict(improvement: Path, verdict: str, badge: str, words: str) -> None:
    read = proof(replace(load_improvement(improvement), verdict=verdict, margin=0.01))  # type: ignore[arg-type]
    assert read.badge == badge
    assert words in read.headline


def test_luck_of_the_test_examples_is_told_from_luck_of_the_seeds(improvement: Path) -> None:
    record = load_improvement(improvement)
    assert record.difference is not None
    unsure = replace(record.difference, mean=0.002, interval=(0.001, 0.003), examples_interval=(-0.01, 0.014))
    read = proof(replace(record, difference=unsure, verdict="cannot tell"))
    assert "cannot be told which recipe is better with 360 test examples" in read.headline
    assert read.figures[2].note == (
        "95 % interval over seeds +0.10 to +0.30 points, 90 % over redrawn test examples −1.0 to +1.4 points"
    )
    unmeasured = proof(replace(record, difference=replace(unsure, examples_interval=None), verdict="better"))
    assert "redrawn" not in unmeasured.figures[2].note
    assert "one sample" in unmeasured.not_claimed[1]


def test_a_recipe_that_was_kept_is_not_called_new(improvement: Path) -> None:
    record = load_improvement(improvement)
    read = proof(replace(record, recipe_after=record.recipe_before, verdict="as good as"))
    assert read.headline.startswith("The starting recipe is kept")


@pytest.mark.parametrize("reached", ["audit", "sanity", "baseline", "learning-rate", "search"])
def test_parts_that_were_not_reached_say_so(tmp_path: Path, reached: str) -> None:
    view = improvement_view(fabricate.make_improvement(tmp_path, reached=reached), tmp_path)
    assert view.proof.badge == "pending"
    assert not view.proof.reached
    assert "nothing is claimed" in view.proof.headline
    assert view.absent["proof"].startswith("Not reached")
    assert bool(view.absent["search"]) == (view.search is None)
    assert bool(view.absent["range"]) == (view.rate_test is None)
    assert bool(view.absent["curves"]) == (not view.loss)


def test_a_skipped_step_says_why(tmp_path: Path) -> None:
    record = fabricate.make_improvement(tmp_path, reached="baseline")
    skipped = LogEntry("search", "Search", skipped="No time left.")
    view = improvement_view(replace(record, entries=(*record.entries, skipped)), tmp_path)
    assert view.absent["search"] == "Skipped: No time left."


def test_runs_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    record = fabricate.make_improvement(tmp_path)
    (tmp_path / "runs/proof-after-1003/run.json").write_text("{")
    (tmp_path / "runs/proof-after-1007/run.json").unlink()
    view = improvement_view(record, tmp_path)
    assert len(view.notes) == 1
    assert view.notes[0].startswith("2 of 10 runs after could not be read")
    assert view.loss[0].groups[1].label == "after (n = 8)"


def test_curves_group_the_seeds_of_each_arm(improvement: Path) -> None:
    view = improvement_view(load_improvement(improvement), improvement)
    assert [(p.quantity, p.split) for p in view.loss] == [("loss", "train"), ("loss", "val")]
    assert [g.label for g in view.loss[0].groups] == ["before (n = 10)", "after (n = 9, 1 diverged)"]
    assert view.curves_of == "proof"
    assert (
        view.command == "trainwell improve digits --set optimizer=sgd --set optimizer.lr=0.0001 --budget 80s --seed 0"
    )


def test_run_view_keeps_every_step(tmp_path: Path) -> None:
    fabricate.make_run(tmp_path / "run", diverge_at=4)
    run = load_run(tmp_path / "run")
    view = run_view(run)
    assert view.step_loss is not None
    assert len(view.step_loss.raw.x) == len(run.steps)
    assert math.isnan(view.step_loss.raw.y[-1])
    assert view.headline.startswith("Diverged: the training loss became nan")


def test_comparison_ranks_runs_and_groups_equal_recipes(tmp_path: Path) -> None:
    fabricate.make_run(tmp_path / "slow", speed=0.05)
    fabricate.make_run(tmp_path / "quick-0", recipe=fabricate.AFTER, speed=0.5)
    fabricate.make_run(tmp_path / "deep/quick-1", recipe=fabricate.AFTER, speed=0.5, seed=1, diverge_at=3)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/run.json").write_text("no json")
    view = comparison_view(find_runs(tmp_path), "study", tmp_path)
    assert [row.name for row in view.rows] == ["quick-0", "slow", "deep/quick-1"]
    assert len(view.groups) == 2
    assert view.columns[0] == "optimizer.name"
    assert view.unreadable[0][0] == "bad"


def test_step_line_can_count_in_epochs(tmp_path: Path) -> None:
    fabricate.make_run(tmp_path)
    made = step_line(load_run(tmp_path), "lr", by_epoch=True)
    assert made.x[fabricate.STEPS_PER_EPOCH] == 1.0
