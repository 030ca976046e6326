"""`trainwell lr`: the learning-rate range test."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trainwell.cli.options import read_problem, read_recipe, recipe_options


@click.command()
@click.argument("problem")
@recipe_options
@click.option("--ramp", is_flag=True, help="One run of a rising rate in place of many of constant rates.")
@click.option("--steps", type=click.IntRange(min=1), default=100, show_default=True, help="Updates at each rate.")
@click.option("--seeds", type=click.IntRange(min=1), default=2, show_default=True, help="Seeds at each rate.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def lr(
    problem: str,
    settings: tuple[str, ...],
    recipe_file: Path | None,
    seed: int,
    data: Path | None,
    out: Path | None,
    ramp: bool,
    steps: int,
    seeds: int,
    as_json: bool,
) -> int:
    """Find a learning rate for PROBLEM: train a few steps at each of 32 rates side by side and suggest one.

    With --ramp the rate rises from step to step instead, as in the classical range test; that works for any model, and
    reads the loss of the batches. With --out the curve is written there, as data and as a page.
    """
    recipe = read_recipe(settings, recipe_file)
    live = read_problem(problem, data)
    from trainwell.records import dump_json, to_plain
    from trainwell.seeding import master_seeds
    from trainwell.tune import lr_range

    test = lr_range(live, recipe, method="ramp" if ramp else "rates", seeds=master_seeds(seed, 1, seeds), steps=steps)
    if out is not None:
        from trainwell.report import write_rate_page

        out.mkdir(parents=True, exist_ok=True)
        (out / "lr.json").write_text(dump_json(test, indent=1))
        write_rate_page(live.name, test, out / "report.html")
    if as_json:
        click.echo(json.dumps(to_plain(test), indent=1))
        return 0
    what = f"of the batches of {steps} steps" if ramp else f"on training examples after {steps} steps"
    click.echo(f"{'rate':>9}  {'loss':>9}  {what} (before: {test.start_loss:.4g})")
    few = slice(None, None, max(1, len(test.rates) // 32))
    for line in curve_lines(test.rates[few], test.losses[few], test.start_loss, test.suggestion):
        click.echo(line)
    if test.suggestion is None or test.interval is None:
        click.echo(f"no suggestion: {test.reason}")
    else:
        click.echo(f"suggested: {test.suggestion:.3g} (as good: {test.interval[0]:.2g} to {test.interval[1]:.2g})")
        click.echo(test.reason)
        if test.largest_stable is not None:
            click.echo(f"largest stable rate: {test.largest_stable:.2g}")
    if out is not None:
        click.echo(f"report: {out / 'report.html'}")
    return 0


def curve_lines(
    rates: tuple[float, ...], losses: tuple[float, ...], start: float, suggestion: float | None, width: int = 40
) -> list[str]:
    """A bar per rate: the loss after the test as a share of the loss at the start."""
    lines = []
    for rate, loss in zip(rates, losses, strict=True):
        mark = " <- suggested" if rate == suggestion else ""
        if loss != loss:
            lines.append(f"{rate:9.2e}  diverged{mark}")
            continue
        filled = round(width * min(1.0, max(0.0, loss / start))) if start else 0
        lines.append(f"{rate:9.2e}  {loss:9.4g}  {'#' * filled}{mark}")
    return lines
