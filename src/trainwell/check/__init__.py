"""Run a foreign training program under observation and map what is found to its lines."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trainwell.check.run import CheckResult, ProgramFacts, check

if TYPE_CHECKING:
    from trainwell.check.watching import Watcher, watch

__all__ = ["CheckResult", "ProgramFacts", "Watcher", "check", "watch"]


def __getattr__(name: str) -> Any:
    if name in ("watch", "Watcher"):
        module = import_module("trainwell.check.watching")

        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
