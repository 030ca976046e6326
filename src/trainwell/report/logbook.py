"""The logbook of an improvement as Markdown: what was seen, what was tried, what came of it, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainwell.records import Finding, ImprovementRecord, LogEntry
from trainwell.report.views.findings import FindingView, findings
from trainwell.report.views.proof import proof
from trainwell.report.views.recipes import diff
from trainwell.report.wording import examples_text, seconds_text


def logbook_markdown(record: ImprovementRecord) -> str:
    """Write the logbook of an improvement at any stage; texts of the record cannot become markup."""
    return "\n".join([*_head(record), *_entries(record), *_findings(record), *_changes(record)]).rstrip() + "\n"


def _head(record: ImprovementRecord) -> Iterator[str]:
    read = proof(record)
    facts = record.problem
    yield f"# Logbook: {_line(facts.name)}"
    yield ""
    yield f"**{_line(read.verdict)}.** {_line(read.sentence or read.headline)}"
    yield ""
    if read.figures:
        yield "| | value | |"
        yield "|---|---|---|"
        for figure in read.figures:
            yield f"| {_line(figure.label)} | {_line(figure.value)} | {_line(figure.note)} |"
        yield ""
    yield f"- Problem: {_line(facts.task)}, {_line(examples_text(facts))}; decided by {_line(facts.metric)}"
    spent = f"{seconds_text(record.seconds)} of {seconds_text(record.budget_seconds)}"
    yield f"- Started {_line(record.started)}, master seed {record.seed}, {spent}"
    yield f"- Status: {record.status}"
    yield ""


def _entries(record: ImprovementRecord) -> Iterator[str]:
    yield "## Steps"
    yield ""
    for number, entry in enumerate(record.entries, 1):
        yield f"### {number}. {_line(entry.title)} ({_line(entry.step)}, {seconds_text(entry.seconds)})"
        yield ""
        yield from _words(entry)
        yield ""
    if record.status in ("running", "interrupted", "stopped"):
        yield f"*{record.status.capitalize()} here: the steps after this were not reached.*"
        yield ""


def _words(entry: LogEntry) -> Iterator[str]:
    if entry.skipped:
        yield f"- Skipped: {_line(entry.skipped)}"
    for label, text in (
        ("Tried", entry.tried),
        ("Seen", entry.seen),
        ("Effect", entry.effect),
        ("Decision", entry.decision),
    ):
        if text:
            yield f"- {label}: {_line(text)}"
    if entry.findings:
        yield f"- Findings: {', '.join(_line(f.rule) for f in entry.findings)}"


def _findings(record: ImprovementRecord) -> Iterator[str]:
    found: tuple[Finding, ...] = record.findings
    if found:
        yield "## Findings"
        yield ""
        for finding in findings(found):
            yield from _finding(finding, "")
        yield ""


def _finding(finding: FindingView, indent: str) -> Iterator[str]:
    place = f" ({_line(finding.place)})" if finding.place else ""
    yield f"{indent}- **{_line(finding.rule)}** [{finding.severity}]{place}: {_line(finding.message)}"
    settings = f" `{_code(' '.join(finding.settings))}`" if finding.settings else ""
    yield f"{indent}  - Remedy: {_line(finding.remedy)}{settings}"
    for symptom in finding.symptoms:
        yield from _finding(symptom, indent + "  ")


def _changes(record: ImprovementRecord) -> Iterator[str]:
    if record.recipe_after is None:
        return
    yield "## Recipe"
    yield ""
    changed = diff(record.recipe_before, record.recipe_after).changed
    if not changed:
        yield "No field changed."
        return
    yield "| field | before | after |"
    yield "|---|---|---|"
    for change in changed:
        yield f"| `{_code(change.path)}` | {_line(change.before)} | {_line(change.after)} |"


def _line(text: object) -> str:
    """One line of text in which nothing is markup: no element, link, emphasis, table cell or code begins in it."""
    return re.sub(r"([\\`*_\[\]|<>])", _escaped, " ".join(str(text).split()))


def _escaped(match: re.Match[str]) -> str:
    return {"<": "&lt;", ">": "&gt;"}.get(match[1], "\\" + match[1])


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'").replace("|", "\\|")
