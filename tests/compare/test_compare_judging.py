"""From runs to claims: verdicts, rules of the race, sentences."""

import math
from dataclasses import replace

import numpy as np
import pytest
from race_cases import fabricated, judged, made_up, protocol, small_digits, small_wine

from trainwell.compare import Comparison
from trainwell.compare.pairs import race_pairs
from trainwell.compare.power import power_before
from trainwell.compare.repeating import repeat_command
from trainwell.compare.results import study_results, time_to, winner_of
from trainwell.compare.statement import announced
from trainwell.errors import UsageError

DIVERGED = {"status": "diverged", "value": math.nan, "test": math.nan}


def test_a_clear_difference_is_found_and_its_sentence_carries_the_scope():
    record = made_up({"adamw": 0.97, "momentum": 0.92})
    (pair,) = record.pairs
    assert pair.verdict == "better"
    assert pair.claim == "C2"
    assert record.fair
    for text in (
        "adamw is better than momentum",
        "digits",
        "30 epochs",
        "8 trials",
        "6 independent",
        "2 fresh seeds",
        "test accuracy",
        "interval",
        "p = ",
        "Not claimed",
        "log-uniform from 0.0001 to 1",
    ):
        assert text in pair.sentence


def test_equal_contenders_cannot_be_told_and_the_sentence_says_what_would_decide():
    (pair,) = made_up({"momentum": 0.95, "adamw": 0.9505}).pairs
    assert pair.verdict in ("cannot tell", "as good as")
    assert pair.difference.seen > 0


def test_equal_contenders_within_a_stated_margin_are_as_good_as_each_other():
    (pair,) = made_up({"momentum": 0.95, "adamw": 0.95}, margin=0.05).pairs
    assert pair.verdict == "as good as"
    assert "within 5 points" in pair.sentence


def test_p_values_are_corrected_over_all_pairs_problems_and_horizons():
    record = made_up({"momentum": 0.95, "adamw": 0.945, "sgd": 0.94}, horizons=(10, 20))
    assert len(record.pairs) == 6
    assert all(p.difference.p_corrected >= p.difference.p_value for p in record.pairs)
    assert "Holm's correction for 6" in record.pairs[0].sentence


def changed(runs, which, **fields):
    """The runs, with some fields of those that `which` says replaced."""
    return [replace(run, **fields) if which(run) else run for run in runs]


def test_a_diverged_run_counts_as_worst_and_is_never_dropped():
    found = protocol("momentum", "adamw")
    runs = fabricated(found, {"momentum": 0.95, "adamw": 0.95})
    lost = changed(runs, lambda r: (r.contender, r.role, r.number) == ("adamw", "final", 0), **DIVERGED)
    record = judged(found, lost)
    assert record.result("adamw", "digits", 30).studies[0].value < 0.9
    assert record.pairs[0].verdict == "better"
    assert record.pairs[0].difference.diverged_b == 6


def test_a_contender_that_always_diverges_loses_and_a_note_says_so():
    found = protocol("momentum", "adamw")
    runs = [
        r if r.contender == "momentum" else replace(r, status="diverged", value=math.nan)
        for r in fabricated(found, {"momentum": 0.95, "adamw": 0.95})
        if r.contender == "momentum" or r.role == "trial"
    ]
    record = judged(found, runs)
    assert record.pairs[0].verdict == "better"
    assert any("every trial of adamw diverged" in note for note in record.notes)


def test_the_winner_of_a_study_is_the_lower_loss_among_equal_metrics():
    runs = [r for r in fabricated(protocol("momentum", "adamw"), {"momentum": 0.9, "adamw": 0.9}) if r.role == "trial"][
        :3
    ]
    same = [replace(r, value=0.9, loss=loss) for r, loss in zip(runs, (0.3, 0.1, 0.2), strict=True)]
    assert winner_of(same, True) is same[1]


def test_a_winner_at_the_edge_of_its_space_makes_the_race_unfair():
    found = protocol("momentum", "adamw")
    runs = fabricated(found, {"momentum": 0.95, "adamw": 0.9})
    runs = changed(runs, lambda r: r.contender == "adamw", changes={"optimizer.lr": 0.99})
    record = judged(found, runs)
    assert not record.fair
    assert record.refusals[0].rule == "edge of the space"
    assert "larger" in record.refusals[0].remedy
    assert "not fair" in record.sentence


def test_adamw_losing_to_momentum_makes_the_race_unfair():
    found = protocol("momentum", "adamw")
    runs = fabricated(found, {"momentum": 0.97, "adamw": 0.9})
    record = judged(found, changed(runs, lambda r: True, changes={"optimizer.lr": 0.01}))
    assert [r.rule for r in record.refusals] == ["loses to its special case"]


def test_missing_trials_and_other_code_make_the_race_unfair():
    found = protocol("momentum", "adamw")
    runs = fabricated(found, {"momentum": 0.95, "adamw": 0.95})
    runs = [r for r in runs if (r.contender, r.role, r.number) != ("adamw", "trial", 7)]
    rules = [r.rule for r in judged(found, runs, ({"code": "a and then b"},)).refusals]
    assert rules == ["unequal trials", "different code"]


def test_another_length_is_refused_with_the_command_that_would_find_out():
    result = Comparison(made_up({"momentum": 0.97, "adamw": 0.92}))
    with pytest.raises(UsageError, match="--horizons 10"):
        result.verdict("momentum", "adamw", horizon=10)
    assert result.verdict("adamw", "momentum", horizon=30).a == "momentum"


def test_configurations_are_compared_over_paired_seeds():
    (pair,) = made_up({"momentum": 0.97, "adamw": 0.92}, claim="C1", studies=1, seeds=8).pairs
    assert pair.claim == "C1"
    assert pair.difference.n == 8
    assert "luck of tuning was not drawn again" in pair.sentence


