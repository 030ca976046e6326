"""Studies: what they search, what they choose, what survives a kill."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from trainwell.errors import BudgetError, RecipeError, RecordError, ResumeError, UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import read_lines
from trainwell.records.study import load_study
from trainwell.space import choice, log_uniform
from trainwell.train import fit, halving
from trainwell.tune import draw, tune
from trainwell.tune.outcome import outcome, sentence
from trainwell.tune.rungs import halved, usual

from .small import BASE, RATES, Regressor, made


@pytest.fixture(scope="module")
def problem() -> Problem:
    return made()


@pytest.fixture(scope="module")
def study(problem, tmp_path_factory):
    return tune(problem, RATES, recipe=BASE, trials=9, folder=tmp_path_factory.mktemp("study") / "a", confirm=2)


def test_every_trial_is_tried_short_and_the_better_third_goes_on(study):
    record = study.record
    assert [len(record.at(rung)) for rung in range(3)] == [9, 3, 1]
    for rung, decision in enumerate(record.decisions[:2]):
        values = {look.trial: look.value for look in record.at(rung)}
        assert min(values[t] for t in decision.going_on) >= max(values[t] for t in decision.dropped)


def test_trials_are_the_points_of_the_draw(study):
    assert [look.changes for look in study.trials] == draw(RATES, 9, seed=0)


def test_a_trial_has_the_value_that_it_has_alone(study, problem):
    best = study.record.full[0]
    run = fit(problem, BASE.with_(best.changes), seed=best.seed)
    assert run.best_metric() == best.value
    assert run.info.best.loss == pytest.approx(best.loss, rel=1e-4)


def test_what_is_reported_is_measured_on_seeds_that_took_no_part_in_the_choice(study, problem):
    result = study.result
    used = {(c.stage, c.seed) for c in study.record.confirmations}
    chosen = {seed for stage, seed in used if stage == "selection"} | {look.seed for look in study.record.looks}
    measured = {seed for stage, seed in used if stage == "measure"}
    assert len(measured) == 2
    assert not chosen & measured
    values = [fit(problem, study.recipe, seed=seed).best_metric() for seed in sorted(measured)]
    assert list(result.measured) == values
    assert result.mean == pytest.approx(sum(values) / 2)
    assert f"On {len(values)} fresh seeds" in study.sentence


def test_equal_values_on_fresh_seeds_get_no_interval(study):
    best = study.record.full[0]
    said = sentence(study.record, best, (0.9, 0.9, 0.9), ())
    assert "On each of 3 fresh seeds it reaches validation accuracy 90.0 % after" in said
    assert "interval" in sentence(study.record, best, (0.9, 0.91, 0.9), ())
    kwargs = {"status": "completed", "seconds": 1.0, "confirm_steps": 0}
    assert outcome(study.record, measured=(0.9, 0.9, 0.9), **kwargs).interval is None


def test_a_study_reads_back_equal_and_its_finalists_are_runs(study):
    again = load_study(study.folder)
    assert again.result == study.result
    assert again.looks == study.record.looks
    for confirmation in again.confirmations:
        assert (study.folder / confirmation.folder / "run.json").is_file()


def test_a_killed_study_goes_on_without_losing_or_repeating_a_finished_trial(study, problem, tmp_path):
    (journal,) = (study.folder / "journal").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    whole = study.result
    for kept in (1, 5, 11, 14, len(lines) - 1):
        folder = tmp_path / str(kept)
        (folder / "journal").mkdir(parents=True)
        (folder / "study.json").write_bytes((study.folder / "study.json").read_bytes())
        torn = lines[kept][: len(lines[kept]) // 2]
        (folder / "journal" / "dead-99999999.jsonl").write_bytes(b"".join(lines[:kept]) + torn)
        again = tune(problem, RATES, recipe=BASE, trials=9, folder=folder, confirm=2, resume=True)
        assert again.result.measured == whole.measured
        assert again.result.winner == whole.winner
        rows = [row for path in (folder / "journal").glob("*.jsonl") for row in read_lines(path)]
        looks = [(row["of"]["trial"], row["of"]["rung"]) for row in rows if row["kind"] == "look"]
        assert len(looks) == len(set(looks)) == 13


def test_a_study_of_another_problem_or_space_is_refused_with_the_difference(study, problem):
    ask = {"recipe": BASE, "trials": 9, "folder": study.folder, "confirm": 2, "resume": True}
    with pytest.raises(ResumeError, match="other data"):
        tune(made(seed=1), RATES, **ask)
    with pytest.raises(ResumeError, match=r"log-uniform from 0\.0001 to 2"):
        tune(problem, {"optimizer.lr": log_uniform(1e-4, 2.0)}, **ask)
    with pytest.raises(ResumeError, match="batch_size: 32 -> 64"):
        tune(problem, RATES, **ask | {"recipe": BASE.with_({"batch_size": 64})})
    with pytest.raises(ResumeError, match="seed 0, not 1"):
        tune(problem, RATES, seed=1, **ask)
    with pytest.raises(UsageError, match="resume=True"):
        tune(problem, RATES, **ask | {"resume": False})


def test_a_journal_with_damage_before_its_end_is_refused(study, problem, tmp_path):
    folder = tmp_path / "damaged"
    (folder / "journal").mkdir(parents=True)
    (folder / "study.json").write_bytes((study.folder / "study.json").read_bytes())
    (folder / "journal" / "x-1.jsonl").write_text('{"kind": "look"\n{"kind": "nothing"}\n{"kind": "nothing"}\n')
    with pytest.raises(RecordError, match="line 1"):
        tune(problem, RATES, recipe=BASE, trials=9, folder=folder, resume=True)


def test_trials_that_all_diverge_are_a_result_in_words():
    base = Recipe(optimizer="sgd", epochs=20, batch_size=32)
    x = torch.randn(128, 4, generator=torch.Generator().manual_seed(0))
    regression = Problem(Regressor, (x, 1e3 * x[:, :1]), 0.25, 0.25)
    ended = tune(regression, {"optimizer.lr": log_uniform(1e5, 1e8)}, recipe=base, trials=6, halving=False, confirm=2)
    assert ended.recipe is None
    assert "All 6 trials diverged" in ended.sentence
    assert "optimizer.lr" in ended.sentence
    assert any("badly scaled" in line for line in ended.result.advice)


def test_a_batch_size_that_the_data_do_not_have_is_a_failed_trial(problem):
    space = {"batch_size": choice(32, 4096), "optimizer.lr": log_uniform(1e-3, 1)}
    ended = tune(problem, space, recipe=BASE, trials=8, confirm=0)
    failed = [look for look in ended.trials if look.status == "failed"]
    assert failed
    assert all(look.changes["batch_size"] == 4096 for look in failed)
    assert ended.recipe.batch_size == 32
    assert any("could not be trained" in line for line in ended.result.advice)


def test_runs_of_different_length_are_compared_at_the_same_share(problem):
    space = {"batch_size": choice(16, 32, 64), "optimizer.lr": log_uniform(1e-2, 1)}
    ended = tune(problem, space, recipe=BASE, trials=12, confirm=0)
    assert {look.epochs for look in ended.record.at(1)} == {1.0}
    assert {look.epochs for look in ended.record.at(2)} == {4.0}


@pytest.mark.parametrize("scheme", ["asha", "hyperband", "one-epoch", "none", halving(2, 2)])
def test_every_scheme_ends_with_full_trials(problem, scheme):
    ended = tune(problem, RATES, recipe=BASE, trials=8, halving=scheme, confirm=0)
    assert ended.result.done >= 1
    assert ended.result.trials == 8
    assert ended.result.seen == max(look.value for look in ended.record.full)


def test_a_proxy_with_its_own_schedule_is_a_short_run_of_its_own(problem):
    base = BASE.with_({"schedule": "linear"})
    ended = tune(problem, RATES, recipe=base, trials=3, halving=halving(2, 2), proxy="own", confirm=0)
    look = ended.record.at(0)[0]
    short = fit(problem, base.with_({**look.changes, "steps": look.steps}), seed=look.seed)
    assert short.best_metric() == look.value
    assert short.info.best.loss == pytest.approx(look.loss, rel=1e-4)


def test_a_budget_of_steps_is_kept(problem):
    ended = tune(problem, RATES, recipe=BASE, steps=600, confirm=1, finalists=2)
    assert 0.5 * 600 <= ended.result.steps <= 600


def test_budgets_that_allow_no_full_trial_are_refused(problem):
    with pytest.raises(BudgetError, match="one full trial"):
        tune(problem, RATES, recipe=BASE, steps=20)
    with pytest.raises(BudgetError, match="one full trial"):
        tune(problem, RATES, recipe=BASE, budget=1e-6)
    with pytest.raises(UsageError, match="`trials` must be"):
        tune(problem, RATES, recipe=BASE, trials=0)


def test_a_search_stops_early_only_if_asked_at_the_first_evaluation_that_has_the_target(problem, tmp_path):
    asked = {"recipe": BASE, "trials": 80, "halving": "asha", "target": 0.6, "confirm": 0, "folder": tmp_path / "a"}
    ended = tune(problem, RATES, **asked)
    reached = [look for look in ended.record.full if look.reason == "reached the target"]
    assert ended.result.seen >= 0.6
    assert {look.steps for look in reached} < {6, 12, 18, 24}
    for look in reached:
        assert fit(problem, BASE.with_(look.changes), seed=look.seed).best_metric() >= 0.6
    again = tune(problem, RATES, **asked, resume=True)
    assert again.record.looks == ended.record.looks


def test_earlier_studies_give_the_first_points(study, problem):
    ended = tune(
        problem, RATES, recipe=BASE, trials=3, earlier=[study.folder], first=[{"optimizer.lr": 0.5}], confirm=0
    )
    best = study.record.full[0].changes
    assert [look.changes for look in ended.trials][:2] == [{"optimizer.lr": 0.5}, best]
    with pytest.raises(UsageError, match="batch_size did not vary there"):
        tune(problem, {**RATES.dimensions, "batch_size": choice(16, 32)}, recipe=BASE, trials=3, earlier=[study.folder])


def test_a_space_with_mistakes_is_refused_before_any_work(problem):
    with pytest.raises(RecipeError, match="Did you mean 'lr'"):
        tune(problem, {"optimizer.lrr": log_uniform(1e-4, 1)}, recipe=BASE)
    with pytest.raises(RecipeError, match=r"must be a keyword|keyword of the model"):
        tune(problem, {"model.dropout": choice(0.0, 0.5)}, recipe=BASE)


def test_the_cost_of_halving_is_that_of_its_rungs():
    assert halved(3, 3).cost(9) == pytest.approx(9 / 9 + 3 * (1 / 3 - 1 / 9) + 1 * (1 - 1 / 3))
    assert halved(3, 3, "own").cost(9) == pytest.approx(9 / 9 + 3 / 3 + 1)
    assert halved(3, 1).cost(5) == 5


@pytest.mark.parametrize(("steps", "rungs"), [(24, 3), (215, 3), (216, 4), (10_000, 4)])
def test_halving_has_four_rungs_where_the_shortest_run_is_more_than_a_start(steps, rungs):
    assert usual(steps) == rungs


def test_the_rank_correlation_between_rungs_is_shown(problem):
    ended = tune(problem, RATES, recipe=BASE, trials=24, halving=halving(2, 2), confirm=0)
    (shown,) = ended.result.correlations
    assert (shown.n, shown.with_epochs) == (12, 4.0)
    assert -1 <= shown.rho <= 1
    assert 1 <= shown.winner_place <= 12


def test_too_few_trials_at_full_length_are_compared_at_the_longest_rung_that_enough_share(problem):
    shown = tune(problem, RATES, recipe=BASE, trials=24, confirm=0).result.correlations
    assert [(one.n, one.with_epochs) for one in shown[:1]] == [(8, 1.0)]
    assert shown[1].n == 0
    assert math.isnan(shown[1].rho)


def test_progress_tells_the_best_the_counts_and_the_time_left(problem):
    seen = []
    ended = tune(problem, RATES, recipe=BASE, trials=40, halving="asha", listener=seen.append, confirm=2)
    assert {event.stage for event in seen} == {"search", "selection", "measure"}
    assert [event.fraction for event in seen] == sorted(event.fraction for event in seen)
    assert all(event.seconds_left is None or event.seconds_left >= 0 for event in seen)
    last = seen[-1]
    counts = (last.running, last.done, last.dropped, last.diverged, last.failed)
    assert counts == (0, ended.result.done, ended.result.dropped, ended.result.diverged, 0)
    assert last.seconds_left < 0.2 * ended.result.seconds


def test_an_edge_of_the_space_is_told(problem):
    ended = tune(problem, {"optimizer.lr": log_uniform(1e-6, 1e-4)}, recipe=BASE, trials=16, confirm=0, halving=False)
    best = ended.record.full[0]
    wanted = RATES.__class__.of({"optimizer.lr": log_uniform(1e-6, 1e-4)}).edges(best.changes)
    assert bool(wanted) == any("edge of the space" in line for line in ended.result.advice)


def test_ranks_put_what_has_no_value_last(study):
    record = study.record
    lost = replace(record.looks[0], value=math.nan, loss=math.nan, status="diverged")
    assert record.ranked([lost, record.looks[1]])[-1] == lost
