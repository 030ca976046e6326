"""Runs on disk: a folder of JSON and JSON lines that survives a kill at any byte.

- `run.json`: `RunInfo`, rewritten atomically. `facts.json`: data, model, baselines, sanity. `findings.json`.
- `steps.jsonl`: blocks of columns, one block a line. `evaluations.jsonl`: one evaluation a line. `notes.jsonl`.
- A last line without its newline is torn by a kill and dropped. NaN and infinities are the strings NaN, Infinity,
  -Infinity, since JSON has none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from trainwell.errors import RecordError
from trainwell.records.facts import Baselines, DataFacts, ModelFacts, Sanity
from trainwell.records.finding import Finding
from trainwell.records.run import RunInfo, RunRecord
from trainwell.records.series import Evaluation, Series, Steps

T = TypeVar("T")
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_plain(value: Any) -> Any:
    """Turn dataclasses, arrays and tuples into JSON values; non-finite numbers become strings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return [to_plain(v) for v in value.tolist()]
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return str(value) if isinstance(value, Path) else value


def from_plain(value: Any) -> Any:
    """Undo `to_plain` for non-finite numbers."""
    if isinstance(value, dict):
        return {k: from_plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [from_plain(v) for v in value]
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value


def dump_json(value: Any, *, indent: int | None = None) -> str:
    """Write a record as strict JSON."""
    return json.dumps(to_plain(value), indent=indent, allow_nan=False, ensure_ascii=False)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a whole file so that a reader sees the old or the new content, never a part (temporary, fsync, rename)."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def append_lines(path: Path, rows: Iterable[Any]) -> None:
    """Append records as JSON lines in one write."""
    text = "".join(dump_json(row) + "\n" for row in rows)
    if text:
        with path.open("ab") as file:
            file.write(text.encode())


def read_lines(path: Path) -> list[Any]:
    """Read JSON lines; a torn last line is dropped.

    Raises:
        RecordError: If a line before the last is damaged.
    """
    if not path.exists():
        return []
    *lines, _torn = path.read_bytes().split(b"\n")
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(from_plain(json.loads(line)))
        except ValueError as error:
            if number == len(lines):
                continue
            raise RecordError(f"{path} must hold JSON lines, got damage in line {number}: {error}") from None
    return rows


class RunFolder:
    """Writes one run's folder; every method leaves it readable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write_info(self, info: RunInfo) -> None:
        """Replace `run.json`."""
        write_atomically(self.folder / "run.json", dump_json(info, indent=1))

    def write_facts(
        self,
        data: DataFacts | None,
        model: ModelFacts | None,
        baselines: Baselines | None,
        sanity: Sanity | None = None,
    ) -> None:
        """Replace `facts.json`."""
        facts = {"data": data, "model": model, "baselines": baselines, "sanity": sanity}
        write_atomically(self.folder / "facts.json", dump_json(facts))

    def write_findings(self, findings: Iterable[Finding]) -> None:
        """Replace `findings.json`."""
        write_atomically(self.folder / "findings.json", dump_json(list(findings), indent=1))

    def append_steps(self, block: Mapping[str, Series]) -> None:
        """Append one block of series."""
        columns = {name: {"step": s.step, "value": s.value} for name, s in block.items() if len(s)}
        if columns:
            append_lines(self.folder / "steps.jsonl", [columns])

    def append_evaluations(self, rows: Iterable[Evaluation]) -> None:
        """Append evaluations, one a line."""
        append_lines(self.folder / "evaluations.jsonl", rows)

    def append_note(self, note: Mapping[str, Any]) -> None:
        """Append an event in plain words, e.g. a resume or a failed save."""
        append_lines(self.folder / "notes.jsonl", [note])


def load_run(folder: str | Path) -> RunRecord:
    """Load a run from its folder.

    Raises:
        RecordError: If the folder holds no run or a damaged one.
    """
    folder = Path(folder)
    if not (folder / "run.json").is_file():
        raise RecordError(
            f"`{folder}` must be the folder of a run (with run.json), got none there. Name a run's folder"
        )
    facts = _read_json(folder / "facts.json") or {}
    return RunRecord(
        info=_parse(RunInfo, _read_json(folder / "run.json"), folder / "run.json"),
        steps=_join(read_lines(folder / "steps.jsonl")),
        all_evaluations=tuple(
            _parse(Evaluation, row, folder / "evaluations.jsonl") for row in read_lines(folder / "evaluations.jsonl")
        ),
        data=_optional(DataFacts, facts.get("data"), folder),
        model_facts=_optional(ModelFacts, facts.get("model"), folder),
        baselines=_optional(Baselines, facts.get("baselines"), folder),
        sanity=_optional(Sanity, facts.get("sanity"), folder),
        findings=tuple(
            _parse(Finding, row, folder / "findings.json") for row in _read_json(folder / "findings.json") or []
        ),
        folder=folder,
        notes=tuple(read_lines(folder / "notes.jsonl")),
    )


def _join(blocks: list[Any]) -> Steps:
    """Join blocks of series; where a resumed run wrote a step again, the later value counts."""
    parts: dict[str, list[tuple[Any, Any]]] = {}
    for block in blocks:
        for name, columns in block.items():
            parts.setdefault(name, []).append((columns["step"], columns["value"]))
    series = {}
    for name, pieces in parts.items():
        step = np.concatenate([np.asarray(s, np.int64) for s, _ in pieces])
        value = np.concatenate([np.asarray(v, np.float64) for _, v in pieces])
        _, last = np.unique(step[::-1], return_index=True)
        keep = len(step) - 1 - last
        series[name] = Series(step[keep], value[keep])
    return Steps(series)


def _read_json(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return from_plain(json.loads(path.read_text()))
    except ValueError as error:
        raise RecordError(f"{path} must hold JSON, got damage: {error}") from None


def _parse(kind: type[T], value: Any, path: Path) -> T:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise RecordError(f"{path} must hold a {kind.__name__}, got a wrong `{where}`: {first['msg']}") from None


def _optional(kind: type[T], value: Any, folder: Path) -> T | None:
    return None if value is None else _parse(kind, value, folder / "facts.json")
