"""The tree of errors and what they say."""

from __future__ import annotations

import difflib
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell import errors
from trainwell.errors import DataStop, MissingExtraError, RecipeError, TrainwellError, UnknownNameError, unknown_name

names = st.text("abcdefgh-", min_size=1, max_size=8)


def drawn() -> dict[str, str | None]:
    """Error to parent, from the tree in the module's docstring."""
    parents: dict[str, str | None] = {}
    open_at: dict[int, str] = {}
    for line in errors.__doc__.splitlines():
        found = re.match(r"([│├└─ ]*)([A-Z]\w+)(\s{2,}|$)", line)
        if found:
            depth = len(found[1]) // 4
            parents[found[2]] = open_at.get(depth - 1) if depth else None
            open_at[depth] = found[2]
    return parents


def defined() -> dict[str, type[TrainwellError]]:
    values = vars(errors).values()
    return {v.__name__: v for v in values if isinstance(v, type) and issubclass(v, TrainwellError)}


def test_every_error_is_in_the_drawn_tree_and_at_most_a_dozen():
    assert drawn().keys() == defined().keys()
    assert len(drawn()) <= 12


@pytest.mark.parametrize("name", drawn())
def test_every_error_derives_as_drawn_and_says_when(name):
    parent = drawn()[name]
    assert defined()[name].__bases__[0].__name__ == (parent or "Exception")
    assert defined()[name].__doc__.endswith(".")


MADE = [
    UnknownNameError("rule", "overfiting", ["overfitting"]),
    MissingExtraError("optuna", "tune"),
    DataStop("stopped", ["leak"]),
    RecipeError("two", ["a", "b"]),
    *(kind("text") for name, kind in defined().items() if name not in ("UnknownNameError", "MissingExtraError")),
]


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_every_error_comes_back_from_a_worker_process_whole(error):
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_errors_can_be_caught_as_what_python_calls_them():
    assert issubclass(errors.UsageError, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)
    assert "pip install 'trainwell[tune]'" in str(MissingExtraError("optuna", "tune"))


@given(names, st.sets(names, min_size=1, max_size=6))
def test_the_suggestion_is_a_nearest_name_and_given_if_one_is_near(name, known):
    text = unknown_name("thing", name, known)
    ratio = {k: difflib.SequenceMatcher(None, k, name).ratio() for k in known}  # brute force over all names
    said = re.search(r"Did you mean '(.*?)'\?", text)
    assert bool(said) is (max(ratio.values()) >= 0.6)
    assert said is None or ratio[said[1]] == max(ratio.values())


@given(names, st.sets(names, max_size=6))
def test_all_known_names_are_listed_in_order(name, known):
    assert unknown_name("thing", name, iter(known)).endswith(f"Known: {', '.join(sorted(known))}")
