"""Run every program of the manifest once and print its time (wall clock and CPU); programs that fail are listed at the end.

Usage: python verify.py [name ...]   (only programs whose file name contains one of the names)
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = float(os.environ.get("LIMIT", 20))  # seconds; raise it on a loaded machine
NOTEBOOK = """
import json, sys
path = sys.argv[1]
space = {"__name__": "__main__"}
cells = [c for c in json.load(open(path, encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
for number, cell in enumerate(cells):
    exec(compile("".join(cell["source"]), f"{path}#{number}", "exec"), space)
"""


def source(entry):
    """The lines that `line` counts: the file, or the named code cell of a notebook."""
    path = HERE / entry["file"]
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8").splitlines()
    cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    return "".join(cells[entry.get("cell", 0)]["source"]).splitlines()


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check_entry(entry):
    """What is wrong with the manifest's own entry, if anything."""
    if not (HERE / entry["file"]).is_file():
        return "no such file"
    if entry["kind"] == "faulty":
        count = len(source(entry))
        for line in [entry["line"], *entry.get("lines_ok", [])]:
            if not 1 <= line <= count:
                return f"line {line} outside the file"
        if not entry["rules"]:
            return "a faulty program without a rule"
    return None


def main():
    entries = tomllib.loads((HERE / "manifest.toml").read_text(encoding="utf-8"))["program"]
    names = {e["file"] for e in entries}
    here = {p.name for p in HERE.iterdir() if p.suffix in (".py", ".ipynb")} - {"verify.py"}
    failed = [f"{n}: not in the manifest" for n in sorted(here - names)]
    if len(names) != len(entries):
        failed.append("a file is listed twice")
    wanted = sys.argv[1:]
    total = total_cpu = 0.0
    for entry in entries:
        if wanted and not any(w in entry["file"] for w in wanted):
            continue
        wrong = check_entry(entry)
        if wrong:
            failed.append(f"{entry['file']}: {wrong}")
            continue
        path = HERE / entry["file"]
        command = [sys.executable, str(path)] if path.suffix == ".py" else [sys.executable, "-c", NOTEBOOK, str(path)]
        start, start_cpu = time.perf_counter(), cpu()
        try:
            done = subprocess.run(
                command, cwd=HERE, env={**os.environ, "OMP_NUM_THREADS": "1"},
                capture_output=True, text=True, timeout=LIMIT, check=False,
            )
            wrong = None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]
            last = (done.stdout.strip().splitlines() or [""])[-1]
        except subprocess.TimeoutExpired:
            wrong, last = f"over {LIMIT:g} s", ""
        seconds = time.perf_counter() - start
        seconds_cpu = cpu() - start_cpu
        total += seconds
        total_cpu += seconds_cpu
        if wrong:
            failed.append(f"{entry['file']}: {wrong}")
        print(f"{seconds:5.1f} s  cpu {seconds_cpu:5.1f} s  {entry['kind']:8s} {entry['file']:28s} {'FAILED ' + wrong if wrong else last[:110]}", flush=True)
    print(f"\ntotal {total:.0f} s, cpu {total_cpu:.0f} s; {len(failed)} failed")
    for line in failed:
        print("  ", line)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
