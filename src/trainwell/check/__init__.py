"""Run a foreign training program under observation and map what is found to its lines."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainwell.check.run import CheckResult, ProgramFacts, check
    from trainwell.check.watching import Watcher, watch

__all__ = ["CheckResult", "ProgramFacts", "Watcher", "check", "watch"]

# Late: the process of the program under observation imports this package too, and needs none of them.
_HOME = {
    "CheckResult": "trainwell.check.run",
    "ProgramFacts": "trainwell.check.run",
    "Watcher": "trainwell.check.watching",
    "check": "trainwell.check.run",
    "watch": "trainwell.check.watching",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
