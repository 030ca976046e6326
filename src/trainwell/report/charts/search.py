"""A search: its plane coloured by the metric, and the best so far by time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainwell.report.charts.chart import Chart, Json, figure, log_axis, numbers, safe
from trainwell.report.charts.palette import LIGHT, color
from trainwell.report.views.search import Search, Trial
from trainwell.report.wording import is_share, number_text, value_text

_SYMBOLS = ("circle", "square", "diamond", "star-triangle-up", "hexagon")
_NAMES = {"optimizer.lr": "learning rate", "optimizer.weight_decay": "weight decay"}
_SCALE = "Viridis"
_RUNG_COLORS = ("test", "4", "2", "5", "3")


def plane(search: Search, metric: str, *, higher_is_better: bool, height: int = 400) -> Chart | None:
    """Each trial at its two numbers; without a second one, the metric on y. None where nothing numeric varied."""
    x_path, y_path = search.axes
    if not x_path:
        return None
    shown = [t for t in search.trials if t.x is not None and (not y_path or t.y is not None)]
    sound, lost = [t for t in shown if not t.diverged], [t for t in shown if t.diverged]
    xs, x_axis = _axis([t.x or 0.0 for t in shown], x_path)
    ys, y_axis = (
        _axis([t.y or 0.0 for t in shown], y_path) if y_path else ([t.metric for t in shown], _metric_axis(metric))
    )
    place = {t.number: (x, y) for t, x, y in zip(shown, xs, ys, strict=True)}
    floor = (
        min((t.metric for t in sound), default=0.0) if higher_is_better else max((t.metric for t in sound), default=0.0)
    )
    data: list[Json] = [_dots(sound, place, metric, higher_is_better)] if sound else []
    if lost:
        data.append(_crosses(lost, place, metric, None if y_path else floor))
    best = next((t for t in sound if t.number == search.winner), None)
    if best is not None:
        data.append(_ring(best, place, metric))
    told = f"{len(search.trials)} trials, {len(lost)} diverged"
    layout = {"xaxis": x_axis, "yaxis": y_axis}
    note = "Colour: validation metric at the longest run of each trial; larger dots ran longer."
    axes = f"{_name(x_path)} and {_name(y_path)}" if y_path else _name(x_path)
    summary = f"{told}; best is trial {search.winner}"
    return Chart("plane", f"Trials by {axes} ({told})", figure(data, layout), note, summary, height=height)


def progress(search: Search, metric: str, *, higher_is_better: bool, height: int = 400) -> Chart:
    """Each measurement by time and rung, and the best so far as stairs."""
    share = is_share(metric)
    data: list[Json] = []
    for rung in sorted({t.rung for t in search.looks}):
        looks = [t for t in search.looks if t.rung == rung and not t.diverged]
        if looks:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"{number_text(round(max(t.epochs for t in looks), 2))} epochs (n = {len(looks)})",
                    "x": numbers(t.seconds for t in looks),
                    "y": numbers(t.metric for t in looks),
                    "text": [_told(t, metric) for t in looks],
                    "marker": {
                        "symbol": _SYMBOLS[rung % len(_SYMBOLS)],
                        "size": 7 + 2 * min(rung, 3),
                        "color": color(_RUNG_COLORS[rung % len(_RUNG_COLORS)]),
                        "opacity": 0.8,
                        "line": {"width": 1, "color": LIGHT["card"]},
                    },
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )
    lost = [t for t in search.looks if t.diverged]
    if lost:
        values = [t.metric for t in search.looks if not t.diverged]
        edge = (min(values) if higher_is_better else max(values)) if values else 0.0
        data.append(_lost_in_time(lost, edge, metric))
    if search.best_so_far:
        data.append(_stairs(search, share))
    layout = {"xaxis": {"title": {"text": "seconds since the start"}}, "yaxis": _metric_axis(metric)}
    return Chart(
        "progress",
        f"Best so far by time (n = {len(search.trials)} trials)",
        figure(data, layout),
        "Values at different lengths are not comparable: a shape is a length.",
        f"Best validation {metric} by seconds",
        height=height,
    )


def _stairs(search: Search, share: bool) -> Json:
    best = search.best_so_far
    end = search.looks[-1].seconds
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": numbers([*(b.seconds for b in best), end]),
        "y": numbers([*(b.metric for b in best), best[-1].metric]),
        "line": {"shape": "hv", "color": LIGHT["ink"], "width": 1.8},
        "hovertemplate": f"best so far %{{y:{'.2%' if share else '.5g'}}}<extra></extra>",
    }


def _lost_in_time(lost: Sequence[Trial], edge: float, metric: str) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"diverged ({len({t.number for t in lost})})",
        "x": numbers(t.seconds for t in lost),
        "y": [edge] * len(lost),
        "text": [_told(t, metric) for t in lost],
        "marker": {"symbol": "x-thin", "size": 9, "line": {"color": LIGHT["diverged"], "width": 2}},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _dots(trials: Sequence[Trial], place: dict[int, tuple[float, float]], metric: str, higher_is_better: bool) -> Json:
    values = [t.metric for t in trials]
    low, high, ticks, words = _color_range(values, metric, higher_is_better)
    return {
        "type": "scatter",
        "mode": "markers",
        "showlegend": False,
        "x": numbers(place[t.number][0] for t in trials),
        "y": numbers(place[t.number][1] for t in trials),
        "text": [_told(t, metric) for t in trials],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": [10 + 4 * min(t.rung, 3) for t in trials],
            "color": numbers(values),
            "colorscale": _SCALE,
            "reversescale": not higher_is_better,
            "opacity": 0.95,
            "cmin": low,
            "cmax": high,
            "line": {"width": 1, "color": LIGHT["axis"]},
            "colorbar": {
                "title": {
                    "text": f"validation {safe(metric.replace('_', ' '))}",
                    "side": "right",
                    "font": {"size": 12},
                },
                "thickness": 10,
                "outlinewidth": 0,
                "tickvals": ticks,
                "ticktext": words,
                "len": 0.9,
            },
        },
    }


def _color_range(
    values: Sequence[float], metric: str, higher_is_better: bool
) -> tuple[float, float, list[float], list[str]]:
    """Colours for the better three quarters; the rest takes the last colour, as its tick says."""
    ranked = sorted(values, reverse=higher_is_better)
    best, worst = ranked[0], ranked[-1]
    edge = ranked[min(len(ranked) - 1, math.ceil(0.75 * len(ranked)))]
    if best == edge:
        edge = worst
    low, high = min(best, edge), max(best, edge)
    if low == high:
        low, high = low - abs(low or 1.0) * 0.01, high + abs(high or 1.0) * 0.01
    ticks = [low + (high - low) * k / 4 for k in range(5)]
    words = [f"{100 * v:.1f} %" if is_share(metric) else f"{v:.4g}" for v in ticks]
    if edge != worst:
        words = (
            [f"\N{LESS-THAN OR EQUAL TO} {words[0]}", *words[1:]]
            if higher_is_better
            else [*words[:-1], f"\N{GREATER-THAN OR EQUAL TO} {words[-1]}"]
        )
    return low, high, ticks, words


def _crosses(lost: Sequence[Trial], place: dict[int, tuple[float, float]], metric: str, floor: float | None) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"diverged ({len(lost)})",
        "x": numbers(place[t.number][0] for t in lost),
        "y": numbers(place[t.number][1] if floor is None else floor for t in lost),
        "text": [_told(t, metric) for t in lost],
        "marker": {"symbol": "x-thin", "size": 9, "line": {"color": LIGHT["diverged"], "width": 2}},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _ring(best: Trial, place: dict[int, tuple[float, float]], metric: str) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"best of the longest runs (trial {best.number})",
        "x": numbers([place[best.number][0]]),
        "y": numbers([place[best.number][1]]),
        "text": [_told(best, metric)],
        "marker": {"symbol": "circle-open", "size": 27, "color": LIGHT["ink"], "line": {"width": 2}},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _told(trial: Trial, metric: str) -> str:
    value = (
        "diverged"
        if trial.diverged
        else f"{metric} {100 * trial.metric:.2f} %"
        if is_share(metric)
        else f"{metric} {trial.metric:.5g}"
    )
    told = [f"trial {trial.number}: {value}", *(f"{path} = {value_text(v)}" for path, v in trial.changes.items())]
    return "<br>".join(
        safe(part) for part in [*told, f"{number_text(round(trial.epochs, 2))} epochs, at {trial.seconds:.0f} s"]
    )


def _name(path: str) -> str:
    return _NAMES.get(path, path)


def _metric_axis(metric: str) -> Json:
    return {
        "title": {"text": f"validation {safe(metric.replace('_', ' '))}"},
        "tickformat": ".3~%" if is_share(metric) else "~g",
    }


def _axis(values: list[float], path: str) -> tuple[list[float], Json]:
    """Log where the values span decades; zeros then stand a decade below the smallest, at a tick that says 0."""
    positive = [v for v in values if v > 0]
    if min(values, default=0.0) < 0 or not positive or max(positive) / min(positive) < 10:
        return values, {"title": {"text": safe(_name(path))}}
    axis = log_axis(_name(path), positive)
    if len(positive) == len(values):
        return values, axis
    zero = 10.0 ** (math.floor(math.log10(min(positive))) - 0.5)
    decades = range(math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive))) + 1)
    axis |= {
        "tickvals": [zero, *(10.0**k for k in decades)],
        "ticktext": ["0", *(f"1e{k}".replace("-", "\N{MINUS SIGN}") for k in decades)],
    }
    del axis["dtick"]
    return [v if v > 0 else zero for v in values], axis
