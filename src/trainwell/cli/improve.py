"""`trainwell improve`: the main job."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from trainwell.cli.options import DURATION, output_folder, read_recipe, recipe_options
from trainwell.errors import DataStop, UsageError


@click.command()
@click.argument("problem", required=False)
@recipe_options
@click.option("--budget", type=DURATION, default="3m", show_default=True, help="Time for everything, e.g. 90s or 10m.")
@click.option("--allow", multiple=True, metavar="RULE", help="Go on in spite of this error finding of the data.")
@click.option("--resume", type=click.Path(path_type=Path), help="Continue the improvement in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
def improve(
    problem: str | None,
    settings: tuple[str, ...],
    recipe_file: Path | None,
    seed: int,
    data: Path | None,
    out: Path | None,
    budget: float,
    allow: tuple[str, ...],
    resume: Path | None,
    as_json: bool,
) -> int:
    """Find out why PROBLEM trains badly, fix it, tune it, and prove that it got better.

    PROBLEM is a built-in name (`trainwell problems`), a file `my_problem.py` with a variable or function
    `problem`, `path.py:name`, or `package.module:name`.
    """
    begin = time.monotonic()
    arguments = _arguments(problem, settings, recipe_file, seed, data, out, budget, allow, resume)
    from trainwell.cli.progress import shown_progress
    from trainwell.improve import improve as run_improve

    with shown_progress(quiet_output=as_json) as listener:
        try:
            result = run_improve(**arguments, listener=listener, spent=time.monotonic() - begin)
        except DataStop as stop:
            if as_json:
                click.echo(json.dumps(_stopped(Path(arguments["folder"]), stop), indent=1))
                return 1
            raise
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=1, allow_nan=False))
    else:
        from trainwell.cli.verdict import print_verdict

        print_verdict(result)
    return 0


def _arguments(
    problem: str | None,
    settings: tuple[str, ...],
    recipe_file: Path | None,
    seed: int,
    data: Path | None,
    out: Path | None,
    budget: float,
    allow: tuple[str, ...],
    resume: Path | None,
) -> dict[str, Any]:
    if resume is not None:
        if problem or settings or recipe_file or out:
            raise UsageError(
                "`--resume` must stand alone, got a problem or options beside it. They are kept in the folder"
            )
        from trainwell.improve import resume_arguments

        return resume_arguments(resume)
    if problem is None:
        raise UsageError("`PROBLEM` must be given. See `trainwell problems` for the built-in ones")
    recipe = read_recipe(settings, recipe_file)
    return {
        "problem": problem,
        "recipe": recipe,
        "budget": budget,
        "seed": seed,
        "folder": output_folder(out, "improve", problem),
        "allow": allow,
        "data": data,
    }


def _stopped(folder: Path, stop: DataStop) -> dict[str, Any]:
    from trainwell.improve import Improvement
    from trainwell.records import load_improvement

    return Improvement(load_improvement(folder), folder).to_dict() | {"stopped": str(stop)}
