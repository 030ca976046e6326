"""Records as JSON values and back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_strategies import KINDS, plain, records_of

from trainwell.records import Finding, Place, Remedy, SplitFacts, dump_json, from_plain, to_plain
from trainwell.records.storage import parse


def same(a, b):
    """Equal, NaN included, and of the same types."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


@given(plain)
def test_any_value_comes_back_from_json_with_nan_infinity_and_strings_that_look_so(value):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    assert same(from_plain(json.loads(dump_json(value), parse_constant=refuse)), value)


def test_numbers_that_json_lacks_are_words():
    assert to_plain([math.nan, math.inf, -math.inf, 1.5]) == ["NaN", "Infinity", "-Infinity", 1.5]
    assert to_plain({"label": "NaN"}) == {"label": "\\NaN"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), [[1.0, "NaN"], ["Infinity", 2.0]]),
        (np.array(3.0), 3.0),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), "NaN"),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(["a"]), ["a"]),
        ((1, (2, 3)), [1, [2, 3]]),
        ({1: None, "p": Path("a/b")}, {"1": None, "p": "a/b"}),
    ],
)
def test_arrays_numpy_scalars_tuples_and_paths_become_plain(value, expected):
    assert to_plain(value) == expected
    json.loads(dump_json(value))


def test_a_file_name_that_is_no_utf8_can_be_written_and_read():
    name = b"caf\xe9.py".decode(errors="surrogateescape")
    assert json.loads(dump_json([name, "é"]).encode()) == [name, "é"]
    assert "é" in dump_json("é")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=5, deadline=None)
@given(st.data())
def test_every_kind_of_record_comes_back_from_json(kind, data):
    text = dump_json(data.draw(records_of(kind)))
    back = parse(kind, from_plain(json.loads(text)), Path("f.json"))
    assert isinstance(back, kind)
    assert dump_json(back) == text


def test_a_finding_keeps_its_symptoms_and_its_place():
    cause = Finding("a", "error", "m", {"x": 1.0}, Remedy("r", {"optimizer.lr": 0.1}), Place("f.py", 3, 1))
    finding = Finding("b", "advice", "m", {}, Remedy("r"), symptoms=(cause,))
    assert parse(Finding, json.loads(dump_json(finding)), Path("f.json")) == finding
    assert str(cause.place) == "f.py In[2]:3"


def test_a_record_of_a_later_version_with_more_fields_can_be_read():
    text = to_plain(SplitFacts("train", 3, 3)) | {"mood": "fine"}
    assert parse(SplitFacts, text, Path("facts.json")) == SplitFacts("train", 3, 3)
