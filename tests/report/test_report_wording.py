from __future__ import annotations

import math

import pytest

from trainwell.report.wording import (
    difference_text,
    interval_text,
    metric_text,
    number_text,
    p_text,
    seconds_text,
    setting_text,
    value_text,
)


@pytest.mark.parametrize(
    ("metric", "value", "half", "text"),
    [
        ("accuracy", 0.9721, 0.004, "97.2 %"),
        ("accuracy", 0.9721, 0.0004, "97.21 %"),
        ("rmse", 53.184, 0.9, "53.2"),
        ("rmse", 53.184, None, "53.18"),
        ("accuracy", math.nan, None, "not finite"),
        ("accuracy", None, None, "not finite"),
    ],
)
def test_metrics_show_as_many_decimals_as_the_interval_allows(
    metric: str, value: float | None, half: float | None, text: str
) -> None:
    assert metric_text(metric, value, half) == text


def test_differences_have_a_sign_and_points() -> None:
    assert difference_text("accuracy", 0.012, 0.004) == "+1.2 points"
    assert difference_text("rmse", -0.5, 0.01) == "−0.500"
    assert interval_text("accuracy", (-0.003, 0.012), sign=True) == "−0.3 to +1.2 %"
    assert interval_text("accuracy", None) == ""


def test_p_values_never_read_as_zero() -> None:
    assert p_text(1e-9) == "p < 0.0001"
    assert p_text(0.001953) == "p = 0.002"
    assert p_text(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (47.2, "47 s"), (60, "1 min"), (192, "3 min 12 s"), (3900, "1 h 05 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_values_of_recipes_can_be_copied() -> None:
    assert value_text(1e-8) == "1e-08"
    assert value_text([0.9, None, True]) == "0.9, none, true"
    assert value_text({}) == "none"
    assert setting_text("model.width", [1, 2]) == "model.width=[1, 2]"


def test_numbers_that_are_not_finite_have_names() -> None:
    assert [number_text(v) for v in (math.nan, math.inf, -math.inf, 12345.0)] == [
        "NaN",
        "infinite",
        "−infinite",
        "12,345",
    ]
