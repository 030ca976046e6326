"""Interrupts that are not lost.

Python prints and drops an exception that is raised while a destructor or a callback of the garbage collector runs, a
KeyboardInterrupt too. So a signal that comes at such a moment is remembered and raised again at the next word.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_pending = False


@contextmanager
def remembered() -> Iterator[None]:
    """Remember an interrupt inside the block; a handler of somebody else's is left alone."""
    global _pending
    _pending = False
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _remember)
    try:
        yield
    finally:
        _pending = False
        signal.signal(signal.SIGINT, signal.default_int_handler)


def raise_if_lost() -> None:
    """Raise KeyboardInterrupt if one was asked for and the program still runs."""
    if _pending:
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    global _pending
    _pending = True
    raise KeyboardInterrupt
