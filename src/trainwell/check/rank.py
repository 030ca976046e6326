"""From a run to findings: every rule is asked, symptoms go under their causes, the most important come first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from trainwell.diagnose.rule import RULES, selected
from trainwell.records import SEVERITIES, Finding, RunRecord


def findings_of(
    run: RunRecord, select: Iterable[str] = (), ignore: Iterable[str] = ()
) -> tuple[list[Finding], list[str]]:
    """Ask the selected rules; a rule that fails is told, never fatal."""
    found: list[Finding] = []
    trouble: list[str] = []
    for rule in selected(select, ignore):
        try:
            found.extend(rule.check(run))
        except Exception as error:
            trouble.append(f"rule {rule.name} could not be asked: {type(error).__name__}: {error}")
    return rank(found), trouble


def rank(found: Iterable[Finding]) -> list[Finding]:
    """Put symptoms under the most severe finding that explains them, and order by severity."""
    ordered = sorted(found, key=lambda f: (SEVERITIES.index(f.severity), _place_in_registry(f.rule)))
    causes: list[Finding] = []
    parents: dict[int, int] = {}
    for index, finding in enumerate(ordered):
        for other, cause in enumerate(ordered):
            if other == index or cause.severity == "advice" != finding.severity:
                continue
            rule = RULES.get(cause.rule)
            if rule is not None and finding.rule in rule.explains and not _above(parents, other, index):
                parents[index] = other
                break
    for index, finding in enumerate(ordered):
        if index in parents:
            continue
        causes.append(replace(finding, symptoms=tuple(_below(ordered, parents, index))))
    return causes


def _above(parents: dict[int, int], start: int, wanted: int) -> bool:
    while start in parents:
        start = parents[start]
        if start == wanted:
            return True
    return start == wanted


def _below(ordered: list[Finding], parents: dict[int, int], index: int) -> list[Finding]:
    found = []
    for child, parent in parents.items():
        if parent == index:
            found.append(ordered[child])
            found.extend(_below(ordered, parents, child))
    return found


def _place_in_registry(name: str) -> int:
    return list(RULES).index(name) if name in RULES else len(RULES)


def merge(per_process: list[list[Finding]]) -> list[Finding]:
    """Findings of several processes of one program: equal rule and place count once."""
    merged: dict[tuple[str, str], Finding] = {}
    for found in per_process:
        for finding in found:
            merged.setdefault((finding.rule, str(finding.place)), finding)
    return sorted(merged.values(), key=lambda f: SEVERITIES.index(f.severity))
