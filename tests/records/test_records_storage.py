"""Run folders: round trip, kills, damage."""

from __future__ import annotations

import contextlib
import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records_strategies import records_of

from trainwell.errors import RecordError
from trainwell.records import (
    Baselines,
    DataFacts,
    Evaluation,
    Finding,
    ModelFacts,
    ProblemFacts,
    RunFolder,
    RunInfo,
    Sanity,
    Series,
    append_lines,
    dump_json,
    load_run,
    read_lines,
    write_atomically,
)

FACTS = ProblemFacts("toy", "binary", 2, "accuracy", "max", ("accuracy",), "bce", {"train": 8}, (2,), "table", "f")
INFO = RunInfo(problem=FACTS, recipe={"optimizer": {"lr": 0.1}}, seed=3)
ROWS = [Evaluation(step, step / 2, "val", 1 / (1 + step), {"f1": float("nan")}, 8) for step in (0, 1, 2)]
BLOCKS = [{"loss": Series(np.arange(a, a + 2), np.array([a, np.nan])), "lr": Series(np.array([a]), np.array([0.1]))}
          for a in (0, 2, 4)]  # fmt: skip
optional = st.fixed_dictionaries(
    {"data": st.none() | records_of(DataFacts), "model": st.none() | records_of(ModelFacts),
     "baselines": st.none() | records_of(Baselines), "sanity": st.none() | records_of(Sanity)}
)  # fmt: skip
series = st.dictionaries(st.integers(0, 30), st.floats(), max_size=6)
blocks = st.lists(st.dictionaries(st.sampled_from(["loss", "lr"]), series, max_size=2), max_size=4)


def as_series(values: dict[int, float]) -> Series:
    return Series(np.array(sorted(values), np.int64), np.array([values[s] for s in sorted(values)], np.float64))


@pytest.fixture
def folder(tmp_path):
    """A run with three blocks of steps and three evaluations."""
    writer = RunFolder(tmp_path / "run")
    writer.write_info(INFO)
    for block, row in zip(BLOCKS, ROWS, strict=True):
        writer.append_steps(block)
        writer.append_evaluations([row])
    return writer.folder


@settings(max_examples=12, deadline=None)
@given(records_of(RunInfo), optional, st.lists(records_of(Finding), max_size=2), st.lists(records_of(Evaluation)))
def test_any_run_comes_back_from_its_folder(tmp_path_factory, info, facts, findings, rows):
    writer = RunFolder(tmp_path_factory.mktemp("run"))
    writer.write_info(info)
    writer.write_facts(**facts)
    writer.write_findings(findings)
    writer.append_evaluations(rows)
    run = load_run(writer.folder)
    latest = {(row.step, row.split): row for row in rows}.values()
    of_data = [facts[name] for name in ("data", "model", "baselines", "sanity")]
    written = [info, *of_data, findings, sorted(latest, key=lambda row: row.step)]
    read = [run.info, run.data, run.model_facts, run.baselines, run.sanity, run.findings, run.all_evaluations]
    assert dump_json(read) == dump_json(written)


@settings(max_examples=40, deadline=None)
@given(blocks)
def test_of_a_step_written_again_the_later_value_counts(tmp_path_factory, parts):
    writer = RunFolder(tmp_path_factory.mktemp("run"))
    writer.write_info(INFO)
    expected: dict[str, dict[int, float]] = {}
    for part in parts:
        writer.append_steps({name: as_series(values) for name, values in part.items()})
        for name, values in part.items():
            expected.setdefault(name, {}).update(values)
    steps = load_run(writer.folder).steps
    for name in ("loss", "lr"):
        wanted = as_series(expected.get(name, {}))
        np.testing.assert_array_equal(steps[name].step, wanted.step)
        np.testing.assert_array_equal(steps[name].value, wanted.value)


def test_of_an_evaluation_made_again_the_later_one_counts(folder):
    RunFolder(folder).append_evaluations(
        [Evaluation(1, 0.5, "val", 9.0, {}, 8), Evaluation(1, 0.5, "train", 7.0, {}, 8)]
    )
    assert load_run(folder).evaluations("val").loss.tolist() == [1.0, 9.0, 1 / 3]
    assert load_run(folder).evaluations("train").loss.tolist() == [7.0]


def test_a_kill_at_any_byte_of_the_steps_loses_the_torn_block_alone(folder):
    whole = (folder / "steps.jsonl").read_bytes()
    for size in range(len(whole) + 1):
        (folder / "steps.jsonl").write_bytes(whole[:size])
        blocks = whole[:size].count(b"\n")
        steps = load_run(folder).steps
        assert steps["loss"].step.tolist() == list(range(2 * blocks))
        assert steps["lr"].step.tolist() == list(range(0, 2 * blocks, 2))


