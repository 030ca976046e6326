"""The proof at a glance: every seed before and after, and the paired differences against zero."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainwell.records import Arm, Difference
from trainwell.report.charts.chart import Chart, Json, figure, heading, numbers, safe
from trainwell.report.charts.palette import LIGHT, color, faint
from trainwell.report.views.proof import Proof
from trainwell.report.wording import is_share

_LEFT, _RIGHT = [0.0, 0.47], [0.64, 1.0]
_EACH, _SEEDS, _EXAMPLES = -0.62, 0.03, 0.66


def proof_chart(proof: Proof, *, higher_is_better: bool, height: int = 400) -> Chart:
    """Left: each seed's pair, means with 95 % intervals at the sides. Right: after minus before, zero as a line.

    The mean difference stands there with its interval over seeds and, where measured, over redrawn test examples.
    """
    share = is_share(proof.metric)
    shown = ".2%" if share else ".5g"
    scale = 100.0 if share else 1.0
    lost = _place_of_lost(proof, higher_is_better)
    data = [*_pairs(proof, lost, shown), *_crosses(proof, lost)]
    for arm, x, key in ((proof.before, -0.28, "before"), (proof.after, 1.28, "after")):
        if arm is not None:
            data.append(_mean(arm, x, key, shown))
    data += _differences(proof, scale)
    n = len(proof.pairs)
    over_examples = proof.difference is not None and proof.difference.examples_interval is not None
    metric = safe(proof.metric.replace("_", " "))
    unit = "points" if share else proof.metric.replace("_", " ")
    layout = {
        "margin": {"t": 34, "b": 42, "l": 56, "r": 12},
        "showlegend": False,
        "xaxis": {
            "domain": _LEFT,
            "range": [-0.5, 1.5],
            "tickvals": [0, 1],
            "ticktext": ["<b>before</b>", "<b>after</b>"],
            "showgrid": False,
            "tickfont": {"color": LIGHT["ink"]},
            "fixedrange": True,
        },
        "yaxis": {"title": {"text": f"test {metric}"}, "tickformat": ".3~%" if share else "~g"},
        "xaxis2": {
            "domain": _RIGHT,
            "range": [-1, 1],
            "tickvals": [_EACH, _SEEDS, _EXAMPLES][: 3 if over_examples else 2],
            "ticktext": ["<b>each</b>", "over<br>seeds", "over<br>examples"][: 3 if over_examples else 2],
            "showgrid": False,
            "anchor": "y2",
            "tickangle": 0,
            "tickfont": {"color": LIGHT["ink"], "size": 11},
            "fixedrange": True,
        },
        "yaxis2": {
            "anchor": "x2",
            "title": {"text": f"after \N{MINUS SIGN} before [{safe(unit)}]"},
            "rangemode": "tozero",
            "tickformat": "~g",
        },
        "shapes": [
            {
                "type": "line",
                "xref": "x2 domain",
                "x0": 0,
                "x1": 1,
                "yref": "y2",
                "y0": 0,
                "y1": 0,
                "line": {"color": LIGHT["ink"], "width": 1.2},
            }
        ],
        "annotations": [
            heading(f"{n} paired seeds", 0),
            heading("difference", 0, axis="x2 domain"),
            *_lost_words(proof, lost),
        ],
    }
    return Chart("proof", "Every seed, before and after", figure(data, layout), "", _summary(proof), height=height)


def _place_of_lost(proof: Proof, higher_is_better: bool) -> float:
    """Where a diverged run is drawn: a little beyond the worst finite value."""
    finite = [v for pair in proof.pairs for v in (pair.before, pair.after) if math.isfinite(v)]
    if not finite:
        return 0.0
    low, high = min(finite), max(finite)
    gap = 0.12 * ((high - low) or abs(high) or 1.0)
    return low - gap if higher_is_better else high + gap


def _pairs(proof: Proof, lost: float, shown: str) -> list[Json]:
    x: list[float | None] = []
    y: list[float | None] = []
    for shift, pair in zip(_spread(len(proof.pairs)), proof.pairs, strict=True):
        x += [shift, 1 + shift, None]
        y += [*(v if math.isfinite(v) else lost for v in (pair.before, pair.after)), None]
    lines = {
        "type": "scatter",
        "mode": "lines",
        "x": numbers(x),
        "y": numbers(y),
        "line": {"color": LIGHT["raw"], "width": 1},
        "opacity": 0.7,
        "hoverinfo": "skip",
    }
    return [lines, *(_dots(proof, at, key, shown) for at, key in ((0, "before"), (1, "after")))]


def _spread(n: int) -> list[float]:
    """Small sideways shifts, one a seed and the same in both arms, so that equal values do not hide each other."""
    return [0.16 * ((k * 0.618034) % 1.0 - 0.5) for k in range(n)]


def _dots(proof: Proof, at: int, key: str, shown: str) -> Json:
    values = [(pair.seed, pair.after if at else pair.before) for pair in proof.pairs]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": key,
        "x": numbers(at + shift for shift in _spread(len(values))),
        "y": numbers(v for _, v in values),
        "customdata": [seed for seed, _ in values],
        "marker": {
            "color": color(key),
            "size": 8,
            "opacity": 0.85,
            "symbol": "circle" if at else "circle-open",
            "line": {"width": 2, "color": color(key)},
        },
        "hovertemplate": f"seed %{{customdata}}, {key}<br>%{{y:{shown}}}<extra></extra>",
    }


def _crosses(proof: Proof, lost: float) -> list[Json]:
    gone = [
        (at + shift, pair.seed)
        for shift, pair in zip(_spread(len(proof.pairs)), proof.pairs, strict=True)
        for at, v in ((0, pair.before), (1, pair.after))
        if not math.isfinite(v)
    ]
    if not gone:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": numbers(at for at, _ in gone),
            "y": [lost] * len(gone),
            "customdata": [seed for _, seed in gone],
            "marker": {"symbol": "x-thin", "size": 11, "line": {"color": LIGHT["diverged"], "width": 2.5}},
            "hovertemplate": "seed %{customdata} diverged: no value<extra></extra>",
        },
    ]


def _lost_words(proof: Proof, lost: float) -> list[Json]:
    return [
        {
            "text": f"{count} diverged",
            "x": at,
            "y": lost,
            "xanchor": "left" if at else "right",
            "xshift": 15 if at else -15,
            "showarrow": False,
            "font": {"color": LIGHT["diverged"]},
        }
        for at, count in enumerate(proof.diverged)
        if count
    ]


def _mean(arm: Arm, x: float, key: str, shown: str) -> Json:
    mean = arm.mean if arm.mean is not None else math.nan
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": numbers([mean]),
        "error_y": _bars(mean, arm.interval, color(key)),
        "marker": {"symbol": "diamond", "size": 8, "color": color(key)},
        "hovertemplate": f"mean {key} (n = {arm.n}) with 95 % interval<br>%{{y:{shown}}}<extra></extra>",
    }


def _bars(mean: float, interval: Sequence[float] | None, tone: str) -> Json:
    if interval is None or not math.isfinite(mean):
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": numbers([interval[1] - mean]),
        "arrayminus": numbers([mean - interval[0]]),
        "color": tone,
        "thickness": 2,
        "width": 7,
    }


def _differences(proof: Proof, scale: float) -> list[Json]:
    finite = [(pair.seed, scale * pair.difference) for pair in proof.pairs if math.isfinite(pair.difference)]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(_EACH + 2.2 * shift for shift in _spread(len(finite))),
        "y": numbers(v for _, v in finite),
        "xaxis": "x2",
        "yaxis": "y2",
        "customdata": [seed for seed, _ in finite],
        "marker": {"color": faint("ink"), "size": 7, "line": {"color": LIGHT["ink"], "width": 1}},
        "hovertemplate": "seed %{customdata}<br>%{y:+.4g}<extra></extra>",
    }
    difference = proof.difference
    if difference is None or difference.mean is None:
        return [dots]
    over = [("seeds", _SEEDS, difference.interval, LIGHT["ink"])]
    if difference.examples_interval is not None:
        over.append(("examples", _EXAMPLES, difference.examples_interval, LIGHT["muted"]))
    return [dots, *(_mean_difference(scale, difference, *bar) for bar in over)]


def _mean_difference(
    scale: float, difference: Difference, over: str, x: float, interval: Sequence[float] | None, tone: str
) -> Json:
    mean = scale * (math.nan if difference.mean is None else difference.mean)
    words = f"95 % interval over n = {difference.n} seeds" if over == "seeds" else "90 % interval over test examples"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": numbers([mean]),
        "xaxis": "x2",
        "yaxis": "y2",
        "error_y": _bars(mean, None if interval is None else [scale * v for v in interval], tone),
        "marker": {"symbol": "diamond" if over == "seeds" else "diamond-open", "size": 8, "color": tone},
        "hovertemplate": f"mean difference, {words}<br>%{{y:+.4g}}<extra></extra>",
    }


def _summary(proof: Proof) -> str:
    told = [f"seed {p.seed}: {p.before:.4g} before, {p.after:.4g} after" for p in proof.pairs]
    return f"Test {proof.metric} by seed. " + "; ".join(told)
