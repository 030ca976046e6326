"""The child process of `trainwell check`: runs one program under observation, as `__main__`, and leaves its records.

Started as `python child.py SPEC`, where SPEC is a JSON file: path, module, arguments, folder, seconds, steps.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path.pop(0)

import json
import linecache
import os
import runpy
import traceback
import types
from pathlib import Path
from typing import Any

from trainwell.check import notebook
from trainwell.check.spawned import watch_spawns
from trainwell.errors import TrainwellError
from trainwell.probes.place import claim_folder
from trainwell.probes.tracer import BudgetReached, Tracer
from trainwell.records import TraceRecord, dump_json


class Writer:
    """Writes a process's record beside those of the others; also in processes that the program forks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.main = os.getpid()

    def __call__(self, record: TraceRecord) -> None:
        """Replace this process's file."""
        if os.getpid() != self.main and not record.steps:
            return
        target = self.folder / f"trace-{os.getpid()}.json"
        temporary = target.with_suffix(".tmp")
        temporary.write_text(dump_json(record))
        temporary.replace(target)


def status(folder: Path, **facts: Any) -> None:
    """Leave how the program ended."""
    temporary = folder / "status.tmp"
    temporary.write_text(json.dumps(facts))
    temporary.replace(folder / "status.json")


def _own_trace(error: BaseException) -> Any:
    """The traceback without the frames of this file and of runpy."""
    trace = error.__traceback__
    here = (__file__, runpy.__file__, notebook.__file__, "<frozen runpy>")
    while trace is not None and trace.tb_frame.f_code.co_filename in here:
        trace = trace.tb_next
    return trace


def run_script(path: Path, arguments: list[str]) -> None:
    """Run a file as `python FILE ARGUMENTS` would."""
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=str(path), __builtins__=__builtins__, __spec__=None)
    sys.modules["__main__"] = main
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent))
    with path.open("rb") as file:
        raw = file.read()
    code = compile(raw, str(path), "exec", dont_inherit=True)
    exec(code, main.__dict__)


def run_module(name: str, arguments: list[str]) -> None:
    """Run a module as `python -m NAME ARGUMENTS` would."""
    sys.path.insert(0, os.getcwd())
    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def main() -> int:
    """Run the program of the SPEC and say by the exit code what it said."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(spec["folder"])
    path = Path(spec["path"])
    writer = Writer(folder)
    tracer = Tracer(seconds=spec["seconds"], steps=spec["steps"], save=writer)
    claim_folder(str(path.parent) if not spec["module"] else os.getcwd())
    (folder / "started").touch()
    code = 0
    facts: dict[str, Any] = {"status": "completed", "error": "", "line": None, "file": None, "cell": None}
    tracer.install()
    watch_spawns(folder, spec["steps"], tracer)
    try:
        if spec["module"]:
            run_module(str(spec["path"]), spec["arguments"])
        elif path.suffix == ".ipynb":
            notebook.run(path, spec["arguments"])
        else:
            run_script(path, spec["arguments"])
    except BudgetReached as reached:
        facts |= {"status": "stopped", "error": str(reached)}
    except TrainwellError as error:
        code = 2
        facts |= {"status": "failed", "error": str(error)}
    except SystemExit as leave:
        if isinstance(leave.code, int):
            code = leave.code
        elif leave.code is not None:
            code = 1
            print(leave.code, file=sys.stderr)
        facts |= {"status": "completed" if code == 0 else "exited", "error": "" if code == 0 else f"exit code {code}"}
    except KeyboardInterrupt as error:
        if spec["seconds"] is not None and tracer.governor.elapsed >= spec["seconds"]:
            tracer.stopped = f"the budget of {spec['seconds']:g} seconds was used up"
            facts |= {"status": "stopped", "error": tracer.stopped}
        else:
            code = 130
            facts |= {"status": "interrupted", "error": "KeyboardInterrupt"}
            del error
    except BaseException as error:
        code = 1
        sys.stdout.flush()
        place = _error_place(error, path)
        error = error.with_traceback(_own_trace(error))
        sys.excepthook(type(error), error, error.__traceback__)
        facts |= {"status": "failed", "error": f"{type(error).__name__}: {error}"[:2000], **place}
    else:
        tracer.finished = True
    tracer.exit_status = code
    facts["code"] = code
    tracer.finish()
    writer(tracer.record())
    tracer.close()
    status(folder, **facts)
    return code


def _error_place(error: BaseException, path: Path) -> dict[str, Any]:
    if isinstance(error, SyntaxError) and error.filename:
        where = (error.filename, error.lineno or 1)
    else:
        frames = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(_own_trace(error))]
        own = [w for w in frames if w[0] in linecache.cache or Path(w[0]).parent == path.parent]
        own = [w for w in own if w[0] == str(path) or notebook.cell_of(w[0]) is not None] or own
        if not own:
            return {}
        where = own[-1]
    cell = notebook.cell_of(where[0])
    return {"file": str(path) if cell is not None else where[0], "line": where[1], "cell": cell}


if __name__ == "__main__":
    raise SystemExit(main())
