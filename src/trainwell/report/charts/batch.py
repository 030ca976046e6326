"""Batch sizes: throughput by size, the gradient noise scale, what is suggested."""

from __future__ import annotations

import math

from trainwell.records import BatchSizes
from trainwell.report.charts.chart import Chart, Json, figure, numbers
from trainwell.report.charts.palette import LIGHT, faint


def batch_chart(found: BatchSizes, *, height: int = 420) -> Chart:
    """Examples a second at each batch size, with the interval of the noise scale behind it."""
    sizes, speeds = [size for size, _ in found.throughput], [speed for _, speed in found.throughput]
    data: list[Json] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "examples a second",
            "x": numbers(sizes),
            "y": numbers(speeds),
            "line": {"color": LIGHT["ink"], "width": 1.8},
            "marker": {"size": 7, "color": LIGHT["ink"]},
            "hovertemplate": "batch size %{x}<br>%{y:,.0f} examples a second<extra></extra>",
        }
    ]
    shapes: list[Json] = []
    interval = found.noise.interval
    if interval is not None:
        shapes.append(_span({"type": "rect", "x0": interval[0], "x1": interval[1], "fillcolor": faint("mark")}))
    notes: list[Json] = []
    for size, text, level in _marks(found):
        shapes.append(_span({"type": "line", "x0": size, "x1": size, "line": {"color": LIGHT["mark"], "width": 1.5}}))
        notes.append(
            {
                "text": text,
                "x": math.log10(size),
                "y": 1.0 + 0.055 * level,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"color": LIGHT["mark"]},
            }
        )
    layout = {
        "xaxis": {"type": "log", "title": {"text": "batch size"}, "tickvals": sizes, "ticktext": [*map(str, sizes)]},
        "yaxis": {"title": {"text": "examples a second"}, "rangemode": "tozero", "tickformat": ",~d"},
        "shapes": shapes,
        "annotations": notes,
        "showlegend": False,
        "margin": {"t": 76},
    }
    shaded = "" if interval is None else " Shaded: gradient noise scale, 95 % interval."
    return Chart(
        "batch",
        f"Throughput at {len(sizes)} batch sizes",
        figure(data, layout),
        f"{found.reason[:1].upper()}{found.reason[1:]}.{shaded}",
        f"Examples a second by size, {found.fastest} is fast enough, {found.suggestion} suggested: {found.reason}",
        ("yaxis",),
        height=height,
    )


def _marks(found: BatchSizes) -> list[tuple[int, str, int]]:
    """Sizes that are named above the chart, and in which row."""
    words: dict[int, list[str]] = {}
    for size, text in (
        (found.present, "present"),
        (found.fastest, "fastest"),
        (found.suggestion, f"<b>suggested {found.suggestion}</b>"),
    ):
        words.setdefault(size, []).append(text)
    return [(size, ", ".join(texts), row % 2) for row, (size, texts) in enumerate(sorted(words.items()))]


def _span(shape: Json) -> Json:
    return {"y0": 0, "y1": 1, "yref": "paper", "layer": "below", "line": {"width": 0}, **shape}
