"""Optuna's samplers, asked and told in batches of a fused group (extra `trainwell[optuna]`).

Optuna models; which trials are trained, how long, and together with which others stays with the study.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from trainwell.errors import MissingExtraError, UsageError
from trainwell.records.study import Look
from trainwell.seeding import stream_seed
from trainwell.space import Axis, Choice, Fixed, Integers, LogUniform, ReverseLogUniform, Space
from trainwell.space.choice import named
from trainwell.space.dimension import Uniform

_MOST_REFUSED = 1000  # points that constraints may refuse one after another


class OptunaSampler:
    """Ask a sampler of Optuna for points of a space, and tell it what they reached.

    A coordinate is asked for as a position on its scale, 0 to 1, so that every dimension means the same to the
    sampler as to the study; a choice is categorical. Constant liars or the like are Optuna's own.

    Args:
        method: tpe, gp or cmaes.
        seed: Equal seeds and equal results give equal points.

    Raises:
        MissingExtraError: If Optuna is not installed.
    """

    adaptive = True

    def __init__(self, space: Space, method: str, seed: int, *, higher_is_better: bool) -> None:
        self._optuna = load_optuna()
        if method == "gp" and any(axis.conditions for axis in space.axes):
            raise UsageError("`method` must not be gp for a space with branches, got gp. Use tpe, or one branch")
        self._space = space
        sampler, options = _SAMPLERS[method](self._optuna, stream_seed(seed, "search") % 2**31)
        self.facts: Mapping[str, Any] = {
            "name": type(sampler).__name__,
            "library": "optuna",
            "version": self._optuna.__version__,
            "options": options,
        }
        direction = "maximize" if higher_is_better else "minimize"
        self._study = self._optuna.create_study(direction=direction, sampler=sampler)
        self._asked: dict[str, Any] = {}

    def ask(self, first: int, count: int) -> list[dict[str, Any]]:
        """Points for a group; those that a constraint refuses are told to the sampler as failed."""
        found: list[dict[str, Any]] = []
        refused = 0
        while len(found) < count:
            trial = self._study.ask()
            point = self._point(trial)
            if not self._space.allows(point):
                self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
                refused += 1
                if refused > _MOST_REFUSED:
                    raise UsageError(
                        f"`constraints` must allow some of the sampler's points, got {refused} refused in a row. "
                        "Loosen them, or narrow the space to where they hold"
                    )
                continue
            refused = 0
            self._asked[_key(point)] = trial
            found.append(point)
        return found

    def tell(self, looks: Sequence[Look]) -> None:
        """Tell values at full length; trials that were dropped on the way count as pruned there."""
        states = self._optuna.trial.TrialState
        for look in looks:
            trial = self._asked.pop(_key(look.changes), None)
            if trial is None:
                self._add(look)
            elif not look.counts:
                self._study.tell(trial, state=states.FAIL)
            elif look.full:
                self._study.tell(trial, look.value)
            else:
                trial.report(look.value, look.steps)
                self._study.tell(trial, state=states.PRUNED)

    def _add(self, look: Look) -> None:
        """A trial that the sampler was not asked for: of an earlier session, or enqueued by a person."""
        frozen = frozen_trial(self._optuna, self._space, look)
        if frozen is not None:
            self._study.add_trial(frozen)

    def _point(self, trial: Any) -> dict[str, Any]:
        changes: dict[str, Any] = {path: d.value for path, d in self._space.dimensions.items() if isinstance(d, Fixed)}
        for axis in self._space.axes:
            if any(_named(changes.get(path)) != _named(value) for path, value in axis.conditions):
                continue
            if isinstance(axis.dimension, Choice):
                labels = [named(value) for value in axis.dimension.ends()]
                taken = labels.index(trial.suggest_categorical(name_of(axis), labels))
                changes[axis.path] = axis.dimension.value(taken)
                inner = axis.dimension.inner(taken)
                if inner is not None:
                    changes |= {path: d.value for path, d in inner.dimensions.items() if isinstance(d, Fixed)}
            else:
                changes[axis.path] = axis.dimension.at(trial.suggest_float(name_of(axis), 0.0, 1.0))
        return changes


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
    """A look as a trial of Optuna; None where its value does not count and there is nothing to show.

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


def _named(value: Any) -> str:
    return named({"name": value} if isinstance(value, str) else value)


def _key(changes: Mapping[str, Any]) -> str:
    import json

    return json.dumps(changes, sort_keys=True, default=repr)


def _tpe(optuna: Any, seed: int) -> tuple[Any, dict[str, Any]]:
    options = {"multivariate": True, "group": True, "constant_liar": True}
    return optuna.samplers.TPESampler(seed=seed, **options), options


def _gp(optuna: Any, seed: int) -> tuple[Any, dict[str, Any]]:
    return optuna.samplers.GPSampler(seed=seed), {}


def _cmaes(optuna: Any, seed: int) -> tuple[Any, dict[str, Any]]:
    try:
        importlib.import_module("cmaes")
    except ImportError:
        raise MissingExtraError("cmaes", "optuna") from None
    return optuna.samplers.CmaEsSampler(seed=seed), {}


_SAMPLERS: dict[str, Callable[[Any, int], tuple[Any, dict[str, Any]]]] = {"tpe": _tpe, "gp": _gp, "cmaes": _cmaes}


def mirror(space: Space, looks: Iterable[Look], storage: str, name: str, *, higher_is_better: bool) -> int:
    """Write the trials of a study into a storage of Optuna, for `optuna-dashboard`.

    Args:
        storage: A database URL such as `postgresql://...` or `sqlite:///file`, or a path of an Optuna journal.
        name: Of the study there; trials that it has are not written again.

    Returns:
        Number of trials written.

    Raises:
        MissingExtraError: If Optuna, or the driver of the database, is not installed.
        UsageError: If the storage cannot be opened.
    """
    optuna = load_optuna()
    study = optuna.create_study(
        study_name=name,
        storage=open_storage(optuna, storage),
        direction="maximize" if higher_is_better else "minimize",
        load_if_exists=True,
    )
    there = {trial.user_attrs.get("trial") for trial in study.get_trials(deepcopy=False)}
    fresh = [look for look in looks if look.trial not in there]
    for look in fresh:
        study.add_trial(frozen_trial(optuna, space, look, true_values=True))
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
        raise MissingExtraError(str(error.name or "a database driver"), "optuna") from None
    except Exception as error:  # of SQLAlchemy's and the drivers' own kinds
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"`storage` must be a database URL or a file for a journal, got {storage}: {said}. "
            "Example: sqlite:///study.db"
        ) from None
