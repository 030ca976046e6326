"""`trainwell diagnose RUN`: rules over a recorded run."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--select", multiple=True, metavar="RULE", help="Only these rules.")
@click.option("--ignore", multiple=True, metavar="RULE", help="All but these rules.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def diagnose(run: Path, select: tuple[str, ...], ignore: tuple[str, ...], as_json: bool) -> int:
    """Say what is wrong with the run in the folder RUN.

    The exit code is 1 if a finding is an error or a warning.
    """
    from trainwell.cli.findings import print_findings, run_summary
    from trainwell.diagnose import diagnose as find
    from trainwell.records import load_run, to_plain

    record = load_run(run)
    findings = find(record, select=select, ignore=ignore)
    if as_json:
        click.echo(json.dumps(run_summary(record) | {"findings": to_plain(findings), "folder": str(run)}, indent=1))
    else:
        click.echo(f"{record.problem.name}, seed {record.seed}: {record.status} ({record.info.reason})")
        print_findings(findings)
    return 1 if any(f.is_alarm for f in findings) else 0
