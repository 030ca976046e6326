"""Causes first: symptoms go under the finding that explains them, the gravest tree comes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from trainwell.diagnose.rule import RULES
from trainwell.records import SEVERITIES, Finding

FAMILIES = ("data", "model", "loss", "optimization", "generalization")
"""Families in the order of causes: data make losses, losses make curves. Others come between model and loss."""


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Nest symptoms under causes and order what is left.

    A finding goes under the first other finding, in the order of causes, whose rule explains its rule. Advice explains
    advice only, so that no alarm hides under it. Of the trees, the one with the gravest finding comes first, whether
    that is the cause or a symptom; then the order of causes; then the tree with more symptoms.

    Args:
        findings: Flat, in any order.

    Returns:
        The causes, each with its symptoms (which may have symptoms of their own).
    """
    ordered = sorted(findings, key=_order_of_causes)
    parents: list[int | None] = [None] * len(ordered)
    for index, finding in enumerate(ordered):
        for other, cause in enumerate(ordered):
            if other != index and _explains(cause, finding) and not _is_above(parents, index, other):
                parents[index] = other
                break
    trees = [_tree(ordered, parents, index) for index, parent in enumerate(parents) if parent is None]
    return sorted(trees, key=lambda tree: (_gravest(tree), *_order_of_causes(tree), -len(list(flattened([tree])))))


def flattened(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Every finding with its symptoms at any depth, causes before symptoms."""
    for finding in findings:
        yield finding
        yield from flattened(finding.symptoms)


def _explains(cause: Finding, symptom: Finding) -> bool:
    entry = RULES.get(cause.rule)
    weak = cause.severity == "advice" and symptom.severity != "advice"
    seen = bool(symptom.evidence.get("seen"))  # as an event of the program: a cause, whatever the curves say
    return entry is not None and symptom.rule in entry.explains and not weak and not seen


def _is_above(parents: Sequence[int | None], index: int, other: int | None) -> bool:
    """Whether `index` is `other` or one of the findings above it, so that nesting would close a circle."""
    while other is not None:
        if other == index:
            return True
        other = parents[other]
    return False


def _tree(ordered: Sequence[Finding], parents: Sequence[int | None], index: int) -> Finding:
    symptoms = [_tree(ordered, parents, child) for child, parent in enumerate(parents) if parent == index]
    return replace(ordered[index], symptoms=tuple(sorted(symptoms, key=_order_of_causes)))


def _gravest(tree: Finding) -> int:
    return min(SEVERITIES.index(finding.severity) for finding in flattened([tree]))


def _order_of_causes(finding: Finding) -> tuple[int, int, int]:
    """Family in the order of causes, then severity, then place in the registry (structure before statistics)."""
    entry = RULES.get(finding.rule)
    family = entry.family if entry is not None else ""
    place = list(RULES).index(finding.rule) if entry is not None else len(RULES)
    rank = FAMILIES.index(family) if family in FAMILIES and not finding.evidence.get("seen") else 1.5
    return int(2 * rank), SEVERITIES.index(finding.severity), place
