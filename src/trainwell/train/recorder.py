"""Collects a run's series in memory and appends them to its folder in blocks."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from trainwell.records import Evaluation, RunFolder, Series, Steps


class Recorder:
    """Series of a run: values are kept as numbers on a CPU, as tensors until the next flush elsewhere.

    A training must not wait for its recording: a failed write is noted once and the run goes on.
    """

    def __init__(self, folder: RunFolder | None, *, flush_seconds: float = 1.0) -> None:
        self.folder = folder
        self.notes: list[dict[str, object]] = []
        self.evaluations: list[Evaluation] = []
        self._done: dict[str, list[Series]] = {}
        self._pending: dict[str, tuple[list[int], list[float | Tensor]]] = {}
        self._pending_evaluations: list[Evaluation] = []
        self._flush_seconds = flush_seconds
        self._last_flush = time.monotonic()
        self._write_failed = False

    def column(self, name: str) -> tuple[list[int], list[float | Tensor]]:
        """The pending steps and values of one series; the loop appends to both directly."""
        return self._pending.setdefault(name, ([], []))

    def add(self, name: str, step: int, value: float | Tensor) -> None:
        """Add one value of a series."""
        steps, values = self.column(name)
        steps.append(step)
        values.append(value)

    def add_evaluations(self, rows: list[Evaluation]) -> None:
        """Add evaluations of one moment."""
        self.evaluations.extend(rows)
        self._pending_evaluations.extend(rows)

    def note(self, **what: object) -> None:
        """Add an event in plain words, in memory and in the folder."""
        self.notes.append(what)
        self._guarded(lambda folder: folder.append_note(what))

    def flush_if_due(self) -> None:
        """Flush when the last one is long enough ago."""
        if time.monotonic() - self._last_flush >= self._flush_seconds:
            self.flush()

    def flush(self) -> dict[str, Series]:
        """Move pending values to the record and the folder; returns the block."""
        block: dict[str, Series] = {}
        for name, (steps, values) in self._pending.items():
            if steps:
                block[name] = Series(np.array(steps, np.int64), _numbers(values))
                self._done.setdefault(name, []).append(block[name])
                steps.clear()
                values.clear()
        rows, self._pending_evaluations = self._pending_evaluations, []
        if block or rows:
            self._guarded(lambda folder: (folder.append_steps(block), folder.append_evaluations(rows)))
        self._last_flush = time.monotonic()
        return block

    def steps(self) -> Steps:
        """All series so far."""
        self.flush()
        return Steps({name: _concatenate(blocks) for name, blocks in self._done.items()})

    def rewrite(self, series: Mapping[str, Series], evaluations: list[Evaluation]) -> None:
        """Begin with what an interrupted run had recorded up to its checkpoint; the files are cut back to it."""
        self._done = {name: [value] for name, value in series.items()}
        self.evaluations = list(evaluations)
        if self.folder is not None:
            self.folder.rewrite(series, evaluations)

    def _guarded(self, write: object) -> None:
        if self.folder is None or self._write_failed:
            return
        try:
            write(self.folder)  # type: ignore[operator]
        except OSError as error:
            self._write_failed = True
            self.notes.append({"event": "recording-failed", "error": str(error)})


def _numbers(values: list[float | Tensor]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if any(isinstance(v, Tensor) for v in values):
        stacked = torch.stack([v if isinstance(v, Tensor) else torch.tensor(v) for v in values])
        return stacked.double().cpu().numpy()
    return np.array(values, np.float64)


def _concatenate(blocks: list[Series]) -> Series:
    if len(blocks) == 1:
        return blocks[0]
    return Series(np.concatenate([b.step for b in blocks]), np.concatenate([b.value for b in blocks]))
