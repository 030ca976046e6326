"""`trainwell claim`: check what somebody wrote against a result."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("text")
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def claim(text: str, result: Path, as_json: bool) -> int:
    """Check TEXT against RESULT, the folder of a comparison or of several runs.

    Exit code 0: supported. 1: not supported; each fault is named with what would mend it.

    \b
    trainwell claim "adamw is better than sgd in test accuracy at 30 epochs" runs/compare-digits-1
    """
    from trainwell.compare.claims import check_claim

    found = check_claim(text, result)
    if as_json:
        click.echo(json.dumps(found.to_dict()))
        return 0 if found.supported else 1
    if found.supported:
        click.echo("supported by the result")
    else:
        click.echo(f"not supported: {len(found.faults)} {'fault' if len(found.faults) == 1 else 'faults'}")
    for fault in found.faults:
        click.echo(f"\n{fault.name}: “{fault.quote}”\n  {fault.why}\n  remedy: {fault.remedy}")
    if found.may_be_said:
        unfair = any(fault.name == "fairness" for fault in found.faults)
        click.echo("\nwhat the result says, once it is fair:" if unfair else "\nwhat the result does support:")
        for sentence in found.may_be_said:
            click.echo(f"  {sentence}")
    return 0 if found.supported else 1
