"""Where in the user's program something was called: the first frame outside torch, the libraries and this package."""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType

from trainwell.records import Place

Site = tuple[str, int]
"""File name of the code, and line."""

_PACKAGE = str(Path(__file__).resolve().parents[1])
_LIBRARIES = tuple({p + os.sep for k, p in sysconfig.get_paths().items() if k in ("stdlib", "platstdlib")})
_FOREIGN = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_users: dict[CodeType, bool] = {}
_cells: dict[str, tuple[str, int]] = {}
_own: list[str] = []
_labels: list[Callable[[str], str | None]] = []


def claim_folder(folder: str) -> None:
    """Treat everything in a folder as the user's, even inside site-packages."""
    _own.append(folder.rstrip(os.sep) + os.sep)
    _users.clear()


def name_cell(code_name: str, notebook: str, cell: int) -> None:
    """Say that code compiled under a name is a notebook's cell."""
    _cells[code_name] = (notebook, cell)


def name_prompts(label: Callable[[str], str | None]) -> None:
    """Say how a notebook's kernel labels the cells that it compiled; None for code that is no cell."""
    _labels[:] = [label]


def sibling_cells(code_name: str) -> list[str]:
    """Code names of a notebook's other cells, from the one before a cell upwards, then those after it."""
    if code_name not in _cells:
        return []
    notebook, cell = _cells[code_name]
    others = [(c, name) for name, (book, c) in _cells.items() if book == notebook and name != code_name]
    return [name for c, name in sorted(others, key=lambda entry: (entry[0] > cell, abs(cell - entry[0])))]


def _is_user(code: CodeType) -> bool:
    name = code.co_filename
    if name in _cells:
        return True
    if name.startswith("<"):
        return name.startswith("<ipython")
    if any(name.startswith(folder) for folder in _own):
        return not any(part in name for part in _FOREIGN) or any(
            name.startswith(folder) and any(part in folder for part in _FOREIGN) for folder in _own
        )
    if name.startswith((_PACKAGE, *_LIBRARIES)):
        return False
    return not any(part in name for part in _FOREIGN)


def is_user(code: CodeType) -> bool:
    """Whether a piece of code is the user's own; remembered per code object."""
    known = _users.get(code)
    if known is None:
        known = _users[code] = _is_user(code)
    return known


def user_frame(depth: int = 1) -> FrameType | None:
    """The innermost frame of the user's code, or None."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and not is_user(frame.f_code):
        frame = frame.f_back
    return frame


def site(depth: int = 2) -> Site | None:
    """File and line of the user's innermost frame."""
    frame = user_frame(depth)
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def user_frames(depth: int = 2) -> Iterator[FrameType]:
    """All frames of the user's code, innermost first."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        if is_user(frame.f_code):
            yield frame
        frame = frame.f_back


def place(where: Site | None) -> Place | None:
    """Turn file and line into a place; cells of a notebook are named."""
    if where is None:
        return None
    name, line = where
    if name in _cells:
        notebook, cell = _cells[name]
        return Place(notebook, line, cell)
    label = _labels[0](name) if _labels else None
    return Place(label or name, line)


def words(frames: list[FrameType]) -> tuple[str, ...]:
    """Names around a call in the user's code: functions, and identifiers of the lines on the stack, lower case."""
    found: dict[str, None] = {}
    for frame in frames:
        code = frame.f_code
        if not code.co_name.startswith("<"):
            found[f"def {code.co_name.lower()}"] = None
        line = linecache.getline(code.co_filename, frame.f_lineno)
        for word in re.findall(r"[A-Za-z_][A-Za-z_0-9]*|'[^']*'|\"[^\"]*\"", line):
            found[word.lower()] = None
    return tuple(found)[:80]
