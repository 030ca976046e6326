"""`check`: runs a program in a child process under observation and turns what was seen into findings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from trainwell.check import record
from trainwell.check.rank import findings_of, merge
from trainwell.diagnose.program import load_rules
from trainwell.diagnose.rule import selected
from trainwell.errors import TrainwellError, UsageError
from trainwell.records import Finding, Place, RunRecord, TraceRecord
from trainwell.records.storage import from_plain

_GRACE = 10.0
_START = 60.0


@dataclass(frozen=True)
class ProgramFacts:
    """How the program ran.

    Attributes:
        status: completed, stopped (budget), failed (an exception), exited (non-zero exit code), killed, interrupted.
        exit_code: The program's own; None if it was killed or stopped by the budget.
        error: The exception, the signal, or why it was stopped.
    """

    path: str
    status: str = "completed"
    exit_code: int | None = 0
    error: str = ""
    place: Place | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class CheckResult:
    """What a check found; `findings` are the most important first, symptoms under their causes."""

    findings: tuple[Finding, ...]
    program: ProgramFacts
    runs: tuple[RunRecord, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """0 no error or warning, 1 findings, 2 the program failed."""
        if self.program.status in ("failed", "killed", "exited", "interrupted"):
            return 2
        return 1 if any(f.is_alarm for f in self.findings) else 0

    @property
    def trace(self) -> TraceRecord:
        """What the tracer saw in the process that trained."""
        for run in self.runs:
            if run.trace is not None:
                return run.trace
        return TraceRecord()

    def observed(self) -> dict[str, Any]:
        """What was seen, in a few numbers, and what was not."""
        trace = self.trace
        return {
            "optimizer_steps": trace.steps,
            "backward_calls": trace.backward_calls,
            "optimizers": len(trace.optimizers),
            "models": sum(1 for m in trace.models if m.parameters),
            "loaders": len(trace.loaders),
            "evaluation_passes": len(trace.evaluations),
            "processes": len(self.runs),
            "seconds": round(trace.seconds, 3),
            "own_seconds": round(trace.own_seconds, 3),
            "stopped": trace.stopped,
            "not_seen": list(self.notes),
            "trouble": dict(trace.trouble),
        }


def check(
    path: str | Path,
    *,
    module: bool = False,
    seconds: float | None = 120,
    steps: int | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    arguments: Sequence[str] = (),
    output: Literal["same", "stderr", "discard"] = "same",
) -> CheckResult:
    """Run a training program under observation and say what is wrong with it.

    Args:
        path: A script, a notebook, or with `module=True` the dotted name of a module.
        seconds: Time after which the program is stopped; None for no limit. [seconds]
        steps: Optimizer steps after which it is stopped; None for no limit. [optimizer updates]
        select: Rules to apply; none means all.
        ignore: Rules to leave out.
        arguments: `sys.argv[1:]` of the program.
        output: Where the program's standard output goes.

    Returns:
        Findings, most important first, and how the program ran.

    Raises:
        UsageError: If there is no such file, a budget is not positive, or a rule is not known.
    """
    load_rules()
    list(selected(select, ignore))
    if seconds is not None and not seconds > 0:
        raise UsageError(f"`seconds` must be positive, got {seconds:g}. Give the time to watch, e.g. 120")
    if steps is not None and steps < 1:
        raise UsageError(f"`steps` must be at least 1, got {steps}. Give the number of optimizer steps to watch")
    target = Path(path)
    if not module:
        if not target.is_file():
            raise UsageError(f"`path` must be an existing script or notebook, got {str(path)!r}. Check the spelling")
        target = target.resolve()
    with tempfile.TemporaryDirectory(prefix="trainwell-check-") as name:
        folder = Path(name)
        program = _run(folder, target, str(path), module, seconds, steps, list(arguments), output)
        traces = _traces(folder)
    traces = record.with_replicas(traces)
    runs = tuple(record.run_of(trace, target.name if not module else str(path)) for trace in traces)
    found, notes = [], []
    for run in runs:
        some, trouble = findings_of(run, select, ignore)
        found.append(some)
        notes += trouble
    findings = merge(found)
    base = Path.cwd()
    return CheckResult(
        tuple(_relative(f, base) for f in findings),
        replace(program, place=_relative_place(program.place, base)),
        runs,
        (*record.unseen(runs, program.status, program.error), *notes),
    )


def _run(
    folder: Path,
    target: Path,
    shown: str,
    module: bool,
    seconds: float | None,
    steps: int | None,
    arguments: list[str],
    output: str,
) -> ProgramFacts:
    spec = {
        "path": shown if module else str(target),
        "module": module,
        "arguments": arguments,
        "folder": str(folder),
        "seconds": seconds,
        "steps": steps,
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    child = Path(__file__).with_name("child.py")
    begin = time.monotonic()
    sys.stdout.flush()
    sys.stderr.flush()
    process = subprocess.Popen(
        [sys.executable, str(child), str(folder / "spec.json")],
        cwd=None if module else target.parent,
        stdout={"same": None, "stderr": 2, "discard": subprocess.DEVNULL}[output],
        stderr=subprocess.DEVNULL if output == "discard" else None,
        start_new_session=not _terminal(),
    )
    hung = _wait(process, folder, seconds)
    elapsed = time.monotonic() - begin
    code = process.returncode
    left = folder / "status.json"
    facts: dict[str, Any] = json.loads(left.read_text()) if left.is_file() else {}
    if facts and not hung:
        place = None
        if facts.get("line"):
            place = Place(str(facts["file"]), int(facts["line"]), facts.get("cell"))
        status = str(facts["status"])
        return ProgramFacts(
            shown, status, None if status == "stopped" else int(facts["code"]), str(facts["error"]), place, elapsed
        )
    if hung:
        error = f"it did not react when the budget of {seconds:g} seconds was used up, and was ended"
        return ProgramFacts(shown, "stopped", None, error, None, elapsed)
    if code is not None and code < 0:
        reason = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
        return ProgramFacts(shown, "killed", None, f"it was ended by {reason}", None, elapsed)
    status = "completed" if code == 0 else "exited"
    return ProgramFacts(shown, status, code, "" if code == 0 else f"exit code {code}", None, elapsed)


def _terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:
        return False


def _wait(process: subprocess.Popen[bytes], folder: Path, seconds: float | None) -> bool:
    """Wait for the child; end it when it outlives its budget. True if it had to be ended."""
    started: float | None = None
    begin = time.monotonic()
    pause = 0.02
    try:
        while process.poll() is None:
            time.sleep(pause)
            pause = min(0.1, pause * 1.2)
            now = time.monotonic()
            if started is None:
                if (folder / "started").exists() or (now - begin > _START and seconds is not None):
                    started = now
            elif seconds is not None and now - started > seconds + 1.0:
                return _end(process)
    except KeyboardInterrupt:
        _send(process, signal.SIGINT)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            _send(process, signal.SIGKILL)
            process.wait()
    return False


def _end(process: subprocess.Popen[bytes]) -> bool:
    for number, grace in ((signal.SIGINT, _GRACE), (signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        if number == signal.SIGINT:
            process.send_signal(number)
        else:
            _send(process, number)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            continue
        return number != signal.SIGINT
    return True


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except (ProcessLookupError, PermissionError):
        pass


def _traces(folder: Path) -> list[TraceRecord]:
    reader = TypeAdapter(TraceRecord)
    found = []
    for file in sorted(folder.glob("trace-*.json")):
        try:
            found.append(reader.validate_python(from_plain(json.loads(file.read_text()))))
        except (ValueError, TrainwellError):
            continue
    found.sort(key=lambda trace: -trace.steps)
    return found or [TraceRecord()]


def _relative_place(place: Place | None, base: Path) -> Place | None:
    if place is None:
        return None
    try:
        return replace(place, file=str(Path(place.file).relative_to(base)))
    except ValueError:
        return place


def _relative(finding: Finding, base: Path) -> Finding:
    evidence = dict(finding.evidence)
    if "also_at" in evidence:
        evidence["also_at"] = [str(p).removeprefix(f"{base}{os.sep}") for p in evidence["also_at"]]
    return replace(
        finding,
        evidence=evidence,
        place=_relative_place(finding.place, base),
        symptoms=tuple(_relative(s, base) for s in finding.symptoms),
    )
