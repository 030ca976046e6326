"""The end of `improve` on a terminal: the verdict first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwell.improve import Improvement

_COLOURS = {"better": "green", "as good as": "blue", "cannot tell": "yellow", "worse": "red"}


def print_verdict(result: Improvement) -> None:
    """Print verdict, changes, findings and where everything lies."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console(soft_wrap=False)
    colour = _COLOURS[result.verdict]
    console.print()
    console.print(Panel(Text(result.sentence), title=f"[bold {colour}]{result.verdict}[/]", border_style=colour))
    if result.record.changes:
        console.print("[bold]Changes[/]")
        for change in result.record.changes:
            console.print(f"  {change}", markup=False, highlight=False)
    if result.findings:
        console.print("[bold]Findings about the starting recipe[/]")
        for finding in result.findings:
            console.print(f"  {finding.severity} {finding.rule}: {finding.message}", markup=False, highlight=False)
    console.print("[bold]Everything is in[/]", str(result.folder), highlight=False)
    console.print("[bold]Report[/]", str(result.report), highlight=False)
