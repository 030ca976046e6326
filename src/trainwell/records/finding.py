"""Findings: what a rule concluded from records, with its numbers, its place and its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "advice"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "advice")


@dataclass(frozen=True)
class Place:
    """Where in a user's program: file and line (from 1); for a notebook also the code cell, as an index (from 0).

    As text a cell goes by the prompt that it has when the notebook is run from the top: index 2 is `In[3]`.
    """

    file: str
    line: int
    cell: int | None = None

    def __str__(self) -> str:
        cell = "" if self.cell is None else f" In[{self.cell + 1}]"
        return f"{self.file}{cell}:{self.line}"


@dataclass(frozen=True)
class Remedy:
    """What to do: a sentence, and where possible the change of recipe (dotted path to value) or of code."""

    text: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None


@dataclass(frozen=True)
class Finding:
    """One fault that was recognised.

    `evidence` holds the numbers that were compared; `symptoms` are findings that this one explains.
    """

    rule: str
    severity: Severity
    message: str
    evidence: Mapping[str, Any]
    remedy: Remedy
    place: Place | None = None
    symptoms: tuple[Finding, ...] = ()

    @property
    def is_alarm(self) -> bool:
        """Whether it counts as an alarm: errors and warnings do, advice does not."""
        return self.severity != "advice"
