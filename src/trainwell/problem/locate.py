"""Find the problem that a command line names: a built-in one, or a variable or function in a person's own file."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from trainwell.errors import ProblemError, RecipeError, TrainwellError, UnknownNameError, unknown_name
from trainwell.problem.builtin import BUILT_INS, built_in
from trainwell.problem.definition import Problem


def load_problem(spec: str, data: Path | str | None = None) -> Problem:
    """Load a problem by name or place.

    Args:
        spec: A built-in name, `path.py` (its variable or function `problem`), `path.py:name`, or
            `package.module:name`. A function is called without arguments, or with `data=` if it takes that.
        data: Folder of data files.

    Raises:
        UnknownNameError: If the name is not known.
        ProblemError: If the file does not exist, fails, or holds no problem.
    """
    problem = _find(spec, None if data is None else Path(data))
    problem.spec = spec
    return problem


def _find(spec: str, folder: Path | None) -> Problem:
    if spec in BUILT_INS:
        return built_in(spec, folder)
    place, _, name = _parted(spec)
    if Path(place).is_dir() and not (name and (Path(place) / "__init__.py").is_file()):
        raise ProblemError(f"the problem must be a built-in name or a Python file, got the folder {place}. Name a file")
    if place.endswith(".py") or os.sep in place:
        return _problem_in(_run_file(Path(place)), name, place, folder)
    if name:
        return _problem_in(_import(place), name, place, folder)
    if Path(f"{spec}.py").is_file():
        raise ProblemError(f"the problem must be a built-in name or a Python file, got '{spec}'. Say {spec}.py")
    raise UnknownNameError("problem", spec, BUILT_INS)


def _parted(spec: str) -> tuple[str, str, str]:
    """Part place and name at the last colon, except that of a Windows drive."""
    place, colon, name = spec.rpartition(":")
    return (place, colon, name) if colon and name.isidentifier() and len(place) > 1 else (spec, "", "")


def _run_file(path: Path) -> ModuleType:
    if not path.is_file():
        near = (
            unknown_name("file", path.name, [p.name for p in path.parent.glob("*.py")]) if path.parent.is_dir() else ""
        )
        hint = f" ({near.partition('. ')[2].partition(' Known')[0]})" if "Did you mean" in near else ""
        raise ProblemError(f"the problem must be a file that exists, got {path}{hint}. Check the path")
    path = path.resolve()
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ProblemError(f"the problem must be a Python file (.py), got {path.name}. Rename it")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # so that classes of the file can be pickled and dataclasses resolve
    with _on_path(path.parent), _explained(path):
        specification.loader.exec_module(module)
    return module


def _import(place: str) -> ModuleType:
    with _on_path(Path.cwd()), _explained(place):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            if error.name and (place == error.name or place.startswith(f"{error.name}.")):
                raise ProblemError(
                    f"the problem must be in a module that exists, got {place}. Check the name, or install it"
                ) from error
            raise


def _problem_in(module: ModuleType, name: str, place: str, data: Path | None) -> Problem:
    wanted = name or "problem"
    found = getattr(module, wanted, None)
    if found is None:
        raise ProblemError(_not_there(module, wanted, place))
    if callable(found) and not isinstance(found, Problem):
        found = _call(found, wanted, place, data)
    if not isinstance(found, Problem):
        raise ProblemError(
            f"`{wanted}` in {place} must be a trainwell.Problem or a function that returns one, got "
            f"{type(found).__name__}. Make it `{wanted} = Problem(model=..., train=...)`"
        )
    if found.name in ("problem", getattr(found.factory, "__name__", "partial").strip("<>")):
        found.name = Path(place).stem if not name else wanted
    return found


def _call(function: Any, name: str, place: str, data: Path | None) -> Any:
    parameters = inspect.signature(function).parameters
    needed = [
        p.name
        for p in parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name != "data"
    ]
    if needed:
        raise ProblemError(
            f"`{name}` in {place} must be callable without arguments, got one that needs {', '.join(needed)}. "
            "Give defaults"
        )
    with _explained(place):
        return function(data=data) if "data" in parameters else function()


def _not_there(module: ModuleType, wanted: str, place: str) -> str:
    others = sorted(key for key, value in vars(module).items() if isinstance(value, Problem))
    said = f"`{place}` must have a variable or function named `{wanted}`, got none."
    if others:
        return f"{said} It holds {', '.join(others)}: say {place}:{others[0]}"
    return f"{said} Write `{wanted} = trainwell.Problem(model=..., train=(X, y))`"


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Let a file import its neighbours: first of all while it is loaded, and after everything else from then on."""
    known = str(folder) in sys.path
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
        if not known:
            sys.path.append(str(folder))


@contextmanager
def _explained(place: Path | str) -> Iterator[None]:
    """Turn an exception of a person's file into a message with its line; the cause is kept."""
    try:
        yield
    except TrainwellError as error:
        line = _line(error, place)
        if line is None or not isinstance(error, ProblemError | RecipeError):
            raise
        raise type(error)(f"{Path(place).name}:{line}: {error}") from error
    except (Exception, SystemExit) as error:
        line = error.lineno if isinstance(error, SyntaxError) else _line(error, place)
        where = place if line is None else f"{place}:{line}"
        raise ProblemError(
            f"the problem's file must run, got {type(error).__name__} at {where}: {error}. Run it alone to see more"
        ) from error


def _line(error: BaseException, place: Path | str) -> int | None:
    """The last line of the file that the error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == Path(place).name]
    return lines[-1] if lines else None
