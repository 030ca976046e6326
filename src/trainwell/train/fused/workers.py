"""Runs spread over processes, each of which fuses what it can."""

from __future__ import annotations

import multiprocessing
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.train.run import Run


def refuse_workers(callbacks: Sequence[Any], halving: Any) -> None:
    """Refuse what processes cannot do.

    Raises:
        UsageError: If callbacks or halving are wanted, which must see all runs.
    """
    if callbacks or halving is not None:
        raise UsageError("`workers` must be 1 with callbacks or halving, which must see all runs. Drop one of them")


def in_processes(
    problem: Problem,
    pairs: Sequence[tuple[Recipe, int]],
    folders: Sequence[Path | None],
    workers: int,
    *,
    parent: Mapping[str, Any] | None,
    size: int | None,
    listener: Any,
) -> list[Run]:
    """Train pairs in processes; where the problem cannot be sent to one, in this process."""
    from trainwell.train.fused.many import fit_many

    try:
        pickle.dumps(problem)
    except Exception as error:  # what a lambda, a lock or an open file raises differs
        if listener is not None:
            listener(f"no worker processes: the problem cannot be sent to them ({error})")
        if any(folder is not None for folder in folders):
            return fit_many(problem, list(pairs), folder=_common(folders), parent=parent, size=size, listener=listener)
        return fit_many(problem, list(pairs), parent=parent, size=size, listener=listener)
    shares = [list(range(w, len(pairs), workers)) for w in range(workers)]
    with tempfile.TemporaryDirectory() as scratch:
        places = [folder or Path(scratch) / f"run-{n:03d}" for n, folder in enumerate(folders)]
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
            jobs = [
                pool.submit(
                    _train,
                    problem,
                    [(pairs[i][0].to_dict(), pairs[i][1], str(places[i])) for i in share],
                    dict(parent or {}),
                    size,
                )
                for share in shares
                if share
            ]
            for job in jobs:
                for message in job.result():
                    if listener is not None:
                        listener(message)
        return [_loaded(place, folder, problem) for place, folder in zip(places, folders, strict=True)]


def _train(
    problem: Problem, jobs: list[tuple[dict[str, Any], int, str]], parent: dict[str, Any], size: int | None
) -> list[str]:
    """Train some runs in this process; returns what the listener would hear."""
    from trainwell.train.fused.lane import Lane
    from trainwell.train.fused.together import Together

    torch.set_num_threads(1)
    said: list[str] = []
    lanes = [
        Lane(problem, Recipe(**recipe), seed=seed, folder=Path(place), parent=parent) for recipe, seed, place in jobs
    ]
    Together(lanes, size=size, listener=said.append).advance()
    for lane in lanes:
        lane.finish()
    return said


def _loaded(place: Path, folder: Path | None, problem: Problem) -> Run:
    from dataclasses import replace

    run = Run.load(place, problem)
    return run if folder is not None else replace(run, folder=None, weights=run.stored_weights())


def _common(folders: Sequence[Path | None]) -> Path | None:
    return next((folder.parent for folder in folders if folder is not None), None)
