"""A study on the machines of a Ray cluster (extra `trainwell[ray]`).

Ray is used as a plain engine of large tasks: each is a group of trials that is trained fused on one device. Points,
journal and decisions between groups stay here. A task whose worker or machine is lost is given to another one, and its
trials are run again; what they are does not depend on where they run.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from trainwell.errors import MissingExtraError, UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records.study import Asked, Line, StudyPlan, StudyRecord, StudyStatus
from trainwell.space import Space
from trainwell.tune.budget import Budget
from trainwell.tune.journal import Claims, Journal, worker_name
from trainwell.tune.sampler import Design
from trainwell.tune.scheme import Scheme
from trainwell.tune.search import Search

_TRIES = 3  # times that a lost group is given to another worker
_LOOK = 0.2  # seconds between looks at the tasks


def search_on_ray(search: Search, address: str) -> StudyStatus:
    """Search as `Search.run` does, with a group on each device of a cluster.

    Args:
        address: `ray` for a local cluster that is started and ended here; `ray:ADDRESS` for one that runs, such as
            `ray:auto`, `ray:10.0.0.1:6379` or `ray:ray://head:10001`.

    Raises:
        MissingExtraError: If Ray is not installed.
        UsageError: If no cluster answers, or the problem cannot be sent to it.
    """
    with connected(address) as ray:
        return _Tasks(ray, search).run()


def refuse_address(address: str) -> None:
    """Refuse what is no place to run, before any work.

    Raises:
        UsageError: If the address cannot be meant.
        MissingExtraError: If Ray is not installed.
    """
    kind, _, rest = address.partition(":")
    if kind != "ray" or (":" in address and not rest):
        raise UsageError(f"`on` must be ray or ray:ADDRESS, got '{address}'. Example: ray:auto")
    load_ray()


def load_ray() -> Any:
    """Ray.

    Raises:
        MissingExtraError: If it is not installed.
    """
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise MissingExtraError("ray", "ray") from None


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster; left as it was found."""
    ray = load_ray()
    refuse_address(address)
    if ray.is_initialized():
        yield ray
        return
    where = address.partition(":")[2]
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    try:
        if where:
            ray.init(address=where, **quiet)
        else:
            ray.init(include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
    except Exception as error:  # of Ray's own kinds
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(f"`on` must be a Ray cluster that answers, got '{address}': {said}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


class _Tasks:
    """Groups in progress on a cluster."""

    def __init__(self, ray: Any, search: Search) -> None:
        self._ray, self._search = ray, search
        gpus = int(ray.cluster_resources().get("GPU", 0))
        needs: dict[str, Any] = {"num_gpus": 1} if gpus else {"num_cpus": 1}
        self._resource = "GPU" if gpus else "CPU"
        self._task = ray.remote(max_retries=_TRIES, **needs)(train_group)
        try:
            self._problem = ray.put(search.problem)
        except Exception as error:  # what a lock or an open file raises differs
            raise UsageError(f"`problem` must be one that can be sent to other machines, got: {error}") from None
        self._running: dict[Any, Asked] = {}

    def run(self) -> StudyStatus:
        """Keep every device busy until the budget is used up."""
        search = self._search
        waiting = search.unended(search.journal.record)
        try:
            while True:
                self._collect()
                record = search.journal.record
                search.tell_sampler(record)
                while len(self._running) < self._devices() and not search.stop():
                    asked = waiting.pop(0) if waiting else search.begin(search.journal.record)
                    if not isinstance(asked, Asked):
                        break
                    self._submit(asked)
                if not self._running:
                    return "completed"
        finally:
            for task in self._running:
                self._ray.cancel(task, force=True)

    def _devices(self) -> int:
        """Devices that the cluster has now: machines come and go."""
        return max(1, int(self._ray.cluster_resources().get(self._resource, 0)))

    def _submit(self, asked: Asked) -> None:
        search = self._search
        given = Given(
            plan=search.journal.plan,
            base=search.base,
            space=search.space,
            scheme=search.scheme,
            seed=search.seed,
            budget=search.budget,
            spent=search.budget.spent,
            target=search.target,
            lines=tuple(_needed(search.journal.record, asked, pooled=search.scheme.pooled)),
        )
        self._running[self._task.remote(self._problem, given, asked)] = asked

    def _collect(self) -> None:
        """Write down what ended tasks found."""
        if not self._running:
            return
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_LOOK)
        for task in done:
            asked = self._running.pop(task)
            try:
                lines, seconds = self._ray.get(task)
            except self._ray.exceptions.RayTaskError as error:
                raise error.as_instanceof_cause() from None
            except self._ray.exceptions.RayError as error:
                said = str(error).strip().splitlines()[0]
                raise UsageError(
                    f"group {asked.group} was lost {1 + _TRIES} times: {said}. "
                    "Look at the memory of the machines, and continue with resume=True"
                ) from None
            self._search.take(asked, lines, seconds)


@dataclass(frozen=True)
class Given:
    """What a task must know of the study.

    Attributes:
        spent: Seconds of the study when the task was made.
        lines: Of the journals: what is known of the group, and the trials that it is compared with.
    """

    plan: StudyPlan
    base: Recipe
    space: Space
    scheme: Scheme
    seed: int
    budget: Budget
    spent: float
    target: float | None
    lines: tuple[Line, ...]


def train_group(problem: Problem, given: Given, asked: Asked) -> tuple[list[Line], float]:
    """Train a group on the device of a task.

    Returns:
        Lines for the journal, and the seconds that it took.
    """
    begin = time.monotonic()
    journal = Journal(given.plan, None, worker_name())
    journal.know(given.lines)
    search = Search(
        problem=problem,
        base=given.base,
        space=given.space,
        seed=given.seed,
        scheme=given.scheme,
        sampler=Design(given.space, "sobol", given.seed, None),
        budget=replace(given.budget, earlier=given.spent, started=begin),
        journal=journal,
        claims=Claims(None, journal.worker),
        finalists=0,
        selection=0,
        measure=0,
        target=given.target,
    )
    search.train(asked)
    return journal.own, time.monotonic() - begin


def _needed(record: StudyRecord, asked: Asked, *, pooled: bool) -> Iterator[Line]:
    """What is known of a group; where trials are compared with those of all groups, these too."""
    yield asked
    for look in record.looks:
        if look.group == asked.group:
            yield look
        elif pooled:
            yield replace(look, curve=())
    yield from (d for d in record.decisions if d.group == asked.group)
    yield from (c for c in record.copies if c.group == asked.group)
