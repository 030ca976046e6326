"""Numbers and times as people read them; the same everywhere in a report."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from trainwell.records import ProblemFacts

_SHARES = frozenset({"accuracy", "balanced_accuracy", "f1", "auroc", "top5"})
_MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


def is_share(metric: str) -> bool:
    """Whether a metric is a share between 0 and 1, shown in percent."""
    return metric in _SHARES


def metric_text(metric: str, value: float | None, half_width: float | None = None) -> str:
    """A metric's value: `97.2 %` or `53.18`; an interval's half width says how many decimals make sense."""
    return "not finite" if value is None or not math.isfinite(value) else _metric(metric, value, half_width, sign=False)


def difference_text(metric: str, value: float | None, half_width: float | None = None) -> str:
    """A difference of a metric with its sign: `+1.2 points` or `-0.53` (with a true minus)."""
    if value is None or not math.isfinite(value):
        return "not finite"
    text = _metric(metric, value, half_width, sign=True)
    return text.replace(" %", " points")


def interval_text(metric: str, interval: Sequence[float] | None, *, sign: bool = False) -> str:
    """A 95 % interval: `96.8 to 97.6 %`; empty where there is none."""
    if interval is None or not all(math.isfinite(v) for v in interval):
        return ""
    low, high = interval
    half = (high - low) / 2
    first, second = (_metric(metric, v, half, sign=sign) for v in (low, high))
    return f"{first.removesuffix(' %')} to {second}"


def half_width(interval: Sequence[float] | None) -> float | None:
    """Half the width of an interval."""
    return None if interval is None else (interval[1] - interval[0]) / 2


def _metric(metric: str, value: float, half: float | None, *, sign: bool) -> str:
    scale = 100.0 if is_share(metric) else 1.0
    if half is None or not math.isfinite(half) or half <= 0:
        text = f"{scale * value:{'+' if sign else ''}.1f}" if scale > 1 else f"{value:{'+' if sign else ''}.4g}"
    else:
        decimals = math.ceil(0.3 - math.log10(scale * half))
        decimals = min(8, max(1 if scale > 1 else 0, decimals))
        text = f"{scale * value:{'+' if sign else ''}.{decimals}f}"
    return text.replace("-", _MINUS) + (" %" if scale > 1 else "")


def p_text(p_value: float | None) -> str:
    """A p-value: `p = 0.002`, `p < 0.0001`; empty where none was computed."""
    if p_value is None or not math.isfinite(p_value):
        return ""
    return "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"


def seconds_text(seconds: float) -> str:
    """A duration: `0.4 s`, `47 s`, `3 min 12 s`, `1 h 05 min`."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def number_text(value: float) -> str:
    """A plain number in at most five digits, non-finite ones in words."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinite" if value > 0 else f"{_MINUS}infinite"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", _MINUS)
    return f"{value:.5g}".replace("-", _MINUS)


def value_text(value: Any) -> str:
    """Any plain value of a recipe or of evidence in one line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {value_text(v)}" for key, v in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(value_text(v) for v in value) or "none"
    return str(value)


def setting_text(path: str, value: Any) -> str:
    """A change of recipe as the command takes it: `optimizer.lr=0.003`."""
    return f"{path}={value if isinstance(value, str) else json.dumps(value, default=str)}"


def plural(count: int, word: str, many: str = "") -> str:
    """`1 run`, `3 runs`; `3 entries` where `many` says so."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {many or word + 's'}"


def examples_text(problem: ProblemFacts) -> str:
    """Sizes of the splits: `1,078 train, 359 val, 360 test`."""
    return ", ".join(f"{count:,} {split}" for split, count in problem.examples.items())