def test_a_kill_at_any_byte_of_the_evaluations_loses_the_torn_one_alone(folder):
    whole = (folder / "evaluations.jsonl").read_bytes()
    for size in range(len(whole) + 1):
        (folder / "evaluations.jsonl").write_bytes(whole[:size])
        assert load_run(folder).evaluations("val").step.tolist() == list(range(whole[:size].count(b"\n")))


def test_what_is_written_after_a_kill_at_any_byte_is_whole(tmp_path):
    file = tmp_path / "lines.jsonl"
    whole = b'{"a":1}\n{"b":"\xc3\xa9"}\n{"c":3}\n'
    for size in range(len(whole) + 1):
        file.write_bytes(whole[:size])
        before = read_lines(file)
        append_lines(file, [{"new": 1}])
        append_lines(file, [])
        assert read_lines(file) == [*before, {"new": 1}]


def test_a_run_cut_anywhere_in_its_head_is_refused_and_never_breaks_the_reader(folder):
    whole = (folder / "run.json").read_bytes()
    for size in range(0, len(whole) - 1, 5):
        (folder / "run.json").write_bytes(whole[:size])
        with pytest.raises(RecordError, match=r"run\.json must hold"):
            load_run(folder)


@pytest.mark.parametrize("name", ["steps.jsonl", "evaluations.jsonl"])
def test_damage_in_a_middle_line_is_told_with_its_number(folder, name):
    lines = (folder / name).read_bytes().split(b"\n")
    (folder / name).write_bytes(b"\n".join([lines[0], lines[1][:-3], *lines[2:]]))
    with pytest.raises(RecordError, match=rf"{name} must hold JSON lines, got damage in line 2"):
        load_run(folder)


@pytest.mark.parametrize(
    "line", ["[1]", "3", '{"loss": 3}', '{"loss": {"step": [1]}}', '{"loss": {"step": [1, 2], "value": [1]}}',
             '{"loss": {"step": ["x"], "value": [1]}}', '{"loss": {"step": [1e30], "value": [1]}}']
)  # fmt: skip
def test_a_line_that_is_json_but_no_block_is_told_with_its_number(folder, line):
    with (folder / "steps.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RecordError, match=r"steps\.jsonl must hold blocks .* in line 4"):
        load_run(folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["run.json", "steps.jsonl", "evaluations.jsonl"]), st.integers(0, 10**6), st.integers(0, 255))
def test_one_damaged_byte_is_a_record_error_or_harmless(folder, name, place, byte):
    whole = (folder / name).read_bytes()
    place %= len(whole)
    (folder / name).write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
    with contextlib.suppress(RecordError):
        load_run(folder)
    (folder / name).write_bytes(whole)


def test_rewritten_records_are_cut_back(folder):
    RunFolder(folder).rewrite({"loss": Series(np.array([0]), np.array([1.5]))}, ROWS[:1])
    run = load_run(folder)
    assert run.steps.loss.tolist() == [1.5]
    assert run.steps.lr.tolist() == []
    assert run.evaluations().step.tolist() == [0]
    RunFolder(folder).rewrite({}, [])
    assert len(load_run(folder).steps) == 0


def test_a_failed_write_leaves_the_old_file_whole_and_nothing_beside_it(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    file = tmp_path / "run.json"
    write_atomically(file, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(file, "new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"run.json": "old"}


def test_a_reader_in_the_middle_of_a_file_keeps_the_old_one_whole(tmp_path):
    file = tmp_path / "run.json"
    write_atomically(file, "old text")
    with file.open("rb", buffering=0) as reader:
        start = reader.read(3)
        write_atomically(file, "another")
        assert start + reader.read() == b"old text"
    assert file.read_text() == "another"


def test_a_folder_without_a_run_says_what_is_missing(tmp_path):
    for empty in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RecordError, match=rf"`{empty}` must be the folder of a run \(with run\.json\), got none"):
            load_run(empty)


def test_a_wrong_field_is_named_with_its_file(folder):
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(info | {"status": "asleep"}))
    with pytest.raises(RecordError, match=r"run\.json must hold a RunInfo, got a wrong `status`: .*'running'"):
        load_run(folder)


def test_a_minimal_run_has_empty_parts_and_its_own_folder(folder):
    run = load_run(str(folder))
    assert (run.data, run.findings, run.notes, run.folder) == (None, (), (), folder)
    assert run.recipe_value("optimizer.lr") == 0.1
    assert run.recipe_value("optimizer.none", 7) == 7
    assert np.isnan(run.best_metric())
    assert run.evaluations().metric("f1").tolist() == pytest.approx([np.nan] * 3, nan_ok=True)
