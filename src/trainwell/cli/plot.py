"""`trainwell plot`: draw what a recipe means."""

from __future__ import annotations

from pathlib import Path

import click

from trainwell.cli.options import read_recipe


@click.group()
def plot() -> None:
    """Draw what a recipe means."""


@plot.command(short_help="draw the learning rate of each step")
@click.argument("name", required=False)
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Change a field, e.g. schedule.floor=0.1.")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="Start from a recipe in TOML.")
@click.option("--steps", type=click.IntRange(min=2), default=1000, show_default=True, help="Length of the run.")
@click.option("--out", type=click.Path(path_type=Path), help="Write an HTML page instead of drawing on the terminal.")
def schedule(
    name: str | None, settings: tuple[str, ...], recipe_file: Path | None, steps: int, out: Path | None
) -> int:
    """Draw the learning rate of each step of a run with schedule NAME (cosine, one-cycle, wsd, ...)."""
    from trainwell.optim.schedules import multipliers, schedule_of

    recipe = read_recipe((*(() if name is None else (f"schedule={name}",)), *settings), recipe_file)
    rate = float(getattr(recipe.optimizer, "lr", 1.0))
    values = [rate * float(m) for m in multipliers(schedule_of(recipe.schedule, steps), steps)]
    if out is not None:
        from trainwell.report import write_schedule_page

        click.echo(str(write_schedule_page(recipe.schedule.name, values, out)))
        return 0
    for line in drawn(values):
        click.echo(line)
    click.echo(f"{recipe.schedule.name}: {steps} steps, highest {max(values):.3g}, last {values[-1]:.3g}")
    return 0


def drawn(values: list[float], width: int = 72, height: int = 14) -> list[str]:
    """A curve as text: one column per stretch of steps, its mean as height."""
    columns = [
        values[i * len(values) // width : max(i * len(values) // width + 1, (i + 1) * len(values) // width)]
        for i in range(min(width, len(values)))
    ]
    means = [sum(column) / len(column) for column in columns]
    top = max(means) or 1.0
    rows = []
    for row in range(height, 0, -1):
        label = f"{top * row / height:9.2e} |" if row in (height, height // 2, 1) else "          |"
        rows.append(label + "".join("#" if mean >= top * (row - 0.5) / height else " " for mean in means))
    rows.append("          +" + "-" * len(means))
    return rows
