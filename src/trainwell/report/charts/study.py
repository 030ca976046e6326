"""What a study taught: importances, parallel coordinates, slices, expected best of k, best so far by cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainwell.records.study import Look, StudyRecord
from trainwell.report.charts.chart import Chart, Json, figure, log_axis, numbers, safe
from trainwell.report.charts.palette import LIGHT, faint
from trainwell.report.views.learned import BestOf, Importance, Learned, Slice
from trainwell.report.wording import is_share
from trainwell.space import Choice, Space
from trainwell.space.choice import named

_MOST_LINES = 300
_LATE = 0.98  # share of the search


def importance_chart(found: Importance) -> Chart | None:
    """A bar for each field."""
    if not found.shares:
        return None
    rows = list(reversed(found.shares))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "x": numbers(share for _, share in rows),
            "y": [safe(path) for path, _ in rows],
            "marker": {"color": LIGHT["after"]},
            "hovertemplate": "%{y}: %{x:.0%}<extra></extra>",
        }
    ]
    layout = {"xaxis": {"tickformat": ".0%", "title": {"text": "share of the importance"}, "rangemode": "tozero"}}
    note = (
        f"Permutation importance of a forest over {found.n} trials; it explains {100 * found.explained:.0f} % of the "
        "variance of ranks on trials it has not seen."
    )
    summary = ", ".join(f"{path} {100 * share:.0f} %" for path, share in found.shares)
    return Chart("importance", "What mattered", figure(data, layout), note, summary, height=120 + 34 * len(rows))


def parallel_chart(record: StudyRecord, learned: Learned) -> Chart | None:
    """A line for each trial across the scales of all fields."""
    space = Space.from_plain(record.plan.space)
    looks = [look for look in learned.looks if look.counts][:_MOST_LINES]
    dimensions: list[Json] = []
    for path in space.paths:
        axis = next((a for a in space.axes if a.path == path), None)
        if axis is None:
            continue
        positions = [space.positions(look.changes).get(path, -0.05) for look in looks]
        ends: list[tuple[float, str]]
        if isinstance(axis.dimension, Choice):
            count = max(1, len(axis.dimension.options) - 1)
            ends = [(k / count, named(value)) for k, value in enumerate(axis.dimension.ends())]
        else:
            ends = [(u, f"{axis.dimension.at(u):.3g}") for u in (0.0, 0.25, 0.5, 0.75, 1.0)]
        if min(positions, default=0.0) < 0:
            ends = [(-0.05, "not there"), *ends]
        dimensions.append(
            {
                "label": safe(path),
                "values": numbers(positions),
                "range": [min(0.0, *positions, 0.0), 1],
                "tickvals": [u for u, _ in ends],
                "ticktext": [safe(text) for _, text in ends],
            }
        )
    if len(looks) < 2 or len(dimensions) < 2:
        return None
    values = [look.value for look in looks]
    dimensions.append({"label": safe(record.plan.watch), "values": numbers(values)})
    data = [
        {
            "type": "parcoords",
            "line": {
                "color": numbers(values),
                "colorscale": "Viridis",
                "reversescale": not record.plan.higher_is_better,
                "showscale": False,
            },
            "dimensions": dimensions,
            "labelfont": {"color": LIGHT["ink"]},
            "tickfont": {"color": LIGHT["muted"]},
            "rangefont": {"color": "rgba(0,0,0,0)"},
        }
    ]
    note = (
        f"Each line is a trial after {learned.epochs:.3g} epochs; drag along an axis to keep the lines through a range."
    )
    return Chart(
        "parallel", f"Parallel coordinates (n = {len(looks)})", figure(data, {"margin": {"l": 70, "r": 50, "t": 60}}),
        note, f"{len(looks)} trials across {len(dimensions) - 1} fields", height=400,
    )  # fmt: skip


def slice_chart(number: int, one: Slice, watch: str, epochs: float) -> Chart:
    """Every trial by one field, and the best in each part of its scale."""
    stairs_x: list[float | None] = []
    stairs_y: list[float | None] = []
    for low, high, value in one.tuned:
        stairs_x += [low, high, None]
        stairs_y += [value, value, None]
    data: list[Json] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "trials",
            "x": numbers(one.x),
            "y": numbers(one.y),
            "text": [f"trial {trial}" for trial in one.trials],
            "marker": {"size": 7, "color": LIGHT["after"], "opacity": 0.6},
            "hovertemplate": "%{text}<br>%{x:.3g}: %{y:.4g}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best, others tuned away",
            "x": numbers(stairs_x),
            "y": numbers(stairs_y),
            "line": {"color": LIGHT["ink"], "width": 2},
            "hoverinfo": "skip",
        },
    ]
    if one.labels:
        x_axis: Json = {
            "title": {"text": safe(one.path)},
            "tickvals": list(range(len(one.labels))),
            "ticktext": [safe(label) for label in one.labels],
        }
    else:
        x_axis = log_axis(one.path, one.x) if one.log else {"title": {"text": safe(one.path)}}
    note = f"The best tenth has {one.best}. Values after {epochs:.3g} epochs."
    layout = {"xaxis": x_axis, "yaxis": _watched(watch)}
    return Chart(f"slice-{number}", f"{one.path} ({one.role})", figure(data, layout), note, note, height=300)


def best_of_chart(found: BestOf, watch: str, epochs: float) -> Chart:
    """Expected best of k trials, for planning the next search."""
    sound = [k for k in range(len(found.ks)) if found.low[k] is not None and found.high[k] is not None]
    x = [found.ks[k] for k in sound]
    shape = [*(found.high[k] for k in sound), *(found.low[k] for k in reversed(sound))]
    data: list[Json] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": found.limits,
            "x": numbers([*x, *reversed(x)]),
            "y": numbers(shape),
            "fill": "toself",
            "fillcolor": faint("after"),
            "line": {"width": 0},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "expected best of k",
            "x": list(found.ks),
            "y": numbers(found.mean),
            "line": {"color": LIGHT["after"]},
            "hovertemplate": "best of %{x}: %{y:.4g}<extra></extra>",
        },
    ]
    layout = {"xaxis": log_axis("trials k", found.ks), "yaxis": _watched(watch)}
    note = f"Unbiased, from {found.n} independent trials after {epochs:.3g} epochs, each by its own validation value."
    last = found.mean[-1] if found.mean else math.nan
    return Chart(
        "best-of", "What more trials give", figure(data, layout), note, f"Expected best of {found.ks[-1]}: {last:.4g}",
        height=340,
    )  # fmt: skip


def cost_chart(looks: Sequence[Look], watch: str, *, higher_is_better: bool) -> Chart | None:
    """The best full trial so far against the seconds of the study."""
    full = [look for look in looks if look.full and look.counts]
    if not full:
        return None
    best: list[tuple[float, float]] = []
    for look in sorted(full, key=lambda look: look.seconds):
        if not best or ((look.value > best[-1][1]) == higher_is_better and look.value != best[-1][1]):
            best.append((look.seconds, look.value))
    end = max(look.seconds for look in looks)
    if best[0][0] > _LATE * end:
        return None  # all came at once: a point, no line
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "best at full length",
            "x": numbers([*(s for s, _ in best), end]),
            "y": numbers([*(v for _, v in best), best[-1][1]]),
            "line": {"shape": "hv", "color": LIGHT["ink"]},
            "hovertemplate": "%{x:.3g} s: %{y:.4g}<extra></extra>",
        }
    ]
    layout = {"xaxis": {"title": {"text": "seconds of the search"}, "rangemode": "tozero"}, "yaxis": _watched(watch)}
    return Chart("cost", "Best full trial so far", figure(data, layout), summary=f"Best {watch} by seconds", height=340)


def _watched(watch: str) -> Json:
    axis: Json = {"title": {"text": f"validation {safe(watch.replace('_', ' '))}"}}
    return axis | {"tickformat": ".3~%" if is_share(watch) else "~g"}
