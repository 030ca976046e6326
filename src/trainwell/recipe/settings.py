"""`PATH=VALUE` settings of the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Any

from trainwell.errors import UsageError


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Read `PATH=VALUE` settings; the value is TOML where it parses (`3e-4`, `true`, `[1, 2]`), else a string.

    >>> parse_settings(["optimizer.lr=3e-4", "schedule=cosine", "model.widths=[64, 32]"])
    {'optimizer.lr': 0.0003, 'schedule': 'cosine', 'model.widths': [64, 32]}

    Raises:
        UsageError: If a setting has no `=`, a path is given twice, or a list or table is none in TOML.
    """
    edits: dict[str, Any] = {}
    for setting in settings:
        path, separator, text = (part.strip() for part in setting.partition("="))
        if not separator or not path or not text:
            raise UsageError(f"`--set` must be PATH=VALUE, got '{setting}'. Example: --set optimizer.lr=3e-4")
        if path in edits:
            raise UsageError(f"`--set {path}` must be given once, got it twice. Drop one of them")
        edits[path] = _value(path, text)
    return edits


def _value(path: str, text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        if text[0] in "[{":
            raise UsageError(
                f"`--set {path}` must be a list or table in TOML, got {text}. Quote it for the shell: "
                f'--set \'{path}=["a", "b"]\''
            ) from None
        return text
    return table["value"] if len(table) == 1 else text
