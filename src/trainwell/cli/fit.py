"""`trainwell fit`: one training, recorded."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trainwell.cli.options import output_folder, read_problem, read_recipe, recipe_options


@click.command()
@click.argument("problem")
@recipe_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
def fit(
    problem: str,
    settings: tuple[str, ...],
    recipe_file: Path | None,
    seed: int,
    data: Path | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Train PROBLEM with one recipe and record the run.

    The weights with the best validation metric are kept. The exit code is 1 if a finding is an error or a warning.
    """
    recipe = read_recipe(settings, recipe_file)
    live = read_problem(problem, data)
    folder = output_folder(out, "fit", problem)
    from trainwell.cli.findings import print_findings, run_summary
    from trainwell.cli.lines import EpochLines
    from trainwell.report import write_run_report
    from trainwell.train import fit as run_fit

    run = run_fit(live, recipe, seed=seed, folder=folder, callbacks=[EpochLines(to_stderr=as_json)])
    page = write_run_report(folder)
    if as_json:
        click.echo(json.dumps(run_summary(run) | {"folder": str(folder), "report": str(page)}, indent=1))
    else:
        best = run.info.best
        if best is not None:
            metrics = ", ".join(f"{name} {value:.4g}" for name, value in best.metrics.items())
            click.echo(
                f"{run.status}: {run.info.reason}; best at epoch {best.epoch:.3g}: val loss {best.loss:.4g}, {metrics}"
            )
        print_findings(run.findings)
        click.echo(f"run: {folder}\nreport: {page}")
    return 1 if any(f.is_alarm for f in run.findings) else 0
