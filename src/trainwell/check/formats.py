"""A check's result as text, JSON, GitHub annotations or SARIF."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from trainwell.check.run import CheckResult
from trainwell.diagnose.rule import RULES
from trainwell.records import Finding
from trainwell.records.storage import to_plain

FORMATS = ("text", "json", "github", "sarif")
_LEVELS = {"error": "error", "warning": "warning", "advice": "note"}


def finding_object(finding: Finding) -> dict[str, Any]:
    """One finding as plain values; "cell" is the index of a notebook's code cell, from 0."""
    place = finding.place
    entry: dict[str, Any] = {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "file": None if place is None else place.file,
        "line": None if place is None else place.line,
    }
    if place is not None and place.cell is not None:
        entry["cell"] = place.cell
    entry["evidence"] = to_plain(finding.evidence)
    entry["remedy"] = to_plain(finding.remedy)
    entry["symptoms"] = [finding_object(symptom) for symptom in finding.symptoms]
    return entry


def as_json(result: CheckResult) -> str:
    """One object: findings, observed, program."""
    program = result.program
    shown = to_plain(program)
    value = {
        "findings": [finding_object(f) for f in result.findings],
        "observed": to_plain(result.observed()),
        "program": shown,
    }
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def as_text(result: CheckResult) -> str:
    """For people: each finding with its place, numbers and remedy."""
    lines: list[str] = []
    for finding in result.findings:
        place = "" if finding.place is None else f"{finding.place}: "
        lines.append(f"{place}{finding.severity} {finding.rule}")
        lines.append(f"    {finding.message}")
        if finding.evidence:
            shown = ", ".join(f"{k} {_short(v)}" for k, v in finding.evidence.items())
            lines.append(f"    numbers: {shown}")
        lines.append(f"    remedy: {finding.remedy.text}")
        if finding.remedy.code:
            lines.extend(f"        {row}" for row in finding.remedy.code.splitlines())
        for symptom in finding.symptoms:
            place = "" if symptom.place is None else f" ({symptom.place})"
            lines.append(f"    explains {symptom.rule}{place}: {symptom.message}")
        lines.append("")
    program = result.program
    errors = sum(f.severity == "error" for f in result.findings)
    warnings = sum(f.severity == "warning" for f in result.findings)
    advice = len(result.findings) - errors - warnings
    trace = result.trace
    lines.append(
        f"{_count(errors, 'error')}, {_count(warnings, 'warning')}, {advice} advice; "
        f"seen: {_count(trace.steps, 'optimizer step')}, {_count(trace.backward_calls, 'backward pass', 'es')}"
    )
    if program.status in ("failed", "exited", "killed", "interrupted"):
        where = f" at {program.place}" if program.place is not None else ""
        lines.append(f"The program {program.status}{where}: {program.error}")
    lines.extend(result.notes)
    return "\n".join(lines) + "\n"


def as_github(result: CheckResult) -> str:
    """Workflow commands that annotate the lines of a pull request."""
    rows = []
    for finding in result.findings:
        level = {"error": "error", "warning": "warning", "advice": "notice"}[finding.severity]
        place = finding.place
        where = "" if place is None else f"file={_property(place.file)},line={place.line},"
        text = f"{finding.message} {finding.remedy.text}"
        rows.append(f"::{level} {where}title={_property(finding.rule)}::{_data(text)}")
    return "\n".join(rows) + ("\n" if rows else "")


def as_sarif(result: CheckResult) -> str:
    """SARIF 2.1.0, as code-scanning services read it."""
    names = list(dict.fromkeys(f.rule for f in result.findings))
    rules = [
        {
            "id": name,
            "shortDescription": {"text": RULES[name].page.partition("\n")[0] if name in RULES else name},
            "help": {"text": RULES[name].page if name in RULES else name},
        }
        for name in names
    ]
    results = []
    for finding in result.findings:
        entry: dict[str, Any] = {
            "ruleId": finding.rule,
            "ruleIndex": names.index(finding.rule),
            "level": _LEVELS[finding.severity],
            "message": {"text": f"{finding.message} {finding.remedy.text}"},
            "properties": {"evidence": to_plain(finding.evidence)},
        }
        if finding.place is not None:
            location: dict[str, Any] = {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.place.file.replace("\\", "/"))},
                    "region": {"startLine": max(1, finding.place.line)},
                }
            }
            if finding.place.cell is not None:
                location["message"] = {"text": f"code cell In[{finding.place.cell + 1}]"}
            entry["locations"] = [location]
        results.append(entry)
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "trainwell", "rules": rules}}, "results": results}],
    }
    return json.dumps(log, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def render(result: CheckResult, form: str) -> str:
    """The result in one of the formats."""
    return {"text": as_text, "json": as_json, "github": as_github, "sarif": as_sarif}[form](result)


def _count(number: int, name: str, plural: str = "s") -> str:
    return f"{number} {name}{'' if number == 1 else plural}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{name} {_short(part)}" for name, part in value.items()) + ")"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_short(part) for part in value) + "]"
    return str(value)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
