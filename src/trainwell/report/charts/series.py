"""Series of a run by step: every point with the running median beside it, and learning rates as they were."""

from __future__ import annotations

import math
from typing import Any

from trainwell.report.charts.chart import Chart, Json, figure, log_ticks, numbers, rows_of, safe, y_axis
from trainwell.report.charts.palette import LIGHT, color
from trainwell.report.views.curves import Group, Line, Panel
from trainwell.report.views.run import RawAndSmooth, first_non_finite

_DASHES = {"before": "dash"}
_WIDE = 30.0  # times: a series that spans more starts on a log axis
_APART = 8.0  # times: rates of two recipes that lie further apart start on a log axis


def schedules(name: str, title: str, panel: Panel, *, height: int = 280) -> Chart:
    """Learning rates as they were, each distinct one once."""
    data = []
    for group in panel.groups:
        for k, line in enumerate(group.lines):
            data.append(
                {
                    "type": rows_of(line.x),
                    "mode": "lines",
                    "name": safe(group.label),
                    "legendgroup": group.key,
                    "showlegend": k == 0,
                    "x": numbers(line.x),
                    "y": numbers(line.y),
                    "line": {"color": color(group.key), "width": 2.2, "dash": _DASHES.get(group.key, "solid")},
                    "hovertemplate": f"<b>{safe(group.label)}</b><br>{panel.x_title} %{{x:.4~g}}<br>rate %{{y:.4g}}"
                    "<extra></extra>",
                }
            )
    peaks = [max(line.y) for group in panel.groups for line in group.lines if line.y]
    log = bool(peaks) and min(peaks) > 0 and max(peaks) / min(peaks) > _APART
    values = [y for group in panel.groups for line in group.lines for y in line.y]
    layout = {
        "xaxis": {"title": {"text": panel.x_title}, "rangemode": "tozero"},
        "yaxis": y_axis("learning rate", values, log=log) | {"rangemode": "tozero"},
    }
    return Chart(
        name, title, figure(data, layout), "", f"{title} by {panel.x_title}", ("yaxis",), log, log_ticks(values), height
    )


def series(
    name: str, title: str, values: RawAndSmooth, y_title: str, *, key: str = "after", note: str = "", height: int = 300
) -> Chart:
    """Every point of a series, the centred running median beside it, a cross where it stops being finite."""
    raw, smooth = values.raw, values.smooth
    tone = color(key) if smooth is None else LIGHT["raw"]
    style: Json = {"mode": "lines", "line": {"color": tone, "width": 1}}
    if len(raw.x) < 400:
        style = {"mode": "lines+markers", "line": {"color": tone, "width": 1.2}, "marker": {"size": 4, "color": tone}}
    data: list[Json] = [
        {
            "type": rows_of(raw.x),
            "name": f"every value (n = {len(raw.x):,})",
            "showlegend": True,
            "x": numbers(raw.x),
            "y": numbers(raw.y),
            "hovertemplate": "step %{x:,}<br>%{y:.5g}<extra></extra>",
            **style,
        }
    ]
    if smooth is not None:
        data.append(
            {
                "type": rows_of(smooth.x),
                "mode": "lines",
                "name": f"centred median over {values.window}",
                "x": numbers(smooth.x),
                "y": numbers(smooth.y),
                "line": {"color": color(key), "width": 2},
                "hovertemplate": "step %{x:,}<br>median %{y:.5g}<extra></extra>",
            }
        )
    positive = [v for v in raw.y if math.isfinite(v) and v > 0]
    log = bool(positive) and len(positive) >= 0.98 * len(raw.y) and max(positive) / min(positive) > _WIDE
    layout: Json = {
        "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
        "yaxis": y_axis(y_title, positive, log=log),
    }
    broken = first_non_finite(raw)
    if broken is not None:
        layout["shapes"], layout["annotations"] = _broken_mark(broken)
    return Chart(
        name,
        title,
        figure(data, layout),
        note,
        f"{title} by step, {len(raw.x):,} points",
        ("yaxis",),
        log,
        log_ticks(positive),
        height,
    )


def _broken_mark(x: float) -> tuple[list[Json], list[Json]]:
    line = {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": LIGHT["diverged"], "width": 1.5, "dash": "dot"},
    }
    words: dict[str, Any] = {
        "text": f"not finite from step {x:,.0f}",
        "x": x,
        "y": 1,
        "yref": "paper",
        "xanchor": "right",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": LIGHT["diverged"]},
    }
    return [line], [words]


def one_rate(name: str, line: Line, *, height: int = 300) -> Chart:
    """The learning rate of one run by step."""
    return schedules(
        name,
        "Learning rate",
        Panel("learning rate", "", (Group("ink", "learning rate", (line,), None),), "step"),
        height=height,
    )
