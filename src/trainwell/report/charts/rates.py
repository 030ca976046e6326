"""The learning-rate range test: loss against rate, what is suggested, what diverged."""

from __future__ import annotations

import math

from trainwell.records import RateTest
from trainwell.report.charts.chart import Chart, Json, figure, log_axis, log_ticks, numbers
from trainwell.report.charts.palette import LIGHT, faint


def range_chart(test: RateTest, *, height: int = 340) -> Chart:
    """Loss after some steps at each rate; diverged rates as crosses at the top."""
    finite = [v for v in test.losses if math.isfinite(v)]
    lost = [rate for rate, loss in zip(test.rates, test.losses, strict=True) if not math.isfinite(loss)]
    top = max([*finite, *(v for v in test.high if math.isfinite(v)), _finite(test.start_loss)], default=1.0)
    bottom = min([*finite, *(v for v in test.low if math.isfinite(v))], default=0.0)
    ceiling = top + 0.08 * ((top - bottom) or abs(top) or 1.0)
    data: list[Json] = []
    if test.low and test.high:
        data += _band(test)
    data.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "loss after the test",
            "x": numbers(test.rates),
            "y": numbers(test.losses),
            "line": {"color": LIGHT["ink"], "width": 1.8},
            "marker": {"size": 6, "color": LIGHT["ink"]},
            "hovertemplate": "rate %{x:.3g}<br>loss %{y:.4g}<extra></extra>",
        }
    )
    if math.isfinite(test.start_loss):
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"before training ({test.start_loss:.3g})",
                "x": numbers([test.rates[0], test.rates[-1]]) if test.rates else [],
                "y": numbers([test.start_loss] * 2) if test.rates else [],
                "line": {"color": LIGHT["muted"], "width": 1.2, "dash": "dot"},
                "hoverinfo": "skip",
            }
        )
    if lost:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"diverged ({len(lost)} of {len(test.rates)})",
                "x": numbers(lost),
                "y": [float(f"{ceiling:.6g}")] * len(lost),
                "marker": {"symbol": "x-thin", "size": 9, "line": {"color": LIGHT["diverged"], "width": 2}},
                "hovertemplate": "rate %{x:.3g} diverged<extra></extra>",
            }
        )
    shapes, notes = _marks(test)
    layout = {
        "xaxis": log_axis("learning rate", test.rates),
        "yaxis": {"title": {"text": "loss after the test"}, "tickformat": "~g"},
        "shapes": shapes,
        "annotations": notes,
        "legend": {"y": 1.09},
        "margin": {"t": 66},
    }
    return Chart(
        "range",
        f"Learning-rate range test, {len(test.rates)} rates",
        figure(data, layout),
        test.reason,
        _summary(test, len(lost)),
        ("yaxis",),
        False,
        log_ticks(finite),
        height,
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _band(test: RateTest) -> list[Json]:
    """Smallest to largest loss over seeds; pieces between diverged rates."""
    common: Json = {
        "type": "scatter",
        "mode": "lines",
        "x": numbers(test.rates),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    if all(low == high for low, high in zip(test.low, test.high, strict=True) if math.isfinite(low)):
        return []
    sound = [
        k
        for k, (low, high) in enumerate(zip(test.low, test.high, strict=True))
        if math.isfinite(low) and math.isfinite(high)
    ]
    x = [test.rates[k] for k in sound]
    shape = [*(test.high[k] for k in sound), *(test.low[k] for k in reversed(sound))]
    return [
        common
        | {
            "x": numbers([*x, *reversed(x)]),
            "y": numbers(shape),
            "fill": "toself",
            "fillcolor": faint("ink"),
            "name": "over seeds",
        }
    ]


def _marks(test: RateTest) -> tuple[list[Json], list[Json]]:
    shapes: list[Json] = []
    notes: list[Json] = []
    if test.interval is not None:
        shapes.append(
            {
                "type": "rect",
                "x0": test.interval[0],
                "x1": test.interval[1],
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "fillcolor": faint("mark"),
                "line": {"width": 0},
                "layer": "below",
            }
        )
    if test.suggestion is not None:
        shapes.append(
            {
                "type": "line",
                "x0": test.suggestion,
                "x1": test.suggestion,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": LIGHT["mark"], "width": 2},
            }
        )
        notes.append(
            _words(
                f"<b>suggested {test.suggestion:.3g}</b>",
                math.log10(test.suggestion),
                1.0,
                "paper",
                "center",
                "bottom",
                "mark",
            )
        )
    return shapes, notes


def _words(text: str, x: float, y: float, yref: str, xanchor: str, yanchor: str, tone: str) -> Json:
    return {
        "text": text,
        "x": x,
        "y": y,
        "yref": yref,
        "xanchor": xanchor,
        "yanchor": yanchor,
        "showarrow": False,
        "font": {"color": LIGHT[tone]},
    }


def _summary(test: RateTest, lost: int) -> str:
    told = f"suggested {test.suggestion:.3g}" if test.suggestion is not None else "no rate suggested"
    return f"Loss by learning rate, {len(test.rates)} rates, {lost} diverged; {told}. {test.reason}"
