"""The record of an improvement on disk."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from records_strategies import records_of

from trainwell.errors import RecordError
from trainwell.records import ImprovementRecord, dump_json, load_improvement, save_improvement


@settings(max_examples=12, deadline=None)
@given(records_of(ImprovementRecord))
def test_any_improvement_comes_back_from_its_folder(tmp_path_factory, record):
    folder = tmp_path_factory.mktemp("improvement")
    save_improvement(folder, record)
    assert dump_json(load_improvement(folder)) == dump_json(record)


def test_a_folder_without_an_improvement_says_what_is_missing(tmp_path):
    with pytest.raises(RecordError, match=r"must be the folder of an improvement \(with improve\.json\), got none"):
        load_improvement(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seed": "x"}', "null", "\x00"])
def test_a_damaged_improvement_is_one_line_that_names_the_file(tmp_path, text):
    (tmp_path / "improve.json").write_text(text)
    with pytest.raises(RecordError, match=r"improve\.json must hold") as caught:
        load_improvement(tmp_path)
    assert "\n" not in str(caught.value)
