"""Runs on disk: a folder of JSON and JSON lines that survives a kill at any byte.

- `run.json`: `RunInfo`, rewritten atomically. `facts.json`: data, model, baselines, sanity. `findings.json`.
- `steps.jsonl`: blocks of columns, one block a line. `evaluations.jsonl`: one evaluation a line. `notes.jsonl`.
- A last line without its newline is torn by a kill: readers drop it, the next write removes it.
- NaN and infinities are the strings NaN, Infinity, -Infinity, since JSON has none; such a string gets a backslash.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from trainwell.errors import RecordError
from trainwell.records.facts import Baselines, DataFacts, ModelFacts, Sanity
from trainwell.records.finding import Finding
from trainwell.records.run import RunInfo, RunRecord
from trainwell.records.series import Evaluation, Floats, Ints, Series, Steps

T = TypeVar("T")
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_plain(value: Any) -> Any:
    """Turn dataclasses, arrays and tuples into JSON values; non-finite numbers become strings."""
    if value is None or type(value) in (int, bool) or (type(value) is float and math.isfinite(value)):
        return value  # most of what there is
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str) and value.lstrip("\\") in _NON_FINITE:
        return "\\" + value
    return str(value) if isinstance(value, Path) else value


def from_plain(value: Any) -> Any:
    """Undo `to_plain` for non-finite numbers and the strings that look like them."""
    if isinstance(value, dict):
        return {k: from_plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [from_plain(v) for v in value]
    if isinstance(value, str) and value.lstrip("\\") in _NON_FINITE:
        return value[1:] if value.startswith("\\") else _NON_FINITE[value]
    return value


def dump_json(value: Any, *, indent: int | None = None) -> str:
    """Write a record as strict JSON; a byte of a file name that is no UTF-8 becomes an escape."""
    text = json.dumps(to_plain(value), indent=indent, allow_nan=False, ensure_ascii=False)
    return text.encode(errors="backslashreplace").decode()


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
    """Append records as JSON lines in one write, in place of a torn last line if there is one."""
    text = _lines(rows)
    if text:
        with path.open("ab+") as file:
            _cut_torn_line(file)
            file.write(text.encode())


def _lines(rows: Iterable[Any]) -> str:
    return "".join(dump_json(row) + "\n" for row in rows)


def _columns(block: Mapping[str, Series]) -> list[dict[str, Any]]:
    """A block of series as a line; none where all are empty."""
    columns = {name: {"step": s.step, "value": s.value} for name, s in block.items() if len(s)}
    return [columns] if columns else []


def _cut_torn_line(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return
    file.seek(end - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


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
        append_lines(self.folder / "steps.jsonl", _columns(block))

    def append_evaluations(self, rows: Iterable[Evaluation]) -> None:
        """Append evaluations, one a line."""
        append_lines(self.folder / "evaluations.jsonl", rows)

    def rewrite(self, series: Mapping[str, Series], evaluations: Iterable[Evaluation]) -> None:
        """Replace steps and evaluations, e.g. to cut them back to a checkpoint."""
        write_atomically(self.folder / "steps.jsonl", _lines(_columns(series)))
        write_atomically(self.folder / "evaluations.jsonl", _lines(evaluations))

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
    facts = parse(dict[str, Any], read_json(folder / "facts.json") or {}, folder / "facts.json")
    findings = parse(list[Any], read_json(folder / "findings.json") or [], folder / "findings.json")
    return RunRecord(
        info=parse(RunInfo, read_json(folder / "run.json"), folder / "run.json"),
        steps=_join(folder / "steps.jsonl"),
        all_evaluations=_latest(folder / "evaluations.jsonl"),
        data=_optional(DataFacts, facts.get("data"), folder),
        model_facts=_optional(ModelFacts, facts.get("model"), folder),
        baselines=_optional(Baselines, facts.get("baselines"), folder),
        sanity=_optional(Sanity, facts.get("sanity"), folder),
        findings=tuple(parse(Finding, row, folder / "findings.json") for row in findings),
        folder=folder,
        notes=tuple(read_lines(folder / "notes.jsonl")),
    )


def _latest(path: Path) -> tuple[Evaluation, ...]:
    """Evaluations in order of steps; where a resumed run evaluated a step again, the later one counts."""
    rows = (parse(Evaluation, row, path) for row in read_lines(path))
    latest = {(row.step, row.split): row for row in rows}
    return tuple(sorted(latest.values(), key=lambda row: row.step))


def _join(path: Path) -> Steps:
    """Join blocks of series; where a resumed run wrote a step again, the later value counts."""
    parts: dict[str, list[tuple[Ints, Floats]]] = {}
    for number, block in enumerate(read_lines(path), 1):
        try:
            for name, columns in block.items():
                piece = np.array(columns["step"], np.int64), np.array(columns["value"], np.float64)
                if piece[0].shape != piece[1].shape or piece[0].ndim != 1:
                    raise ValueError(f"{name} has {piece[0].size} steps and {piece[1].size} values")
                parts.setdefault(name, []).append(piece)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise RecordError(
                f"{path} must hold blocks of steps and values, got damage in line {number}: {error}"
            ) from None
    series = {}
    for name, pieces in parts.items():
        step, value = (np.concatenate(column) for column in zip(*pieces, strict=True))
        _, last = np.unique(step[::-1], return_index=True)
        keep = len(step) - 1 - last
        series[name] = Series(step[keep], value[keep])
    return Steps(series)


def read_json(path: Path) -> Any:
    """Read a JSON file; None if it is missing.

    Raises:
        RecordError: If it is damaged.
    """
    if not path.is_file():
        return None
    try:
        return from_plain(json.loads(path.read_bytes()))
    except ValueError as error:
        raise RecordError(f"{path} must hold JSON, got damage: {error}") from None


_adapter: Callable[[Any], TypeAdapter[Any]] = functools.cache(TypeAdapter)


def parse(kind: type[T], value: Any, path: Path) -> T:
    """Make a record of what a file holds.

    Raises:
        RecordError: If it holds something else; says the first wrong field.
    """
    try:
        record: T = _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise RecordError(
            f"{path} must hold a {kind.__name__}, got a wrong `{where}`: {first['msg']}"
            if where
            else f"{path} must hold a {kind.__name__}, got {str(value)[:60]!r}"
        ) from None
    return record


def _optional(kind: type[T], value: Any, folder: Path) -> T | None:
    return None if value is None else parse(kind, value, folder / "facts.json")
