"""Findings on a terminal, and a run as a JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from trainwell.records import Finding, RunRecord, to_plain

_COLOURS = {"error": "red", "warning": "yellow", "advice": "blue"}


def print_findings(findings: Iterable[Finding], *, indent: str = "") -> None:
    """Print findings, most important first, symptoms under their cause."""
    shown = list(findings)
    if not shown and not indent:
        click.echo("no findings")
    for finding in shown:
        place = f" ({finding.place})" if finding.place else ""
        click.echo(f"{indent}{click.style(finding.severity, fg=_COLOURS[finding.severity])} {finding.rule}{place}")
        click.echo(f"{indent}  {finding.message}")
        click.echo(f"{indent}  remedy: {finding.remedy.text}")
        for path, value in finding.remedy.recipe.items():
            click.echo(f"{indent}    --set {path}={value}")
        print_findings(finding.symptoms, indent=indent + "    ")


def run_summary(run: RunRecord) -> dict[str, Any]:
    """A run in plain values: status, best evaluation, findings."""
    info = run.info
    summary: dict[str, Any] = to_plain(
        {
            "problem": info.problem.name,
            "seed": info.seed,
            "status": info.status,
            "reason": info.reason,
            "steps": info.steps,
            "seconds": info.seconds,
            "metric": info.problem.metric,
            "best": info.best,
            "findings": run.findings,
        }
    )
    return summary
