"""Check every program of the corpus and print how often the fault is found, named first, and placed rightly.

    python tests/corpus/run.py [--half tune|seen|judge] [--jobs 2] [--only NAME] [--verbose]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMMAND = "from trainwell.check.command import check_command; check_command()"
NEAR = 2


def examine(half: str, program: dict[str, Any]) -> dict[str, Any]:
    file = HERE / half / program["file"]
    arguments = [str(file), "--time", "60s", "--format", "json"]
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        cwd=HERE,
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {"findings": [], "program": {"status": "no report", "error": done.stderr[-2000:]}, "observed": {}}
    return {**program, "half": half, "report": report, "seconds": time.perf_counter() - begin}


def alarms(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [f for f in report["findings"] if f["severity"] != "advice"]


def names(finding: dict[str, Any]) -> set[str]:
    return {finding["rule"], *(s["rule"] for s in finding["symptoms"])}


def stands_at(finding: dict[str, Any], program: dict[str, Any]) -> bool:
    """Whether a finding stands within two lines of the fault."""
    near = finding["line"] is not None and abs(finding["line"] - program["line"]) <= NEAR
    return near and finding.get("cell") == program.get("cell", finding.get("cell"))


def stands_fairly(finding: dict[str, Any], program: dict[str, Any]) -> bool:
    """Whether a finding stands at another line that the program's author calls fair to name."""
    here = finding.get("cell") == program.get("cell", finding.get("cell"))
    listed = here and finding["line"] in program.get("lines_ok", [])
    return listed or [finding.get("cell"), finding["line"]] in program.get("also_at", [])


def summarise(results: list[dict[str, Any]], verbose: bool) -> None:
    faulty = [r for r in results if r["kind"] == "faulty"]
    healthy = [r for r in results if r["kind"] == "healthy"]
    detected = first = placed = fair = with_line = extra = 0
    for r in faulty:
        wanted = set(r["rules"])
        found = [f for f in r["report"]["findings"] if f["rule"] in wanted]
        nested = [f for f in r["report"]["findings"] if names(f) & wanted]
        raised = alarms(r["report"])
        detected += bool(nested)
        top = r["report"]["findings"][0]["rule"] if r["report"]["findings"] else None
        first += top in wanted
        others = {f["rule"] for f in raised} - wanted - set(r.get("also_true", []))
        extra += bool(others)
        right = None
        if r.get("line") and found:
            with_line += 1
            right = any(stands_at(f, r) for f in found)
            placed += right
            fair += right or any(stands_fairly(f, r) for f in found)
        if verbose and (not nested or top not in wanted or (right is False and not any(stands_fairly(f, r) for f in found)) or others):
            seen = [(f["rule"], f["line"]) for f in r["report"]["findings"]]
            print(f"  {r['file']}: wanted {sorted(wanted)} at {r.get('line')}, got {seen}", _why(r))
    alarmed = [r for r in healthy if alarms(r["report"])]
    broken = [r for r in results if r["report"]["program"].get("status") not in ("completed", "stopped")]
    for r in alarmed if verbose else []:
        print(f"  FALSE ALARM {r['file']}: {[(f['rule'], f['line'], f['message']) for f in alarms(r['report'])]}")
    for r in broken if verbose else []:
        print(f"  ended badly {r['file']}: {_why(r)}")
    for r in results if verbose else []:
        trouble = r["report"]["observed"].get("trouble")
        if trouble:
            print(f"  trouble {r['file']}: {trouble}")
    print(f"faulty {len(faulty)}: detected {_rate(detected, len(faulty))}, named first {_rate(first, len(faulty))}, "
          f"line right {_rate(fair, with_line)} (the author's first choice {_rate(placed, with_line)}), "
          f"other alarms on {extra}")
    print(f"healthy {len(healthy)}: with a false alarm {_rate(len(alarmed), len(healthy))}")
    print(f"programs that did not end well: {len(broken)}; seconds {sum(r['seconds'] for r in results):.0f}")


def _why(r: dict[str, Any]) -> str:
    program = r["report"]["program"]
    return "" if program.get("status") in ("completed", "stopped") else str(program.get("error", ""))[-400:]


def _rate(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.0%})" if whole else "0/0"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--half", choices=["tune", "seen", "judge"])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    for half in [options.half] if options.half else ["tune", "seen", "judge"]:
        manifest = HERE / half / "manifest.toml"
        if not manifest.is_file():
            continue
        programs = [p for p in tomllib.loads(manifest.read_text())["program"] if options.only in p["file"]]
        with ThreadPoolExecutor(options.jobs) as pool:
            results = list(pool.map(lambda p, half=half: examine(half, p), programs))
        print(f"== {half}: {len(results)} programs")
        summarise(results, options.verbose or half != "judge")


if __name__ == "__main__":
    main()
