"""The memory of a study: what its workers wrote, on disk where there is a folder.

Each worker appends to a file of its own, so that no two ever write one file, and reads those of all. Which worker runs
which group is settled by files that only one can create.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from trainwell.records.study import Line, StudyPlan, StudyRecord, append_journal, read_journal, study_of

_BEAT = 2.0  # seconds between signs of life
_SILENT = 30.0  # a worker without a sign of life for so long is lost


class Journal:
    """Lines of all workers; what this one writes is on disk at once.

    Args:
        folder: Of the study; in memory only where None.
        worker: Name of this one, unique among all.
    """

    def __init__(self, plan: StudyPlan, folder: Path | None, worker: str = "") -> None:
        self.plan, self.folder = plan, folder
        self.worker = worker or worker_name()
        own = None if folder is None else self._path(self.worker)
        self._own: list[Line] = [] if own is None else read_journal(own)
        self._others: list[Line] = []
        self._unwritten: list[Line] = []
        self.trouble = ""
        self.refresh()

    def write(self, *lines: Line) -> None:
        """Append lines; where the disk refuses, they are kept and tried again with the next ones."""
        self._own += lines
        if self.folder is None:
            return
        self._unwritten += lines
        try:
            append_journal(self._path(self.worker), self._unwritten)
            self._unwritten = []
        except OSError as error:
            if not self.trouble:
                warnings.warn(f"the journal could not be written, the study goes on: {error}", stacklevel=2)
            self.trouble = f"the journal could not be written: {error.strerror or error}"

    @property
    def own(self) -> list[Line]:
        """What this worker wrote."""
        return list(self._own)

    def know(self, lines: Iterable[Line]) -> None:
        """Take lines of others, where there is no folder to read them from."""
        self._others = list(lines)

    def refresh(self) -> None:
        """Read what other workers, or earlier sessions, wrote."""
        if self.folder is not None:
            own = self._path(self.worker)
            self._others = [line for path in self.paths if path != own for line in read_journal(path)]

    @property
    def record(self) -> StudyRecord:
        """All lines in order."""
        return study_of(self.plan, [*self._others, *self._own], folder=self.folder)

    @property
    def paths(self) -> list[Path]:
        """Files of all workers."""
        return [] if self.folder is None else sorted((self.folder / "journal").glob("*.jsonl"))

    def _path(self, worker: str) -> Path:
        assert self.folder is not None
        return self.folder / "journal" / f"{worker}.jsonl"


class Claims:
    """Who does what, among workers that share a folder and may die at any moment.

    A claim is a file that only one process can create. One of a lost worker is taken over by creating the next one.
    """

    def __init__(self, folder: Path | None, worker: str) -> None:
        self.worker = worker
        self._folder = None if folder is None else folder / "claims"
        self._stop = threading.Event()
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._beat()
            threading.Thread(target=self._live, name="signs of life", daemon=True).start()

    def take(self, what: str) -> bool:
        """Claim something; returns whether it is this worker's now."""
        if self._folder is None:
            return True
        taken = sorted(self._folder.glob(f"{what}.*"), key=lambda path: int(path.suffix[1:]))
        if taken:
            owner = taken[-1].read_text() or "?"
            if owner == self.worker:
                return True
            if self.alive(owner):
                return False
        number = int(taken[-1].suffix[1:]) + 1 if taken else 0
        try:
            handle = os.open(self._folder / f"{what}.{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w") as file:
            file.write(self.worker)
        return True

    def alive(self, worker: str) -> bool:
        """Whether a worker has shown a sign of life lately; a process of this machine that is gone is lost at once."""
        assert self._folder is not None
        host, _, number = worker.rpartition("-")
        if host == socket.gethostname() and number.isdigit() and not _runs(int(number)):
            return False
        try:
            seen = (self._folder / f"{worker}.alive").stat().st_mtime
            now = (self._folder / f"{self.worker}.alive").stat().st_mtime  # by the clock of the same file server
        except OSError:
            return False
        return now - seen < _SILENT

    def seconds_since(self, *paths: Path) -> float:
        """Time since the last of some files was written to, by the clock of the server that keeps them."""
        assert self._folder is not None
        self._beat()
        now = (self._folder / f"{self.worker}.alive").stat().st_mtime
        return max(0.0, now - max((path.stat().st_mtime for path in paths), default=now))

    def others_alive(self) -> list[str]:
        """Names of other workers that are at work."""
        if self._folder is None:
            return []
        names = [path.stem for path in self._folder.glob("*.alive")]
        return [name for name in names if name != self.worker and self.alive(name)]

    def leave(self) -> None:
        """End the signs of life."""
        self._stop.set()
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / f"{self.worker}.alive").unlink()

    def _live(self) -> None:
        while not self._stop.wait(_BEAT):
            self._beat()

    def _beat(self) -> None:
        assert self._folder is not None
        with suppress(OSError):
            (self._folder / f"{self.worker}.alive").write_text(str(time.time()))


def worker_name() -> str:
    """Machine and process."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
