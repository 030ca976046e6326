"""A chart: a plotly figure with its title, and the common look of all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwell.report.charts.palette import LIGHT, RUNS_LIGHT

Json = dict[str, Any]
FONT = (
    "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, "
    "sans-serif"
)
_MANY_POINTS = 20_000


@dataclass(frozen=True)
class Chart:
    """A figure for a page.

    Attributes:
        name: Its id in the page.
        summary: What it shows, in words, for those who cannot see it.
        toggles: Axes whose scale a person may switch between linear and log ("yaxis", "yaxis2").
        log: Whether these start as log; log_dtick is how their ticks stand then.
        height: In pixels.
    """

    name: str
    title: str
    figure: Json
    note: str = ""
    summary: str = ""
    toggles: tuple[str, ...] = ()
    log: bool = False
    log_dtick: str | int = 1
    height: int = 340


def figure(data: Iterable[Json], layout: Mapping[str, Any]) -> Json:
    """A plotly figure with the common template."""
    return {"data": list(data), "layout": {"template": {"layout": template()}, **layout}}


def template() -> Json:
    """Layout that all charts share."""
    axis = {
        "gridcolor": LIGHT["grid"],
        "linecolor": LIGHT["axis"],
        "tickcolor": LIGHT["axis"],
        "ticks": "outside",
        "ticklen": 4,
        "zeroline": False,
        "showline": True,
        "automargin": True,
        "title": {"standoff": 8, "font": {"size": 12}},
    }
    return {
        "font": {"family": FONT, "size": 12, "color": LIGHT["muted"]},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 16, "t": 40, "b": 44},
        "colorway": list(RUNS_LIGHT),
        "hovermode": "closest",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": LIGHT["axis"], "activecolor": LIGHT["muted"]},
        "hoverlabel": {
            "bgcolor": LIGHT["card"],
            "bordercolor": LIGHT["axis"],
            "font": {"color": LIGHT["ink"], "size": 12, "family": FONT},
            "align": "left",
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"color": LIGHT["ink"]},
            "bgcolor": "rgba(0,0,0,0)",
        },
        "xaxis": axis,
        "yaxis": axis,
        "dragmode": "zoom",
    }


def numbers(values: Iterable[float | None]) -> list[float | None]:
    """Values for JSON: six digits, a gap for what is not finite."""
    return [None if v is None or not math.isfinite(v) else float(f"{v:.6g}") for v in values]


def safe(text: object) -> str:
    """Text that plotly shows as it is; it takes `<b>` and `<a>` in text for markup."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")


def rows_of(values: Sequence[float]) -> str:
    """Scatter drawn by WebGL where SVG would be slow; the page falls back to SVG where there is no WebGL."""
    return "scattergl" if len(values) > _MANY_POINTS else "scatter"


def heading(text: str, x: float, *, axis: str = "x domain") -> Json:
    """A small title above a part of a chart."""
    return {
        "text": safe(text),
        "x": x,
        "xref": axis,
        "xanchor": "left",
        "y": 1.0,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": LIGHT["ink"], "size": 12.5},
    }


def log_ticks(values: Iterable[float]) -> str | int:
    """Ticks of a log axis: at decades, or at 1, 2 and 5 of each, or at every digit, by how far it spans."""
    positive = [v for v in values if math.isfinite(v) and v > 0]
    span = math.log10(max(positive) / min(positive)) if positive else 0.0
    return 1 if span > 2.2 else "D1" if span < 0.5 else "D2"


def log_axis(title: str, values: Iterable[float]) -> Json:
    """A log axis."""
    return {"type": "log", "title": {"text": safe(title)}, "exponentformat": "e", "dtick": log_ticks(values)}


def y_axis(title: str, values: Iterable[float], *, log: bool) -> Json:
    """An axis that may be switched between linear and log."""
    axis: Json = {"title": {"text": safe(title)}, "type": "log" if log else "linear", "exponentformat": "e"}
    return axis | ({"dtick": log_ticks(values)} if log else {})
