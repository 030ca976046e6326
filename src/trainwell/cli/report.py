"""`trainwell report DIR`: the HTML page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> int:
    """Write the HTML page of the run, the runs or the improvement in FOLDER, and print its path."""
    from trainwell.report import write_report

    click.echo(str(write_report(folder)))
    return 0
