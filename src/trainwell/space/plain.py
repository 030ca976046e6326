"""Spaces as tables of plain values: what TOML and JSON hold.

```toml
source = "our runs of last month"
constraints = ["optimizer.lr * batch_size < 10"]
scientific = ["model.dropout"]

"optimizer.lr" = { log_uniform = [1e-5, 1e-1] }
"model.dropout" = { choice = [0, 0.1, 0.25, 0.5] }
epochs = { fixed = 5 }

[optimizer]                      # the same as "optimizer.weight_decay"
weight_decay = { log_uniform = [1e-6, 1e-1] }
```

An option with a space of its own is `{ value = "sgd", with = { "optimizer.momentum" = { uniform = [0, 0.99] } } }`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trainwell.errors import unknown_name
from trainwell.space.choice import Branch, Choice, plain_value
from trainwell.space.dimension import Dimension, Fixed, Integers, LogUniform, ReverseLogUniform, Uniform

SETTINGS = ("source", "constraints", "scientific")
_PAIRS: dict[str, Callable[..., Dimension]] = {
    "uniform": Uniform,
    "log_uniform": LogUniform,
    "reverse_log_uniform": ReverseLogUniform,
    "integers": Integers,
}
_OPTIONS = {"uniform": ("step",), "integers": ("log",)}
KINDS = (*_PAIRS, "choice", "fixed")


def dimensions_of(table: Mapping[str, Any], prefix: str = "") -> tuple[dict[str, Dimension], list[str]]:
    """Read dimensions from a table of tables.

    Returns:
        Dimensions by dotted path, and the mistakes found.
    """
    found: dict[str, Dimension] = {}
    mistakes: list[str] = []
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and not any(kind in value for kind in KINDS) and _is_nested(value):
            inner, wrong = dimensions_of(value, f"{path}.")
        else:
            dimension, wrong = _dimension(path, value)
            inner = {} if dimension is None else {path: dimension}
        mistakes += wrong
        mistakes += [f"`{name}` must be given once, got it twice. Drop one of them" for name in inner if name in found]
        found |= inner
    return found, mistakes


def _is_nested(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(isinstance(inner, Mapping) for inner in value.values())


def _dimension(path: str, value: Any) -> tuple[Dimension | None, list[str]]:
    if not isinstance(value, Mapping):
        return None, [
            f"`{path}` must be a table such as {{ log_uniform = [1e-5, 1e-1] }}, got {value!r}. "
            f"Use {{ fixed = {value!r} }} for one value, {{ choice = [...] }} for several"
        ]
    kinds = [kind for kind in KINDS if kind in value]
    if len(kinds) != 1:
        if not kinds and value:
            return None, [f"`{path}`: {unknown_name('kind of dimension', str(next(iter(value))), KINDS)}"]
        return None, [f"`{path}` must name one of {', '.join(KINDS)}, got {', '.join(kinds) or 'an empty table'}"]
    (kind,) = kinds
    extra = sorted(set(value) - {kind, *_OPTIONS.get(kind, ())})
    if extra:
        return None, [f"`{path}`: {unknown_name(f'setting of {kind}', extra[0], (kind, *_OPTIONS.get(kind, ())))}"]
    if kind == "fixed":
        return Fixed(plain_value(value[kind])), []
    if kind == "choice":
        return _choice(path, value[kind])
    bounds = value[kind]
    if not (isinstance(bounds, list | tuple) and len(bounds) == 2):
        return None, [f"`{path}` must have two bounds, {{ {kind} = [low, high] }}, got {bounds!r}"]
    return _PAIRS[kind](*bounds, **{name: value[name] for name in _OPTIONS.get(kind, ()) if name in value}), []


def _choice(path: str, options: Any) -> tuple[Dimension | None, list[str]]:
    from trainwell.space.space import Space

    if not isinstance(options, list | tuple):
        return None, [f"`{path}` must list its options, {{ choice = [0, 0.1] }}, got {options!r}"]
    found: list[Any] = []
    mistakes: list[str] = []
    for option in options:
        if isinstance(option, Mapping) and "with" in option:
            extra = sorted(set(option) - {"value", "with"})
            if extra or "value" not in option:
                mistakes.append(f"`{path}` must have options {{ value = ..., with = {{ ... }} }}, got {dict(option)!r}")
                continue
            inner, wrong = dimensions_of(option["with"])
            mistakes += wrong
            found.append(Branch(plain_value(option["value"]), Space(inner)))
        else:
            found.append(plain_value(option))
    return Choice(tuple(found)), mistakes
