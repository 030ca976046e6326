"""`PATH=VALUE` settings of the command line."""

from __future__ import annotations

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from trainwell.errors import UsageError
from trainwell.recipe import Recipe, parse_settings

TOML_WORDS = ("true", "false", "inf", "nan")
scalars = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(min_size=1)


@given(scalars | st.lists(scalars, max_size=3))
def test_any_toml_value_is_read_as_it_is(value):
    text = tomli_w.dumps({"v": value}).removeprefix("v = ")
    (read,) = parse_settings([f"model.x={text}"]).values()
    assert read == value
    assert type(read) is type(value)


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_/-]*", fullmatch=True).filter(lambda w: w not in TOML_WORDS))
def test_a_bare_word_is_a_string(word):
    assert parse_settings([f"model.x={word}"]) == {"model.x": word}


def test_settings_keep_their_order_and_edit_a_recipe():
    edits = parse_settings(["optimizer = sgd", "optimizer.lr=3e-4", "model.widths=[64, 32]", "steps=none"])
    assert edits == {"optimizer": "sgd", "optimizer.lr": 3e-4, "model.widths": [64, 32], "steps": "none"}
    assert Recipe(steps=5).with_(edits) == Recipe(
        optimizer={"name": "sgd", "lr": 3e-4}, model={"widths": [64, 32]}, steps=None
    )


def test_an_equals_sign_in_the_value_belongs_to_the_value():
    assert parse_settings(["model.formula=a=b"]) == {"model.formula": "a=b"}


def test_a_value_cannot_smuggle_in_other_settings():
    assert parse_settings(["epochs=1\nsteps = 2"]) == {"epochs": "1\nsteps = 2"}


@pytest.mark.parametrize("setting", ["epochs", "=3", "epochs=", " = "])
def test_what_is_no_setting_is_refused_with_an_example(setting):
    with pytest.raises(UsageError, match=r"must be PATH=VALUE, got '.*'\. Example: --set optimizer\.lr=3e-4"):
        parse_settings([setting])


def test_a_path_given_twice_is_refused():
    with pytest.raises(UsageError, match="`--set epochs` must be given once"):
        parse_settings(["epochs=1", "epochs =2"])


@pytest.mark.parametrize("text", ['["crop"', "[crop,mixup]", "{a = }"])
def test_a_list_that_is_no_toml_is_refused_with_quotes_shown(text):
    with pytest.raises(UsageError, match=r"`--set augmentation` must be a list or table in TOML, got .*Quote it"):
        parse_settings([f"augmentation={text}"])
