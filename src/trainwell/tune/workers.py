"""Several processes at work on one study: they share its folder, and one that is lost is replaced."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import torch

from trainwell.errors import UsageError
from trainwell.problem import Problem

_LOOK = 0.5  # seconds between looks at the processes
_REPLACED = 3  # times that one worker is replaced at most


def refuse_unsendable(problem: Problem) -> None:
    """Refuse a problem that another process cannot be given.

    Raises:
        UsageError: Says what stands in the way.
    """
    try:
        pickle.dumps(problem)
    except Exception as error:  # what a lambda, a lock or an open file raises differs
        raise UsageError(
            f"`workers` must be 1 for a problem that cannot be sent to another process, got: {error}. "
            "Define the model's class and the metrics at the top of a module"
        ) from None


@contextmanager
def helped(count: int, problem: Problem, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Let other processes work on a study as long as the block runs.

    Args:
        count: Other processes.
        arguments: Of `tune`, with the study's folder.
    """
    crew = _Crew(count, problem, dict(arguments))
    try:
        yield
    finally:
        crew.end()


class _Crew:
    """The processes, and a thread that replaces those that are lost."""

    def __init__(self, count: int, problem: Problem, arguments: dict[str, Any]) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._given = problem, arguments, max(1, (os.cpu_count() or 1) // (count + 1))
        self._processes = [self._start() for _ in range(count)]
        self._starts = [1] * count
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="workers of a study", daemon=True)
        self._thread.start()

    def _start(self) -> Any:
        process = self._context.Process(target=_work, args=self._given, daemon=True)
        process.start()
        return process

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            for place, process in enumerate(self._processes):
                if process.exitcode and self._starts[place] <= _REPLACED:
                    self._starts[place] += 1
                    self._processes[place] = self._start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        for process in self._processes:
            process.terminate()
            process.join()


def _work(problem: Problem, arguments: dict[str, Any], threads: int) -> None:
    """One worker: joins the study, and leaves where it is told to, or where its parent is gone."""
    from trainwell.tune.study import tune

    threading.Thread(target=_leave_with_parent, name="look at the parent", daemon=True).start()
    torch.set_num_threads(threads)
    with suppress(KeyboardInterrupt):
        tune(problem, **arguments)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # what it wrote is on disk, what it was at is begun again by whoever resumes
