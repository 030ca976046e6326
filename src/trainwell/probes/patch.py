"""Replacing functions of torch for a while, and putting the originals back."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]


class Patches:
    """Attributes replaced by wrappers; `restore` undoes all of them in reverse order."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def wrap(self, owner: Any, name: str, make: Callable[[Function], Function]) -> None:
        """Replace `owner.name` by `make(original)`, keeping name, signature and docstring; absent names are skipped."""
        original = owner.__dict__.get(name) if isinstance(owner, type) else getattr(owner, name, None)
        if original is None or isinstance(original, staticmethod | classmethod):
            return
        wrapper = make(original)
        with contextlib.suppress(AttributeError, TypeError):
            functools.update_wrapper(wrapper, original)
        setattr(owner, name, wrapper)

        def undo() -> None:
            held = owner.__dict__.get(name) if isinstance(owner, type) else getattr(owner, name, None)
            if held is wrapper:
                setattr(owner, name, original)

        self._undo.append(undo)

    def later(self, undo: Callable[[], None]) -> None:
        """Remember something else to undo."""
        self._undo.append(undo)

    def restore(self) -> None:
        """Put every original back."""
        while self._undo:
            self._undo.pop()()
