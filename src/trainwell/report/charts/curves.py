"""Curves of training: mean and interval over seeds, every run behind them, a cross where one diverged."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainwell.report.charts.chart import Chart, Json, figure, heading, log_ticks, numbers, safe
from trainwell.report.charts.palette import LIGHT, color, faint
from trainwell.report.views.curves import Band, Group, Line, Panel, spread_ratio
from trainwell.report.wording import is_share

_SPLITS = {"train": "training split", "val": "validation split", "test": "test split", "": ""}
_DASHES = {"before": "dash", "train": "dot"}
_CYCLE = ("solid", "dash", "dot", "dashdot")
_WIDE = 30.0  # times: a loss that spans more starts on a log axis
_GAP = 0.05


def curves(name: str, title: str, panels: Sequence[Panel], *, note: str = "", height: int = 340) -> Chart:
    """Panels side by side on one scale, each group in its colour."""
    quantity = panels[0].quantity
    share, is_loss = is_share(quantity), quantity == "loss"
    data: list[Json] = []
    layout: Json = {"annotations": [], "legend": {"y": 1.1 if panels[0].split else 1.02}}
    width = (1 - _GAP * (len(panels) - 1)) / len(panels)
    log = is_loss and spread_ratio(panels) > _WIDE
    dtick = log_ticks(y for panel in panels for group in panel.groups for line in group.lines for y in line.y)
    for index, panel in enumerate(panels):
        suffix = "" if index == 0 else str(index + 1)
        for group in panel.groups:
            data += _group(group, suffix, quantity, panel.x_title, legend=index == 0)
        left = index * (width + _GAP)
        layout[f"xaxis{suffix}"] = {
            "domain": [left, min(1.0, left + width)],
            "anchor": f"y{suffix}",
            "title": {"text": panel.x_title},
            "rangemode": "tozero",
        }
        layout[f"yaxis{suffix}"] = _y_axis(
            quantity, first=index == 0, anchor=f"x{suffix}", dtick=dtick if log else None
        )
        if panel.split:
            layout["annotations"].append(heading(_SPLITS.get(panel.split, panel.split), 0, axis=f"x{suffix} domain"))
    if panels[0].split:
        layout["margin"] = {"t": 50}
    toggles = tuple(f"yaxis{'' if k == 0 else k + 1}" for k in range(len(panels)))
    return Chart(
        name,
        title,
        figure(data, layout),
        note,
        _summary(panels, share=share),
        toggles if is_loss else (),
        log,
        dtick,
        height,
    )


def _y_axis(quantity: str, *, first: bool, anchor: str, dtick: str | int | None) -> Json:
    axis: Json = {"anchor": anchor, "type": "linear", "tickformat": ".3~%" if is_share(quantity) else "~g"}
    if dtick is not None:
        axis |= {"type": "log", "dtick": dtick}
    if first:
        axis["title"] = {"text": safe(quantity.replace("_", " "))}
    else:
        axis |= {"matches": "y", "showticklabels": False, "ticks": ""}
    return axis


def _group(group: Group, suffix: str, quantity: str, x_title: str, *, legend: bool) -> list[Json]:
    """Every run as a thin line, the mean as a thick one, its interval as a band, a cross where a run diverged."""
    axes = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "legendgroup": group.key}
    many = len(group.lines) > 1
    hover = f"{safe(x_title)} %{{x}}<br>{safe(quantity)} %{{y:{'.2%' if is_share(quantity) else '.4g'}}}"
    dash = _DASHES.get(group.key, _dash(group.key))
    traces: list[Json] = []
    if many:
        traces.append(_each_run(group.lines, group.key, hover) | axes)
    if many and group.band is not None:
        band = group.band
        low, high = _drawable(band, group.lines, share=is_share(quantity))
        traces.append(
            {
                **axes,
                "type": "scatter",
                "mode": "lines",
                "x": numbers([*band.x, *reversed(band.x)]),
                "y": numbers([*high, *reversed(low)]),
                "fill": "toself",
                "fillcolor": faint(group.key),
                "line": {"width": 0},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
        traces.append(_thick(group, band.x, band.mean, dash, f"mean of {band.n}<br>{hover}", legend) | axes)
    else:
        line = group.lines[0] if group.lines else Line("", 0, (), ())
        traces.append(_thick(group, line.x, line.y, dash, hover, legend) | axes)
    broken = [point for line in group.lines if (point := _end(line)) is not None]
    if broken:
        traces.append(_crosses(broken, x_title) | axes | {"showlegend": False})
    return traces


def _drawable(band: Band, lines: Sequence[Line], *, share: bool) -> tuple[Sequence[float], Sequence[float]]:
    """Limits cut to where values can be: shares within 0 and 1, positive quantities above 0 (for log axes)."""
    if share:
        return [max(0.0, v) for v in band.low], [min(1.0, v) for v in band.high]
    least = min((y for line in lines for y in line.y if math.isfinite(y)), default=0.0)
    return [max(v, least / 2) if least > 0 else v for v in band.low], band.high


def _dash(key: str) -> str:
    return _CYCLE[int(key) // 8 % len(_CYCLE)] if key.isdigit() else "solid"


def _thick(group: Group, x: Sequence[float], y: Sequence[float], dash: str, hover: str, legend: bool) -> Json:
    lonely = sum(math.isfinite(v) for v in y) == 1
    return {
        "type": "scatter",
        "mode": "markers" if lonely else "lines",
        "name": safe(group.label),
        "x": numbers(x),
        "y": numbers(y),
        "line": {"color": color(group.key), "width": 2.4, "dash": dash},
        "marker": {"color": color(group.key), "size": 9},
        "hovertemplate": f"<b>{safe(group.label)}</b><br>{hover}<extra></extra>",
        "showlegend": legend,
    }


def _each_run(lines: Sequence[Line], key: str, hover: str) -> Json:
    """All runs of a group as one trace, with gaps between them."""
    x: list[float | None] = []
    y: list[float | None] = []
    seeds: list[int | None] = []
    for line in lines:
        x += [*line.x, None]
        y += [*line.y, None]
        seeds += [*[line.seed] * len(line.x), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": numbers(x),
        "y": numbers(y),
        "customdata": seeds,
        "line": {"color": color(key), "width": 1},
        "opacity": 0.32,
        "hovertemplate": f"seed %{{customdata}}<br>{hover}<extra></extra>",
        "showlegend": False,
    }


def _end(line: Line) -> tuple[float, float, int] | None:
    """Last finite point of a run that diverged."""
    if line.ended != "diverged":
        return None
    finite = [(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    return (*finite[-1], line.seed) if finite else None


def _crosses(points: Sequence[tuple[float, float, int]], x_title: str) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "diverged",
        "x": numbers(x for x, _, _ in points),
        "y": numbers(y for _, y, _ in points),
        "customdata": [seed for _, _, seed in points],
        "marker": {"symbol": "x-thin", "size": 11, "line": {"color": LIGHT["diverged"], "width": 2.5}},
        "hovertemplate": f"seed %{{customdata}} diverged<br>last finite at {safe(x_title)} %{{x}}<extra></extra>",
    }


def _summary(panels: Sequence[Panel], *, share: bool) -> str:
    told = []
    for panel in panels:
        for group in panel.groups:
            values = group.band.mean if group.band else group.lines[0].y if group.lines else ()
            finite = [v for v in values if math.isfinite(v)]
            if finite:
                first, last = (f"{v:.1%}" if share else f"{v:.3g}" for v in (finite[0], finite[-1]))
                told.append(f"{_SPLITS.get(panel.split, '')} {group.label}: from {first} to {last}".strip())
    return f"{panels[0].quantity} by {panels[0].x_title}. " + "; ".join(told)
