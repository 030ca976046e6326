"""Charts: valid figures, honest points, JSON that reads back."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import fabricate
import pytest

from trainwell.records import BatchSizes, NoiseScale, RateTest, load_improvement, load_run
from trainwell.report import write_batch_page
from trainwell.report.charts.batch import batch_chart
from trainwell.report.charts.chart import numbers, safe
from trainwell.report.charts.palette import swaps
from trainwell.report.charts.rates import range_chart
from trainwell.report.charts.search import plane, progress
from trainwell.report.page import comparison_charts, improvement_charts, run_charts, safe_json
from trainwell.report.views.comparison import comparison_view, find_runs
from trainwell.report.views.improvement import improvement_view
from trainwell.report.views.run import run_view
from trainwell.report.views.search import search


@pytest.fixture(scope="module")
def figures(improvement: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every chart there is."""
    folder = tmp_path_factory.mktemp("runs")
    fabricate.make_run(folder / "run", recipe=fabricate.AFTER, diverge_at=6)
    fabricate.make_run(folder / "other")
    views = {
        "improvement": improvement_charts(improvement_view(load_improvement(improvement), improvement)),
        "run": run_charts(run_view(load_run(folder / "run"))),
        "comparison": comparison_charts(comparison_view(find_runs(folder), "runs", folder)),
    }
    return {f"{page}/{name}": chart.figure for page, drawn in views.items() for name, chart in drawn.items()}


def test_every_part_is_drawn(figures: dict[str, Any]) -> None:
    assert set(figures) == {
        *(f"improvement/{n}" for n in ("proof", "loss", "metric", "rate", "range", "plane", "progress")),
        *(f"run/{n}" for n in ("loss", "metric", "steps", "gradient", "rate", "update")),
        *(f"comparison/{n}" for n in ("loss", "metric")),
    }


def test_plotly_accepts_every_figure(figures: dict[str, Any]) -> None:
    import plotly.graph_objects as go

    for name, figure in figures.items():
        assert go.Figure(figure).data, name  # raises ValueError on a property that does not exist


def test_json_reads_back_equal(figures: dict[str, Any]) -> None:
    assert json.loads(safe_json(figures)) == json.loads(json.dumps(figures, allow_nan=False))


def test_every_axis_is_named_or_shares_its_name(figures: dict[str, Any]) -> None:
    for name, figure in figures.items():
        for key, axis in figure["layout"].items():
            if re.fullmatch(r"[xy]axis\d?", key):
                assert axis.get("title", {}).get("text") or axis.get("ticktext") or axis.get("matches"), (name, key)


def test_every_colour_has_a_dark_partner(figures: dict[str, Any]) -> None:
    partners = swaps()
    used = set(re.findall(r'"((?:#|rgba\()[^"]+)"', json.dumps(figures))) - {"rgba(0,0,0,0)"}
    assert used <= set(partners)
    assert len(set(partners.values())) == len(partners)


def test_every_seed_is_a_point(figures: dict[str, Any]) -> None:
    dots = {trace["name"]: trace for trace in figures["improvement/proof"]["data"] if trace.get("name")}
    assert dots["before"]["customdata"] == list(range(1000, 1010))
    assert dots["after"]["y"].count(None) == 1


def test_the_difference_has_its_intervals_over_seeds_and_over_examples(
    figures: dict[str, Any], improvement: Path
) -> None:
    difference = load_improvement(improvement).difference
    assert difference is not None
    assert difference.mean is not None
    assert difference.interval is not None
    assert difference.examples_interval is not None
    bars = [t["error_y"] for t in figures["improvement/proof"]["data"] if t.get("xaxis") == "x2" and "error_y" in t]
    for bar, interval in zip(bars, (difference.interval, difference.examples_interval), strict=True):
        assert bar["array"][0] == pytest.approx(100 * (interval[1] - difference.mean), rel=1e-4)
        assert bar["arrayminus"][0] == pytest.approx(100 * (difference.mean - interval[0]), rel=1e-4)


def test_diverged_runs_are_marked(figures: dict[str, Any]) -> None:
    for name in ("improvement/loss", "improvement/metric", "run/loss"):
        crosses = [t for t in figures[name]["data"] if t.get("marker", {}).get("symbol") == "x-thin"]
        assert crosses, name
    assert "not finite from step 106" in json.dumps(figures["run/steps"])
    assert "1 diverged" in json.dumps(figures["improvement/proof"])


