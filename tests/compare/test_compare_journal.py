"""The folder of a comparison: what may be added to it, what is refused."""

from dataclasses import replace

import pytest
from race_cases import fabricated, judged, protocol

from trainwell.compare.journal import kept_runs, note_other_code, race_folder
from trainwell.errors import ResumeError
from trainwell.records import environment
from trainwell.records.comparison import ComparisonFolder

MEANS = {"momentum": 0.95, "adamw": 0.95}


def rows(found, **changes):
    """Runs as the protocol foresees them, with its seeds."""
    runs = fabricated(found, MEANS)
    seeds = {"trial": lambda r: found.tuning_seeds[r.study], "final": lambda r: found.final_seeds[r.study][r.number]}
    return [replace(run, seed=seeds[run.role](run), **changes) for run in runs]


@pytest.fixture
def here(tmp_path):
    found = protocol(*MEANS)
    with race_folder(tmp_path / "race", found) as place:
        place.append_runs(rows(found))
        yield place


def test_the_runs_of_the_protocol_are_taken_up(here):
    assert len(kept_runs(here, here.protocol())) == 2 * 6 * (8 + 2)


@pytest.mark.parametrize(
    "changes", [{"contender": "lion"}, {"problem": "wine"}, {"horizon": 31}, {"study": 6}, {"number": 8}, {"seed": 5}]
)
def test_runs_of_another_protocol_in_the_journal_are_refused(here, changes):
    (run,) = [r for r in here.runs() if r.key == ("digits", 30, "adamw", 0, "trial", 0)]
    here.append_runs([replace(run, **changes)])
    with pytest.raises(ResumeError, match="1 runs of another protocol"):
        kept_runs(here, here.protocol())


def test_a_run_that_is_there_twice_is_refused(here):
    here.append_runs(here.runs()[:1])
    with pytest.raises(ResumeError, match="1 runs twice"):
        kept_runs(here, here.protocol())


def test_other_library_versions_are_refused(tmp_path):
    found, here = protocol(*MEANS), ComparisonFolder(tmp_path)
    here.write_protocol(found, replace(environment(), packages={"torch": "1.0"}))
    with pytest.raises(ResumeError, match="library versions"), race_folder(tmp_path, found):
        pass


def test_other_code_is_noted_and_makes_the_race_unfair(tmp_path):
    found, here = protocol(*MEANS), ComparisonFolder(tmp_path)
    before = environment()
    here.write_protocol(found, replace(before, code=replace(before.code, commit="abc")))
    note_other_code(here)
    assert "abc" in here.notes()[0]["code"]
    assert "different code" in [r.rule for r in judged(found, rows(found), tuple(here.notes())).refusals]


def test_the_same_code_is_not_noted(here):
    note_other_code(here)
    assert not here.notes()
