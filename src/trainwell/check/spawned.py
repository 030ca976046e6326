"""Processes that a program starts with `torch.multiprocessing`: each is watched and leaves its own record."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch.multiprocessing

from trainwell.probes.tracer import BudgetReached, Tracer


class Watched:
    """A function that runs under observation in a new process; picklable as the function itself is."""

    def __init__(self, function: Callable[..., Any], folder: str, steps: int | None) -> None:
        self.function, self.folder, self.steps = function, folder, steps

    def __call__(self, *args: Any) -> Any:
        """Call the function with a tracer of its own process."""
        from trainwell.check.child import Writer

        writer = Writer(Path(self.folder))
        writer.main = -1
        tracer = Tracer(steps=self.steps, save=writer)
        tracer.install()
        try:
            return self.function(*args)
        except BudgetReached:
            return None
        finally:
            tracer.finished = not tracer.stopped
            tracer.finish()
            tracer.write()
            tracer.close()


def watch_spawns(folder: Path, steps: int | None, patches: Any) -> None:
    """Watch the processes of `torch.multiprocessing.spawn` and `start_processes`."""
    main = os.getpid()

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            if os.getpid() == main and not isinstance(fn, Watched):
                fn = Watched(fn, str(folder), steps)
            return original(fn, *args, **kwargs)

        return wrapper

    patches.wrap(sys.modules["torch.multiprocessing.spawn"], "start_processes", make)
    patches.wrap(torch.multiprocessing, "start_processes", make)
