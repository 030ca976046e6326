"""`trainwell batch`: the batch size."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trainwell.cli.options import read_problem, read_recipe, recipe_options


@click.command()
@click.argument("problem")
@recipe_options
@click.option("--steps", type=click.IntRange(min=1), default=50, show_default=True, help="Updates before measuring.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def batch(
    problem: str,
    settings: tuple[str, ...],
    recipe_file: Path | None,
    seed: int,
    data: Path | None,
    out: Path | None,
    steps: int,
    as_json: bool,
) -> int:
    """Find a batch size for PROBLEM: the largest that fits, the fastest, and the one up to which more still helps.

    With --out the figures are written there, as data and as a page.
    """
    recipe = read_recipe(settings, recipe_file)
    live = read_problem(problem, data)
    from trainwell.records import dump_json, to_plain
    from trainwell.tune import batch_sizes

    found = batch_sizes(live, recipe, seed=seed, steps=steps)
    if out is not None:
        from trainwell.report import write_batch_page

        out.mkdir(parents=True, exist_ok=True)
        (out / "batch.json").write_text(dump_json(found, indent=1))
        write_batch_page(live.name, found, out / "report.html")
    if as_json:
        click.echo(json.dumps(to_plain(found), indent=1))
        return 0
    for size, speed in found.throughput:
        marks = [name for name, value in (("present", found.present), ("fastest", found.fastest)) if value == size]
        click.echo(f"{size:>7}  {speed:>12,.0f} examples a second" + (f"  <- {', '.join(marks)}" if marks else ""))
    click.echo(f"largest that fits into half of the free memory and the training split: {found.largest}")
    noise = found.noise
    if noise.interval is None:
        click.echo("gradient noise scale: cannot tell")
    else:
        low, high = noise.interval
        click.echo(
            f"gradient noise scale after {noise.at_step} steps: {noise.value:.0f} examples "
            f"(95 % interval {low:.0f} to {high:.0f})"
        )
    click.echo(f"suggested: batch_size {found.suggestion}; {found.reason}")
    if found.changes:
        click.echo("".join(f" --set {path}={value}" for path, value in found.changes.items()).strip())
    if out is not None:
        click.echo(f"report: {out / 'report.html'}")
    return 0
