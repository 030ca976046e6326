"""Options and values that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainwell.errors import UsageError

if TYPE_CHECKING:
    from trainwell.problem import Problem
    from trainwell.recipe import Recipe

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """Seconds from `90s`, `3m`, `1.5h`, or a bare number of seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a duration."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)?\s*", str(value))
        if not match or float(match[1]) <= 0:
            self.fail(f"must be a time above 0 such as 90s, 3m or 1h, got '{value}'", param, ctx)
        return float(match[1]) * _UNITS[match[2] or "s"]


DURATION = Duration()


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--set`, `--recipe`, `--seed`, `--data`, `--out`."""
    for option in reversed(
        [
            click.option(
                "--set", "settings", multiple=True, metavar="PATH=VALUE", help="Change a field, e.g. optimizer.lr=3e-4."
            ),
            click.option(
                "--recipe", "recipe_file", type=click.Path(path_type=Path), help="Start from a recipe in TOML."
            ),
            click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Master seed."),
            click.option("--data", type=click.Path(path_type=Path), help="Folder with the data of a built-in problem."),
            click.option(
                "--out", type=click.Path(path_type=Path), help="Output folder; a new one under runs/ by default."
            ),
        ]
    ):
        command = option(command)
    return command


def read_recipe(settings: tuple[str, ...], recipe_file: Path | None) -> Recipe:
    """The recipe that options mean."""
    from trainwell.recipe import Recipe, parse_settings

    recipe = Recipe.from_toml(recipe_file) if recipe_file else Recipe()
    return recipe.with_(parse_settings(settings)) if settings else recipe


def read_problem(spec: str, data: Path | None) -> Problem:
    """The problem that a name or a path means."""
    from trainwell.problem import load_problem

    return load_problem(spec, data)


def output_folder(out: Path | None, kind: str, spec: str) -> Path:
    """Make the output folder: the given one, or the next free one under `runs/`.

    Raises:
        UsageError: If it cannot be made or written to, or holds a run or an improvement already.
    """
    folder = out
    if folder is None:
        stem = re.sub(r"[^\w.-]+", "-", Path(spec.split(":")[0]).stem) or "problem"
        number = 1
        folder = Path("runs") / f"{kind}-{stem}-{number}"
        while folder.exists():
            number += 1
            folder = Path("runs") / f"{kind}-{stem}-{number}"
    if any((folder / name).exists() for name in ("run.json", "improve.json")):
        remedy = f", or continue with --resume {folder}" if kind == "improve" else ""
        raise UsageError(f"`--out` must be a folder without earlier results, got {folder}. Name another one{remedy}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"`--out` must be a folder that can be written to, got {folder}: {error.strerror}. Name another one"
        ) from None
    return folder


def remove_if_empty(folder: Path) -> None:
    """Take a folder away again that a refused command made for nothing."""
    with suppress(OSError):
        folder.rmdir()  # refuses where anything is inside
