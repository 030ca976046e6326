"""`trainwell problems`: the built-in problems."""

from __future__ import annotations

import click


@click.command()
def problems() -> int:
    """List the built-in problems; any other comes from your own file."""
    from trainwell.problem.builtin import BUILT_INS

    width = max(map(len, BUILT_INS))
    for name, entry in BUILT_INS.items():
        where = "" if entry.embedded else "  (needs --data DIR, or the internet)"
        click.echo(f"{name:<{width}}  {entry.task:<10}  {entry.size}: {entry.description}{where}")
    return 0
