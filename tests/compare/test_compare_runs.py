"""A small real comparison: journal, resume, refusal of other protocols, tables, page, JSON."""

import json

import pytest
from race_cases import contenders, fabricated, judged, protocol, small_comparison, small_digits, small_wine

from trainwell import fit
from trainwell.compare import Comparison, compare, compare_splits
from trainwell.compare.export import write_tables
from trainwell.compare.journal import race_folder
from trainwell.compare.resampled import splits_of
from trainwell.compare.speed import seconds_per_step
from trainwell.errors import RecordError, ResumeError, UsageError
from trainwell.recipe import Recipe
from trainwell.records import environment
from trainwell.records.comparison import ComparisonFolder
from trainwell.report import write_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("race") / "comparison"
    small_comparison(place)
    return place


def test_every_trial_and_final_run_is_in_the_journal(folder):
    runs = ComparisonFolder(folder).runs()
    assert len([r for r in runs if r.role == "trial"]) == 2 * 4 * 2
    assert len([r for r in runs if r.role == "final"]) == 2 * 4
    assert all((r.test is not None) == (r.role == "final") for r in runs)


def test_studies_of_a_contender_draw_different_points_and_share_seeds_with_the_other_contender(folder):
    runs = [r for r in ComparisonFolder(folder).runs() if r.role == "trial"]
    rates = [r.changes["optimizer.lr"] for r in runs]
    assert len(set(rates)) == len(rates)
    assert {r.seed for r in runs if r.contender == "adamw"} == {r.seed for r in runs if r.contender == "momentum"}


def test_an_interrupted_comparison_resumes_to_the_same_result(folder, tmp_path):
    whole = ComparisonFolder(folder)
    half = ComparisonFolder(tmp_path / "half")
    half.write_protocol(whole.protocol(), whole.environment())
    half.append_runs([r for r in whole.runs() if r.role == "trial" and r.study < 2])
    resumed = small_comparison(tmp_path / "half")
    assert [p.difference.mean for p in resumed.pairs] == [p.difference.mean for p in Comparison.load(folder).pairs]


def test_another_protocol_in_the_same_folder_is_refused_with_the_difference(folder):
    with pytest.raises(ResumeError, match="trials was 2, now 3"):
        small_comparison(folder, trials=3)


def test_a_target_after_the_curves_were_seen_is_refused(folder):
    with pytest.raises(ResumeError, match="before the curves are seen"):
        small_comparison(folder, target=0.5)


def test_all_tables_the_record_and_the_page_are_written(folder):
    write_report(folder)
    for name in ("runs", "curves", "studies", "pairs", "contenders", "tuning_curves"):
        assert (folder / f"{name}.csv").read_text().count("\n") > 1
    page = (folder / "report.html").read_text()
    assert Comparison.load(folder).pairs[0].sentence[:60] in page
    assert "Are the differences significant?" in page


def test_the_json_has_the_promised_fields(folder):
    found = json.loads(json.dumps(Comparison.load(folder).to_dict(), allow_nan=False))
    assert {"pairs", "contenders", "fair", "refusals", "folder"} <= set(found)
    assert {"a", "b", "verdict", "claim", "difference", "sentence"} <= set(found["pairs"][0])
    assert {"mean", "interval", "p_value", "p_corrected", "n"} <= set(found["pairs"][0]["difference"])


def test_several_lengths_are_tuned_and_judged_apart():
    result = small_comparison(horizons=(1, 2), epochs=None)
    assert {p.horizon for p in result.pairs} == {1, 2}


def test_a_folder_without_a_comparison_is_refused(tmp_path):
    with pytest.raises(RecordError, match=r"comparison\.json"):
        Comparison.load(tmp_path)


def test_epochs_and_horizons_together_are_refused():
    with pytest.raises(UsageError, match="one at a time"):
        compare(small_digits(), contenders("momentum", "adamw"), epochs=1, horizons=(1, 2))


def test_random_splits_cover_all_data_and_hold_out_the_share():
    problem = small_digits()
    parts = list(splits_of(problem, 2, 0.2, 0))
    assert all(len(p.train) + len(p.val) == 400 for p in parts)
    assert all(abs(len(p.val) - 80) <= 8 for p in parts)
    assert parts[0].fingerprint != parts[1].fingerprint


def test_fixed_recipes_are_compared_over_splits_with_the_corrected_interval(tmp_path):
    result = compare_splits(small_digits(), ["plain", "both"], repeats=6, epochs=2, folder=tmp_path / "splits")
    (pair,) = result.pairs
    assert pair.difference.method == "corrected resampled t"
    assert "Nadeau and Bengio 2003" in pair.sentence
    assert "model.dropout" in pair.sentence
    write_report(tmp_path / "splits")


def test_too_few_splits_are_refused():
    with pytest.raises(UsageError, match="at least 6"):
        compare_splits(small_digits(), ["plain", "dropout"], repeats=5)


def test_equal_seconds_give_each_contender_the_steps_that_fit(tmp_path):
    with race_folder(tmp_path, protocol("momentum", "adamw", trials=2, studies=4, seeds=1, seconds=1)) as here:
        for name, seconds in (("momentum", 0.1), ("adamw", 0.2)):  # as if measured: what decides it, and the time
            here.append_note({"speed": f"digits {name} 64 1 []", "step": seconds, "load": 0.1})
    result = small_comparison(tmp_path, epochs=None, seconds=1)
    steps = {r.contender: r.steps for r in ComparisonFolder(tmp_path).runs()}
    assert steps == {"momentum": 10, "adamw": 5}
    assert "5 updates" in result.record.notes[1]
    assert result.fair


def test_seconds_measured_on_a_loaded_machine_make_the_race_unfair():
    found = protocol("momentum", "adamw", seconds=20)
    notes = ({"speed": "digits momentum 64 1 []", "step": 0.1, "load": 3.0},)
    record = judged(found, fabricated(found, {"momentum": 0.95, "adamw": 0.95}), notes)
    assert [r.rule for r in record.refusals] == ["loaded machine"]


def test_an_update_takes_as_long_as_a_training_says():
    recipe = Recipe(batch_size=64)
    found = seconds_per_step(small_digits(), recipe)
    whole = fit(small_digits(), recipe.with_({"steps": 200})).info.seconds / 200
    assert 0.05 * whole < found < 5 * whole  # a busy machine; evaluations are in the second only


def test_tables_of_times_and_of_several_problems_are_written(tmp_path):
    found = protocol("momentum", "adamw", problems=(small_digits(), small_wine()), target=0.5)
    runs = fabricated(found, {"momentum": 0.95, "adamw": 0.95})
    write_tables(tmp_path, judged(found, runs), runs)
    for name in ("times", "overall", "profiles"):
        assert (tmp_path / f"{name}.csv").read_text().count("\n") > 2
    assert "time_median" in (tmp_path / "contenders.csv").read_text()


def test_the_page_of_nine_contenders_names_every_pair_by_colour(tmp_path):
    names = list("abcdefghi")
    found = protocol(*names, trials=1, studies=4, seeds=1)
    runs = fabricated(found, dict.fromkeys(names, 0.95))
    here = ComparisonFolder(tmp_path)
    here.write_protocol(found, environment())
    here.append_runs(runs)
    here.save(judged(found, runs))
    page = write_report(tmp_path).read_text()
    assert page.count('title="cannot tell') + page.count('title="as good as') == 72  # both ways
    assert "Take --studies 7 or fewer pairs: --family first" in page