def test_no_step_is_left_out(figures: dict[str, Any]) -> None:
    raw = figures["run/steps"]["data"][0]
    assert len(raw["x"]) == fabricate.STEPS_PER_EPOCH * 6 + 5
    assert raw["y"][-1] is None


def test_many_steps_are_all_kept_and_drawn_by_webgl(tmp_path: Path) -> None:
    import numpy as np

    from trainwell.records import RunFolder, Series

    fabricate.make_run(tmp_path)
    steps = np.arange(30_000)
    RunFolder(tmp_path).append_steps({"loss": Series(steps, 1.0 + 0.1 * np.sin(steps))})
    chart = run_charts(run_view(load_run(tmp_path)))["steps"]
    assert (chart.figure["data"][0]["type"], len(chart.figure["data"][0]["x"])) == ("scattergl", 30_000)


def test_values_that_are_not_finite_are_gaps() -> None:
    assert numbers([1.23456789, math.nan, math.inf, None]) == [1.23457, None, None, None]


def test_text_cannot_become_markup_or_a_template() -> None:
    assert safe("<a href='x'>%{x}&") == "&lt;a href='x'&gt;% {x}&amp;"


@pytest.mark.parametrize("losses", [(math.nan, math.nan, math.nan), (2.0, 2.0, 2.0), (2.0, math.nan, 1e6)])
def test_range_test_draws_flat_and_diverged_curves(losses: tuple[float, ...]) -> None:
    chart = range_chart(RateTest((1e-3, 1e-2, 1e-1), losses, 2.0, reason="why"))
    crosses = [t for t in chart.figure["data"] if t["name"].startswith("diverged")]
    assert sum(len(t["x"]) for t in crosses) == sum(math.isnan(v) for v in losses)
    json.dumps(chart.figure, allow_nan=False)
    assert chart.note == "why"


def test_search_draws_weight_decay_zero_on_a_log_axis() -> None:
    read = search(fabricate.trials(), higher_is_better=True)
    assert read is not None
    chart = plane(read, "accuracy", higher_is_better=True)
    assert chart is not None
    axis = chart.figure["layout"]["yaxis"]
    assert (axis["type"], axis["ticktext"][0]) == ("log", "0")
    assert min(v for t in chart.figure["data"] for v in t["y"]) == pytest.approx(axis["tickvals"][0], rel=1e-5)


def test_search_over_one_number_shows_the_metric() -> None:
    rows = [replace(row, changes={"optimizer.lr": row.changes["optimizer.lr"]}) for row in fabricate.trials()]
    read = search(rows, higher_is_better=True)
    assert read is not None
    chart = plane(read, "accuracy", higher_is_better=True)
    assert chart is not None
    assert chart.figure["layout"]["yaxis"]["title"]["text"] == "validation accuracy"


def test_search_without_numbers_still_has_its_progress() -> None:
    rows = [replace(row, changes={"optimizer": "sgd"}) for row in fabricate.trials()]
    read = search(rows, higher_is_better=True)
    assert read is not None
    assert plane(read, "accuracy", higher_is_better=True) is None
    assert progress(read, "accuracy", higher_is_better=True).figure["data"]


@pytest.mark.parametrize("interval", [(70.0, 90.0), None])
def test_batch_sizes_show_throughput_and_what_is_suggested(
    tmp_path: Path, interval: tuple[float, float] | None
) -> None:
    noise = NoiseScale(80.0 if interval else math.nan, interval, 24, 50)
    found = BatchSizes(16, 128, 32, ((16, 900.0), (32, 1500.0), (64, 1600.0)), noise, 64, {"batch_size": 64}, "why")
    chart = batch_chart(found)
    assert chart.figure["data"][0]["y"] == [900.0, 1500.0, 1600.0]
    texts = {note["text"] for note in chart.figure["layout"]["annotations"]}
    assert texts == {"present", "fastest", "<b>suggested 64</b>"}
    assert sum(shape["type"] == "rect" for shape in chart.figure["layout"]["shapes"]) == (interval is not None)
    page = write_batch_page("digits", found, tmp_path / "report.html").read_text()
    assert "--set batch_size=64" in page