def test_tuning_curves_are_a_claim_of_their_own():
    record = made_up({"momentum": 0.97, "adamw": 0.9}, trials=20)
    (pair,) = [p for p in record.extra_pairs if p.claim == "C3"]
    assert pair.verdict == "better"
    assert "k = 1, 2, 4" in pair.sentence
    curve = record.result("momentum", "digits", 30).tuning_curve
    assert np.all(np.diff([b.mean for b in curve]) >= 0)


def test_a_target_that_nobody_reaches_decides_nothing():
    record = made_up({"momentum": 0.9, "adamw": 0.8}, target=0.999)
    (pair,) = [p for p in record.extra_pairs if p.claim == "C4"]
    assert pair.verdict == "cannot tell"
    assert "no run of either reached the target" in pair.sentence
    assert any("reached the target" in note for note in record.notes)


def test_runs_that_never_reach_the_target_are_censored_and_the_faster_wins():
    record = made_up({"momentum": 0.97, "adamw": 0.85}, target=0.84)
    (pair,) = [p for p in record.extra_pairs if p.claim == "C4"]
    assert pair.verdict == "better"
    reached = record.result("adamw", "digits", 30).reached
    assert reached.reached <= reached.n


def test_the_time_to_a_target_is_the_first_evaluation_at_it():
    run = fabricated(protocol("momentum", "adamw"), {"momentum": 0.9, "adamw": 0.9})[-1]
    run = replace(run, curve_steps=(0, 10, 20), curve=(0.1, 0.8, 0.7))
    assert time_to(run, 0.75, True) == 10
    assert time_to(run, 0.9, True) is None
    assert time_to(replace(run, status="diverged"), 0.1, True) is None


def test_forty_comparisons_of_equals_rarely_claim_a_difference():
    found = protocol("momentum", "adamw", studies=5, trials=1, seeds=1)
    claims = []
    for k in range(40):
        runs = fabricated(found, {"momentum": 0.95, "adamw": 0.95}, seed=k)
        studies = {("digits", 30): study_results(found, runs, found.problems[0], 30)}
        claims.append(race_pairs(found, studies)[0].verdict)
    assert sum(v in ("better", "worse") for v in claims) <= 6  # 5 % of 40 is 2; 7 or more come once in 100


def test_seeds_that_tune_and_judge_make_the_race_unfair():
    found = protocol("momentum", "adamw")
    shared = replace(found, tuning_seeds=(found.final_seeds[0][0], *found.tuning_seeds[1:]))
    record = judged(shared, fabricated(shared, {"momentum": 0.95, "adamw": 0.95}))
    assert [r.rule for r in record.refusals] == ["overlapping seeds"]


def test_several_problems_have_an_interquartile_mean_a_rank_and_a_profile():
    found = protocol("momentum", "adamw", problems=(small_digits(), small_wine()))
    record = judged(found, fabricated(found, {"momentum": 0.97, "adamw": 0.92}))
    first, second = record.overall
    assert (first.name, first.rank, second.rank) == ("momentum", 1.0, 2.0)
    assert 0 <= second.interquartile_mean < first.interquartile_mean <= 1
    assert first.shares[0] >= first.shares[-1]
    assert len(record.pairs) == 2


def test_a_family_that_no_difference_can_survive_is_told_before_and_after():
    record = made_up({"momentum": 0.9, "adamw": 0.95, "sgd": 0.99}, studies=4)
    (note,) = [note for note in record.notes if "no difference, however large" in note]
    assert "--studies 5" in note
    assert "--family first" in note
    assert {p.verdict for p in record.pairs} == {"cannot tell"}
    assert "4 units show no difference, however large" in record.pairs[0].sentence


def test_what_can_be_seen_is_said_for_the_corrected_level():
    two, many = (power_before(protocol(*names)) for names in (["momentum", "adamw"], ["momentum", "adamw", "sgd"]))
    sizes = [float(text.split("above ")[1].split(" ")[0]) for text in (two, many)]
    assert sizes[1] > sizes[0]
    assert "correction for 3 comparisons" in many


def test_what_runs_is_announced_with_spaces_hashes_and_sources():
    found = protocol("momentum", "adamw")
    lines = list(announced(found))
    assert "momentum (sgd-momentum over optimizer.lr log-uniform from 0.0001 to 1)" in lines[0]
    assert found.contenders[0].space_hash in lines[0]
    assert "source: a test" in lines[0]
    assert "120 runs" in lines[2]


def test_many_equal_pairs_are_counted_and_few_are_named():
    some, many = (made_up(dict.fromkeys(names, 0.95), trials=1, margin=0.05).sentence for names in ("abc", "abcdef"))
    assert "a is as good as b and c; b is as good as c" in some
    assert "15 of 15 pairs are as good as each other" in many


def test_with_equal_seconds_the_time_to_a_target_is_in_seconds():
    record = made_up({"momentum": 0.97, "adamw": 0.85}, target=0.84, seconds=20)
    assert "20 seconds a run" in record.sentence
    assert record.result("momentum", "digits", 20).reached.mean < 20
    (pair,) = [p for p in record.extra_pairs if p.claim == "C4"]
    assert "seconds to reach" in pair.sentence


def test_the_command_that_repeats_a_comparison_says_what_was_not_usual():
    found = protocol("sgd", "adamw", target=0.9, margin=0.02, seed=3, family="first")
    said = repeat_command(found, 80)
    for text in ("digits sgd adamw", "--horizons 80", "--target 0.9", "--margin 0.02", "--seed 3", "--family first"):
        assert text in said
