"""Optuna's samplers, asked and told in batches of a fused group (extra `trainwell[optuna]`).

Optuna models; which trials are trained, how long, and together with which others stays with the study.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainwell.errors import MissingExtraError, UsageError
from trainwell.records.study import Look
from trainwell.seeding import stream_seed
from trainwell.space import Choice, Fixed, Space
from trainwell.space.choice import named
from trainwell.tune.optuna_storage import frozen_trial, load_optuna, name_of

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
        self._study.add_trial(frozen_trial(self._optuna, self._space, look))

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
