"""The command `trainwell check`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """A time such as 90, 90s, 2m, 1h."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """In seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", str(value).strip())
        if match is None or float(match[1]) <= 0:
            self.fail(f"must be a time such as 90s, 2m or 1h, got {value!r}.", param, ctx)
        return float(match[1]) * _UNITS[match[2] or ""]


def _names(values: tuple[str, ...]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


@click.command("check", context_settings={"ignore_unknown_options": False})
@click.argument("path")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("-m", "--module", is_flag=True, help="PATH is the dotted name of a module.")
@click.option("--time", "seconds", type=Duration(), default="120s", show_default=True, help="Stop after this time.")
@click.option("--steps", type=click.IntRange(1), help="Stop after so many optimizer steps.")
@click.option("--select", multiple=True, metavar="RULES", help="Apply only these rules (commas, or repeat).")
@click.option("--ignore", multiple=True, metavar="RULES", help="Leave these rules out.")
@click.option("--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file.")
def check_command(
    path: str,
    arguments: tuple[str, ...],
    module: bool,
    seconds: float,
    steps: int | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    form: str,
    output: Path | None,
) -> None:
    """Say what is wrong with a training script or notebook, without editing it.

    PATH runs unmodified in its own folder and is watched. Arguments after -- are its own. Exit code: 0 no error or
    warning, 1 findings, 2 the program or this call failed.
    """
    from trainwell.check.formats import render
    from trainwell.check.run import check
    from trainwell.errors import TrainwellError

    try:
        result = check(
            path,
            module=module,
            seconds=seconds,
            steps=steps,
            select=_names(select),
            ignore=_names(ignore),
            arguments=arguments,
            output="stderr" if form in ("json", "sarif") and output is None else "same",
        )
        report = render(result, form)
        if output is None:
            click.echo(report, nl=False)
        else:
            output.write_text(report)
    except TrainwellError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        click.echo(f"error: `--output` must be a file that can be written, got {error}", err=True)
        sys.exit(2)
    sys.exit(result.exit_code)
