"""`trainwell explain RULE`: the page of a rule."""

from __future__ import annotations

import click


@click.command()
@click.argument("rule", required=False)
def explain(rule: str | None) -> int:
    """Show the page of RULE: what it checks, why it matters, what to try. Without RULE, list all rules."""
    from trainwell.diagnose import RULES
    from trainwell.diagnose import explain as page

    if rule is not None:
        click.echo(page(rule))
        return 0
    width = max(map(len, RULES))
    for name, entry in sorted(RULES.items(), key=lambda item: (item[1].family, item[0])):
        click.echo(f"{name:<{width}}  {entry.severity:<8} {entry.page.splitlines()[0]}")
    return 0
