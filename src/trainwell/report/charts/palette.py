"""Colours of charts and page, light and dark; charts are made light, the page swaps colours one for one."""

from __future__ import annotations

# Blue and orange, green and purple stay apart for all common forms of colour blindness (after Okabe & Ito 2008);
# shape or dash tells the same once more.
LIGHT = {
    "ink": "#171b22",
    "muted": "#5c6675",
    "grid": "#e8ebf0",
    "axis": "#c3cad4",
    "card": "#ffffff",
    "before": "#c65a0a",
    "after": "#0a69b5",
    "train": "#a04a8c",
    "val": "#00806a",
    "test": "#5c6676",
    "diverged": "#b8124e",
    "mark": "#00806b",
    "raw": "#a9b2bf",
}
DARK = {
    "ink": "#e7eaf0",
    "muted": "#9aa5b4",
    "grid": "#262d37",
    "axis": "#475161",
    "card": "#181d25",
    "before": "#f3a05c",
    "after": "#62b4f7",
    "train": "#e092cb",
    "val": "#42caa8",
    "test": "#9aa5b5",
    "diverged": "#ff7ba6",
    "mark": "#42caa9",
    "raw": "#66717f",
}
RUNS_LIGHT = ("#0a69b6", "#c65a0b", "#00806c", "#a04a8d", "#8a6a00", "#4f5bd0", "#b8124f", "#3f4753")
RUNS_DARK = ("#62b4f8", "#f3a05d", "#42caaa", "#e092cc", "#d9b84c", "#9aa4ff", "#ff7ba7", "#c4cbd6")
_FAINT = 0.15


def color(key: str) -> str:
    """The light colour of a role, or of a group by its index."""
    return LIGHT[key] if key in LIGHT else RUNS_LIGHT[int(key) % len(RUNS_LIGHT)]


def faint(key: str) -> str:
    """The same colour, nearly transparent: bands and intervals."""
    return _faint(color(key))


def swaps() -> dict[str, str]:
    """Every light colour to its dark partner."""
    pairs = [*((LIGHT[key], DARK[key]) for key in LIGHT), *zip(RUNS_LIGHT, RUNS_DARK, strict=True)]
    return {**dict(pairs), **{_faint(light): _faint(dark) for light, dark in pairs}}


def _faint(value: str) -> str:
    red, green, blue = (int(value[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{_FAINT})"
