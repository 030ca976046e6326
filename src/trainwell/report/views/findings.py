"""Findings, worst first, symptoms under their cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trainwell.records import SEVERITIES, Finding
from trainwell.report.wording import setting_text, value_text


@dataclass(frozen=True)
class FindingView:
    """A finding as it is shown: evidence as rows of text, the remedy as text, settings and code."""

    rule: str
    severity: str
    message: str
    evidence: tuple[tuple[str, str], ...]
    remedy: str
    settings: tuple[str, ...]
    code: str
    place: str
    symptoms: tuple[FindingView, ...]


def findings(found: Iterable[Finding]) -> tuple[FindingView, ...]:
    """Worst first, by a finding and all that it explains; one that another explains stands under that one only."""
    listed = list(found)
    explained = {(s.rule, s.message) for cause in listed for s in cause.symptoms}
    tops = [f for f in listed if f.symptoms or (f.rule, f.message) not in explained]
    return tuple(_view(f) for f in _sorted(tops))


def _view(finding: Finding) -> FindingView:
    return FindingView(
        finding.rule,
        finding.severity,
        finding.message,
        tuple(_rows(finding.evidence)),
        finding.remedy.text,
        tuple(setting_text(path, value) for path, value in finding.remedy.recipe.items()),
        finding.remedy.code or "",
        "" if finding.place is None else str(finding.place),
        tuple(_view(symptom) for symptom in _sorted(finding.symptoms)),
    )


def _sorted(found: Iterable[Finding]) -> list[Finding]:
    return sorted(found, key=_worst)


def _worst(finding: Finding) -> int:
    """Rank of the worst severity among a finding and what it explains."""
    return min([SEVERITIES.index(finding.severity), *(_worst(symptom) for symptom in finding.symptoms)])


def _rows(evidence: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Nested evidence as flat rows: `overlaps / val / share`."""
    for key, value in evidence.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping) and value:
            yield from _rows(value, f"{name} / ")
        else:
            yield name, value_text(value)
