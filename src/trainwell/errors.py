"""The errors of trainwell, all of them.

TrainwellError
├── UsageError          a call or a command line that cannot be meant
│   ├── RecipeError     one or more fields of a recipe (or a space) are wrong
│   ├── ProblemError    the data, the model factory or the loss of a problem are wrong
│   ├── UnknownNameError   no such name; says the nearest
│   └── BudgetError     the budget allows no meaningful result
├── DataStop            the data have an error finding; training would prove nothing
├── RecordError         a folder that is no run, or a damaged one
├── ResumeError         a run cannot be continued as asked
└── MissingExtraError   an optional package is not installed

Messages read: `` `field` must <condition>, got <value>. <Remedy>. ``
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any


class TrainwellError(Exception):
    """Base of every error that trainwell raises on purpose; it survives the way from a worker process."""

    def __reduce__(self) -> tuple[Callable[..., TrainwellError], tuple[type[TrainwellError], Any, dict[str, Any]]]:
        return _revived, (type(self), self.args, self.__dict__)


def _revived(kind: type[TrainwellError], args: Iterable[Any], state: dict[str, Any]) -> TrainwellError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UsageError(TrainwellError, ValueError):
    """A call or a command line that cannot be meant."""


class RecipeError(UsageError):
    """One or more fields of a recipe are wrong; the message lists all of them, `mistakes` holds them one by one."""

    def __init__(self, message: str, mistakes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.mistakes = tuple(mistakes)


class ProblemError(UsageError):
    """The data, the model factory or the loss of a problem are wrong."""


class UnknownNameError(UsageError):
    """A name that is not known; the message says the nearest and the known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(unknown_name(kind, name, known))


class DataStop(TrainwellError):
    """The data have an error finding: training would prove nothing until it is mended or allowed."""

    def __init__(self, message: str, rules: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.rules = tuple(rules)


class RecordError(TrainwellError):
    """A folder that holds no run, or a damaged one."""


class ResumeError(TrainwellError):
    """A run cannot be continued as asked."""


class MissingExtraError(TrainwellError, ImportError):
    """An optional package is not installed; the message says the command that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"`{package}` is needed for this and is not installed. Run: pip install 'trainwell[{extra}]'")


class BudgetError(UsageError):
    """The budget allows no meaningful result."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is unknown, the nearest known one, and all known ones.

    >>> unknown_name("optimizer", "adamww", ["adam", "adamw", "sgd"])
    "unknown optimizer 'adamww'. Did you mean 'adamw'? Known: adam, adamw, sgd"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"unknown {kind} '{name}'.{hint} Known: {', '.join(names)}"
