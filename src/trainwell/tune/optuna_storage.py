"""A study in a storage of Optuna, for `optuna-dashboard` (extra `trainwell[optuna]`)."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Iterable
from typing import Any

from trainwell.errors import MissingExtraError, UsageError
from trainwell.records.study import Look, StudyPlan
from trainwell.space import Axis, Choice, Integers, LogUniform, ReverseLogUniform, Space
from trainwell.space.choice import named
from trainwell.space.dimension import Uniform


class Mirror:
    """Writes trials that have ended into a study of Optuna, each once.

    Args:
        storage: A database URL such as `postgresql://...` or `sqlite:///file`, or the path of an Optuna journal.

    Raises:
        MissingExtraError: If Optuna, or the driver of the database, is not installed.
        UsageError: If the storage cannot be opened.
    """

    def __init__(self, storage: str) -> None:
        self._optuna = load_optuna()
        self._storage = open_storage(self._optuna, storage)
        self._study: Any = None

    def begin(self, plan: StudyPlan) -> None:
        """Open the study there, or make it; its name is that of the problem with the time when the study began."""
        self._space = Space.from_plain(plan.space)
        self._study = self._optuna.create_study(
            study_name=f"{plan.problem.name} {plan.started}",
            storage=self._storage,
            direction="maximize" if plan.higher_is_better else "minimize",
            load_if_exists=True,
        )

    def add(self, looks: Iterable[Look]) -> int:
        """Write the last looks at trials, those that it has left out; returns how many were written."""
        there = {trial.user_attrs.get("trial") for trial in self._study.get_trials(deepcopy=False)}
        fresh = [look for look in looks if look.trial not in there]
        for look in fresh:
            self._study.add_trial(frozen_trial(self._optuna, self._space, look, true_values=True))
        return len(fresh)


def open_storage(optuna: Any, storage: str) -> Any:
    """Open a database, or a journal file.

    Raises:
        MissingExtraError: If a driver is not installed.
        UsageError: If it cannot be opened.
    """
    try:
        if "://" in storage:
            return optuna.storages.RDBStorage(storage)
        backend = importlib.import_module("optuna.storages.journal")
        return optuna.storages.JournalStorage(backend.JournalFileBackend(storage))
    except ImportError as error:
        if storage.startswith("postgresql"):
            raise MissingExtraError("psycopg", "postgresql") from None
        raise UsageError(
            f"`storage` must be a database whose Python driver is installed, got {storage}: {error}"
        ) from None
    except Exception as error:  # of SQLAlchemy's and the drivers' own kinds
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"`storage` must be a database URL or a file for a journal, got {storage}: {said}. "
            "Example: sqlite:///study.db"
        ) from None


def load_optuna() -> Any:
    """Optuna, quiet.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError:
        raise MissingExtraError("optuna", "optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def frozen_trial(optuna: Any, space: Space, look: Look, *, true_values: bool = False) -> Any:
    """A look as a trial of Optuna that has ended.

    Args:
        true_values: Whether parameters are the values themselves, for people, or positions on their scales.
    """
    parameters: dict[str, Any] = {}
    distributions: dict[str, Any] = {}
    for axis in space.active(look.changes):
        name, value = name_of(axis), look.changes[axis.path]
        if isinstance(axis.dimension, Choice):
            labels = [named(option) for option in axis.dimension.ends()]
            distributions[name] = optuna.distributions.CategoricalDistribution(labels)
            parameters[name] = named(value)
        elif true_values:
            distributions[name] = _distribution(optuna, axis)
            parameters[name] = value
        else:
            distributions[name] = optuna.distributions.FloatDistribution(0.0, 1.0)
            parameters[name] = min(1.0, max(0.0, axis.dimension.position(value)))
    states = optuna.trial.TrialState
    done = look.full and look.counts
    return optuna.trial.create_trial(
        params=parameters,
        distributions=distributions,
        value=look.value if done else None,
        intermediate_values={look.steps: look.value} if math.isfinite(look.value) else {},
        state=states.COMPLETE if done else states.PRUNED if look.counts else states.FAIL,
        user_attrs={"trial": look.trial, "status": look.status, "epochs": look.epochs},
    )


def _distribution(optuna: Any, axis: Axis) -> Any:
    dimension, d = axis.dimension, optuna.distributions
    if isinstance(dimension, Integers):
        return d.IntDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, LogUniform):
        return d.FloatDistribution(dimension.low, dimension.high, log=True)
    assert isinstance(dimension, Uniform | ReverseLogUniform)
    return d.FloatDistribution(float(dimension.low), float(dimension.high))


def name_of(axis: Axis) -> str:
    """A parameter's name: its path, and the branch where there are several of it."""
    branch = ", ".join(named(value) for _, value in axis.conditions)
    return f"{axis.path} ({branch})" if branch else axis.path
