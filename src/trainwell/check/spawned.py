"""Processes that a program starts: each is watched and leaves its own record; forked ones keep their tracer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch.multiprocessing

from trainwell.probes.place import is_user
from trainwell.probes.tracer import BudgetReached, Tracer

_inherited: list[Tracer] = []  # of this process, and of those that are forked from it


class Watched:
    """A function that runs under observation in a new process; picklable as the function itself is."""

    def __init__(self, function: Callable[..., Any], folder: str, steps: int | None) -> None:
        self.function, self.folder, self.steps = function, folder, steps

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function with a tracer of its own process."""
        tracer = _inherited[0] if _inherited else self._installed()
        try:
            return self.function(*args, **kwargs)
        except BudgetReached:
            return None
        finally:
            tracer.finished = not tracer.stopped
            tracer.finish()
            tracer.write()
            tracer.close()

    def _installed(self) -> Tracer:
        from trainwell.check.child import Writer

        writer = Writer(Path(self.folder))
        writer.main = -1
        return Tracer(steps=self.steps, save=writer).install()


def watch_spawns(folder: Path, steps: int | None, tracer: Tracer) -> None:
    """Watch processes of the user's own functions: of `multiprocessing.Process` and `torch.multiprocessing.spawn`."""
    main = os.getpid()
    _inherited[:] = [tracer]

    def start(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(self: Any) -> Any:
            code = getattr(getattr(self, "_target", None), "__code__", None)
            if os.getpid() == main and code is not None and is_user(code):
                self._target = Watched(self._target, str(folder), steps)
            return original(self)

        return wrapper

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            if os.getpid() == main and not isinstance(fn, Watched):
                fn = Watched(fn, str(folder), steps)
            return original(fn, *args, **kwargs)

        return wrapper

    tracer.patches.wrap(sys.modules["torch.multiprocessing.spawn"], "start_processes", make)
    tracer.patches.wrap(torch.multiprocessing, "start_processes", make)
    tracer.patches.wrap(BaseProcess, "start", start)
