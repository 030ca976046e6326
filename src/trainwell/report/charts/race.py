"""The charts of a comparison: studies, differences, curves, tuning curves, rates, times, profiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainwell.records.comparison import ContenderResult, Overall
from trainwell.report.charts.chart import Chart, Json, figure, log_axis, numbers, safe
from trainwell.report.charts.palette import LIGHT, RUNS_LIGHT, color, faint
from trainwell.report.views.race import Place, scale_of
from trainwell.report.wording import is_share

_SETTLED = 0.1
_TONES = {"better": "mark", "worse": "diverged", "as good as": "after", "cannot tell": "test"}


def points(place: Place, *, unit: str, level: str) -> Chart:
    """Every unit of every contender with mean and interval; seeds of a study as small dots beside it."""
    metric, higher = place.problem.facts.metric, place.problem.facts.higher_is_better
    data: list[Json] = []
    shown = ".2%" if is_share(metric) else ".5g"
    for k, result in enumerate(place.results):
        studies, key = result.studies, str(k)
        values = [s.value for s in studies] if unit == "studies" else list(studies[0].tests)
        if unit == "studies":
            seeds = [(k - 0.18, v, s.study) for s in studies for v in s.tests if math.isfinite(v)]
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": numbers(x for x, _, _ in seeds),
                    "y": numbers(v for _, v, _ in seeds), "customdata": [n + 1 for _, _, n in seeds],
                    "marker": {"color": faint(key), "size": 5, "line": {"width": 0.5, "color": color(key)}},
                    "hovertemplate": f"a seed of study %{{customdata}}<br>%{{y:{shown}}}<extra></extra>",
                }
            )  # fmt: skip
        spread = [0.14 * ((n * 0.618034) % 1.0 - 0.5) for n in range(len(values))]
        data.append(
            {
                "type": "scatter", "mode": "markers", "x": numbers(k + s for s in spread), "y": numbers(values),
                "customdata": [n + 1 for n in range(len(values))],
                "marker": {"color": faint(key), "size": 9, "line": {"width": 2, "color": color(key)}},
                "hovertemplate": f"{safe(result.name)}, {unit} %{{customdata}}<br>%{{y:{shown}}}<extra></extra>",
            }
        )  # fmt: skip
        data.append(_mean(result, k + 0.24, key, shown))
    words = "One ring a study: mean test metric of its winner over fresh seeds (small dots). "
    note = (
        words if unit == "studies" else f"One ring for each of the {unit}. "
    ) + f"Diamond: mean with {level} interval."
    layout = {
        "margin": {"t": 16, "b": 40, "l": 60, "r": 10},
        "showlegend": False,
        "xaxis": {
            "tickvals": list(range(len(place.results))),
            "ticktext": [f"<b>{safe(r.name)}</b>" for r in place.results],
            "range": [-0.6, len(place.results) - 0.4],
            "showgrid": False,
            "tickfont": {"color": LIGHT["ink"]},
        },
        "yaxis": {
            "title": {"text": f"test {safe(metric.replace('_', ' '))} ({'higher' if higher else 'lower'} is better)"},
            "tickformat": ".3~%" if is_share(metric) else "~g",
        },
    }
    told = "; ".join(f"{r.name} {r.mean:.4g}" for r in place.results)
    return Chart(f"points-{place.key}", "Every study", figure(data, layout), note, f"Test {metric}: {told}", height=360)


def _mean(result: ContenderResult, x: float, key: str, shown: str) -> Json:
    interval = result.interval
    bars: Json = {"visible": False}
    if interval is not None and math.isfinite(result.mean):
        bars = {
            "type": "data", "symmetric": False, "array": numbers([interval[1] - result.mean]),
            "arrayminus": numbers([result.mean - interval[0]]), "color": color(key), "thickness": 2, "width": 7,
        }  # fmt: skip
    return {
        "type": "scatter", "mode": "markers", "x": [x], "y": numbers([result.mean]), "error_y": bars,
        "marker": {"symbol": "diamond", "size": 9, "color": color(key)},
        "hovertemplate": f"{safe(result.name)}: mean, n = {result.n}<br>%{{y:{shown}}}<extra></extra>",
    }  # fmt: skip


def differences(place: Place, *, unit: str, level: str) -> Chart:
    """Every pair: difference with its interval against zero and the margin; the colour says the verdict.

    Dots are the differences of single units that share their seeds.
    """
    metric = place.problem.facts.metric
    scale, pairs = scale_of(metric), list(reversed(place.pairs))
    measure = "points" if is_share(metric) else metric.replace("_", " ")
    data: list[Json] = []
    for row, pair in enumerate(pairs):
        tone, d = LIGHT[_TONES[pair.verdict]], pair.difference
        both = zip(place.units[pair.a], place.units[pair.b], strict=True)
        data.append(
            {
                "type": "scatter", "mode": "markers", "x": numbers(scale * (x - y) for x, y in both),
                "y": [row - 0.24] * len(place.units[pair.a]), "hovertemplate": "%{x:+.3g}<extra></extra>",
                "marker": {"color": LIGHT["raw"], "size": 4}, "showlegend": False,
            }
        )  # fmt: skip
        bars: Json = {"visible": False}
        if d.interval is not None:
            bars = {
                "type": "data", "symmetric": False, "array": numbers([scale * (d.interval[1] - d.mean)]),
                "arrayminus": numbers([scale * (d.mean - d.interval[0])]), "color": tone, "thickness": 2.5, "width": 6,
            }  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "markers", "x": numbers([scale * d.mean]), "y": [row], "error_x": bars,
                "marker": {"symbol": "diamond", "size": 10, "color": tone},
                "hovertemplate": f"{safe(pair.a)} \N{MINUS SIGN} {safe(pair.b)}: {pair.verdict}<br>%{{x:+.3g}}"
                "<extra></extra>",
            }
        )  # fmt: skip
    shapes: list[Json] = [
        {
            "type": "line",
            "x0": 0,
            "x1": 0,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": LIGHT["ink"], "width": 1.2},
        }
    ]
    margin = place.problem.margin
    if margin is not None:
        shapes.append(
            {
                "type": "rect", "x0": -scale * margin, "x1": scale * margin, "yref": "paper", "y0": 0, "y1": 1,
                "fillcolor": faint("after"), "line": {"width": 0}, "layer": "below",
            }
        )  # fmt: skip
    better = "right" if place.problem.facts.higher_is_better else "left"
    layout = {
        "margin": {"t": 16, "b": 46, "l": 60, "r": 16},
        "showlegend": False,
        "shapes": shapes,
        "xaxis": {"title": {"text": f"first \N{MINUS SIGN} second [{safe(measure)}]"}, "tickformat": "~g"},
        "yaxis": {
            "tickvals": list(range(len(pairs))),
            "ticktext": [f"{safe(p.a)} \N{MINUS SIGN} {safe(p.b)}" for p in pairs],
            "range": [-0.7, len(pairs) - 0.3],
            "showgrid": False,
            "tickfont": {"color": LIGHT["ink"]},
        },
    }
    shade = " Shaded: the margin within which a difference counts as none." if margin is not None else ""
    note = (
        f"{level} intervals; dots: {unit} with the same seeds; to the {better} the first is better. Green: better, "
        f"red: worse, blue: as good as, grey: cannot tell (after correction for all pairs).{shade}"
    )
    told = "; ".join(f"{p.a} against {p.b}: {p.verdict}, {scale * p.difference.mean:+.3g}" for p in place.pairs)
    height = min(1100, 90 + (34 if len(pairs) <= 12 else 25) * len(pairs))
    return Chart(f"differences-{place.key}", "Every pair", figure(data, layout), note, told, height=max(360, height))


def curves(place: Place, *, level: str, clock: str) -> Chart | None:
    """Validation metric of the final runs along the training, with bands."""
    if not place.bands:
        return None
    metric = place.problem.facts.metric
    names = [r.name for r in place.results]
    data: list[Json] = []
    for band in place.bands:
        key = str(names.index(band.contender))
        data.append(
            {
                "type": "scatter", "mode": "lines", "x": numbers([*band.steps, *reversed(band.steps)]),
                "y": numbers([*band.high, *reversed(band.low)]), "fill": "toself", "fillcolor": faint(key),
                "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "legendgroup": band.contender,
            }
        )  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "lines", "name": f"{safe(band.contender)} (n = {band.n})",
                "x": numbers(band.steps), "y": numbers(band.mean), "legendgroup": band.contender,
                "line": _line(int(key)),
            }
        )  # fmt: skip
    end = max(band.steps[-1] for band in place.bands)
    layout = {
        "margin": {"b": 46},
        "xaxis": {"title": {"text": clock}},
        "yaxis": {
            "title": {"text": f"validation {safe(metric.replace('_', ' '))}"}, "tickformat": _ticks(metric),
            **_settled(place),
        },
        "shapes": [
            {
                "type": "line", "x0": end, "x1": end, "yref": "paper", "y0": 0, "y1": 1,
                "line": {"color": LIGHT["ink"], "width": 1.2, "dash": "dot"},
            }
        ],
        "annotations": [
            {
                "text": "judged here", "x": end, "xanchor": "right", "xshift": -6, "y": 0.03, "yref": "paper",
                "showarrow": False, "font": {"color": LIGHT["ink"], "size": 11},
            }
        ],
    }  # fmt: skip
    note = (
        f"Winners on fresh seeds, band: {level} interval of the mean. Schedule and settings were made for the end of "
        f"{place.length}: who is ahead earlier says nothing about a training that ends there."
    )
    if place.problem.target is not None:
        layout["shapes"].append(  # type: ignore[attr-defined]
            {
                "type": "line", "xref": "paper", "x0": 0, "x1": 1,
                "y0": place.problem.target, "y1": place.problem.target,
                "line": {"color": LIGHT["mark"], "width": 1, "dash": "dash"},
            }
        )  # fmt: skip
    title = f"Validation {metric.replace('_', ' ')} along the training"
    return Chart(f"curves-{place.key}", title, figure(data, layout), note, title, height=360)


def _settled(place: Place) -> Json:
    """Limits of the axis that leave out the first tenth of the training, in which everything falls or rises."""
    values = [
        v
        for band in place.bands
        for step, low, high in zip(band.steps, band.low, band.high, strict=True)
        if step >= _SETTLED * band.steps[-1]
        for v in (low, high)
        if math.isfinite(v)
    ]
    if not values or min(values) == max(values):
        return {}
    gap = 0.08 * (max(values) - min(values))
    return {"range": [min(values) - gap, max(values) + gap]}


def tuning(place: Place) -> Chart | None:
    """Expected best of k trials, dashed where there are fewer than 5 trials for each of the k."""
    if not any(r.tuning_curve for r in place.results):
        return None
    metric = place.problem.facts.metric
    data: list[Json] = []
    for k, result in enumerate(place.results):
        key, curve = str(k), [b for b in result.tuning_curve if b.k <= max(1, result.trials // 2)]
        banded = [b for b in curve if b.enough and b.low is not None and b.high is not None]
        if banded:
            xs = [float(b.k) for b in banded]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": [*xs, *reversed(xs)],
                    "y": numbers([*(b.high for b in banded), *(b.low for b in reversed(banded))]), "fill": "toself",
                    "fillcolor": faint(key), "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False,
                    "legendgroup": result.name,
                }
            )  # fmt: skip
        sure = [b for b in curve if b.enough]
        for part, dash in ((sure, "solid"), (curve[max(0, len(sure) - 1) :], "dot")):
            data.append(
                {
                    "type": "scatter", "mode": "lines", "name": safe(result.name), "x": [b.k for b in part],
                    "y": numbers(b.mean for b in part), "line": {"color": color(key), "width": 2, "dash": dash},
                    "legendgroup": result.name, "showlegend": dash == "solid",
                }
            )  # fmt: skip
    layout = {
        "margin": {"b": 46},
        "xaxis": log_axis("trials k", [b.k for r in place.results for b in r.tuning_curve]),
        "yaxis": {"title": {"text": f"best validation {safe(metric.replace('_', ' '))}"}, "tickformat": _ticks(metric)},
    }
    note = (
        "Best of k trials (C3), all studies' trials together; dotted where there are fewer than 5 k of them. Bands "
        "hold for all k at once where opda is installed, else at each k."
    )
    return Chart(f"tuning-{place.key}", "Tuning curves", figure(data, layout), note, "Best of k trials", height=360)


def rates(place: Place) -> Chart | None:
    """How the metric depends on the rate, every trial; winners are filled."""
    if not place.trials:
        return None
    metric = place.problem.facts.metric
    finite = [t.value for t in place.trials if math.isfinite(t.value)]
    if not finite:
        return None
    higher = place.problem.facts.higher_is_better
    gap = 0.05 * ((max(finite) - min(finite)) or 1.0)
    lost = min(finite) - gap if higher else max(finite) + gap
    data: list[Json] = []
    for k, result in enumerate(place.results):
        own = [t for t in place.trials if t.contender == result.name]
        for winner in (False, True):
            some = [t for t in own if t.winner == winner]
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": numbers(t.rate for t in some),
                    "y": numbers(t.value if math.isfinite(t.value) else lost for t in some),
                    "name": safe(result.name), "legendgroup": result.name, "showlegend": winner,
                    "marker": {
                        "color": color(str(k)) if winner else faint(str(k)), "size": 9 if winner else 6,
                        "symbol": [_symbol(k) if math.isfinite(t.value) else "x-thin" for t in some],
                        "line": {"width": 1, "color": color(str(k))},
                    },
                    "hovertemplate": f"{safe(result.name)}<br>rate %{{x:.3g}}<br>%{{y:.4g}}<extra></extra>",
                }
            )  # fmt: skip
    layout = {
        "margin": {"b": 46},
        "xaxis": log_axis("learning rate", [t.rate for t in place.trials]),
        "yaxis": {"title": {"text": f"validation {safe(metric.replace('_', ' '))}"}, "tickformat": _ticks(metric)},
    }
    note = "Every trial; filled: winners of studies; crosses: diverged. A wide plateau is a forgiving rate."
    return Chart(
        f"rates-{place.key}", "Sensitivity to the rate", figure(data, layout), note, "Trials by rate", height=360
    )


def times(place: Place, clock: str) -> Chart | None:
    """Share of final runs that have not reached the target yet."""
    reached = [(k, r, r.reached) for k, r in enumerate(place.results) if r.reached is not None]
    if not reached:
        return None
    data: list[Json] = [
        {
            "type": "scatter", "mode": "lines", "name": f"{safe(r.name)} ({found.reached} of {found.n})",
            "x": numbers([0.0, *found.times]), "y": numbers([1.0, *found.survival]),
            "line": {**_line(k), "shape": "hv"},
        }
        for k, r, found in reached
        if found is not None
    ]  # fmt: skip
    target = place.problem.target
    layout = {
        "margin": {"b": 46},
        "xaxis": {"title": {"text": clock}},
        "yaxis": {"title": {"text": f"not yet at {target:g}"}, "tickformat": ".0%", "range": [-0.03, 1.03]},
    }
    note = "Kaplan-Meier; runs that never reach the target are censored at their end, diverged ones too."
    return Chart(
        f"times-{place.key}", "Time to the target", figure(data, layout), note, "Time to the target", height=340
    )


def profiles(overall: Sequence[Overall], horizon: int, length: str) -> Chart | None:
    """Share of studies better than each score, over all problems."""
    own = [o for o in overall if o.horizon == horizon]
    if not own:
        return None
    data: list[Json] = []
    for k, each in enumerate(own):
        if each.low:
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": numbers([*each.thresholds, *reversed(each.thresholds)]),
                    "y": numbers([*each.high, *reversed(each.low)]), "fill": "toself", "fillcolor": faint(str(k)),
                    "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False,
                }
            )  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "lines", "name": safe(each.name), "x": numbers(each.thresholds),
                "y": numbers(each.shares), "line": _line(k),
            }
        )  # fmt: skip
    layout = {
        "margin": {"b": 46},
        "xaxis": {"title": {"text": "score (0: worst study of a problem, 1: best)"}},
        "yaxis": {"title": {"text": "share of studies above it"}, "tickformat": ".0%"},
    }
    return Chart(
        f"profiles-{horizon}", f"Performance profiles, {length}", figure(data, layout),
        "Higher is better everywhere; bands by resampling studies within problems (Agarwal et al. 2021).",
        "Performance profiles", height=360,
    )  # fmt: skip


def _symbol(k: int) -> str:
    return "circle" if k < len(RUNS_LIGHT) else "square"


def _line(k: int) -> Json:
    """A contender's line: colours come round again after eight, dashed."""
    return {"color": color(str(k)), "width": 2, "dash": "solid" if k < len(RUNS_LIGHT) else "dash"}


def _ticks(metric: str) -> str:
    return ".3~%" if is_share(metric) else "~g"
