"""`trainwell tune`: the best recipe for a budget."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainwell.cli.options import (
    DURATION,
    output_folder,
    read_problem,
    read_recipe,
    recipe_options,
    remove_if_empty,
)
from trainwell.errors import UsageError

if TYPE_CHECKING:
    from trainwell.tune import Study, TuneProgress

_EVERY = 5.0  # seconds between plain lines of progress


@click.command()
@click.argument("problem", required=False)
@recipe_options
@click.option("--space", "space_file", type=click.Path(path_type=Path), help="What may vary, in TOML.")
@click.option("--trials", type=click.IntRange(min=1), help="Trials of the search; 64 where no budget is given.")
@click.option("--budget", type=DURATION, help="Time for everything, e.g. 90s or 10m.")
@click.option("--steps", type=click.IntRange(min=1), help="Optimizer updates of everything.")
@click.option("--epochs", type=click.IntRange(min=1), help="Length of a full trial.")
@click.option(
    "--method", default="sobol", show_default=True, help="sobol, halton, random, grid, focus, tpe, gp or cmaes."
)
@click.option(
    "--halving", default="halving", show_default=True, help="halving, asha, hyperband, one-epoch, population or none."
)
@click.option("--proxy", default="inside", show_default=True, help="A short run is the inside of the long one, or own.")
@click.option("--finalists", type=click.IntRange(min=1), default=3, show_default=True, help="Trained on fresh seeds.")
@click.option("--confirm", type=click.IntRange(min=0), default=3, show_default=True, help="Fresh seeds of each.")
@click.option("--target", type=float, help="Stop the search where a trial reaches this validation value.")
@click.option("--from", "earlier", multiple=True, type=click.Path(path_type=Path), help="Begin with an earlier study.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes of this machine.")
@click.option("--on", metavar="WHERE", help="ray for a local Ray cluster, ray:ADDRESS for one that runs.")
@click.option("--shared", is_flag=True, help="Share the folder with other hosts, which join by --resume.")
@click.option("--resume", type=click.Path(path_type=Path), help="Continue, or join, the study in this folder.")
@click.option("--storage", metavar="URL", help="Write the trials into this Optuna database or journal file too.")
@click.option("--mlflow", metavar="URI", help="Send the trials to this MLflow server or folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
def tune(problem: str | None, as_json: bool, **options: Any) -> int:
    """Find the best recipe for PROBLEM in a budget.

    Many short runs come before few long ones, side by side as one computation. The top few are trained again on fresh
    seeds, and what is reported of the winner is measured on others still. The exit code is 1 where nothing can be
    recommended.

    A space in TOML: "optimizer.lr" = { log_uniform = [1e-5, 1e-1] }, "model.dropout" = { choice = [0, 0.1, 0.25] },
    batch_size = { integers = [16, 512], log = true }; without --space the default one of the optimizer.
    """
    begin = time.monotonic()
    resume: Path | None = options["resume"]
    arguments = _stored(resume, problem, options) if resume is not None else _asked(problem, options)
    folder: Path = arguments["folder"]
    from trainwell.report import write_report
    from trainwell.tune import tune as run_tune

    if arguments["budget"] is not None:
        arguments["budget"] = max(1e-3, arguments["budget"] - (time.monotonic() - begin))
    try:
        with _shown(quiet_output=as_json, metric=_watched(arguments)) as (listener, say):
            study = run_tune(**arguments, listener=listener, say=say)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(
            f"everything so far is in {folder}. Go on with: trainwell tune --resume {folder}"
        ) from stop
    finally:
        if resume is None:
            remove_if_empty(folder)
    if study.recipe is not None:
        (folder / "recipe.toml").write_text(study.recipe.to_toml())
    page = write_report(folder)
    if as_json:
        click.echo(json.dumps(study.to_dict() | {"folder": str(folder), "report": str(page)}, indent=1))
    else:
        _print(study, folder, page)
    return 0 if study.recipe is not None else 1


def _asked(problem: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """The call that a command line means."""
    if problem is None:
        raise UsageError("`PROBLEM` must be given. See `trainwell problems` for the built-in ones")
    recipe = read_recipe(options["settings"], options["recipe_file"])
    from trainwell.space import Space

    space = None if options["space_file"] is None else Space.from_toml(options["space_file"])
    live = read_problem(problem, options["data"])
    return {
        "problem": live,
        "space": space,
        "recipe": recipe,
        "folder": output_folder(options["out"], "tune", problem),
        "options": {"data": None if options["data"] is None else str(options["data"])}
        | {name: options[name] for name in _KEPT}
        | {"shared": options["shared"] or options["workers"] > 1 or options["on"] is not None},
        **{name: options[name] for name in _KEPT},
        "seed": options["seed"],
        **{name: options[name] for name in _HERE},
        "earlier": options["earlier"],
    }


_KEPT = (
    "trials", "budget", "steps", "epochs", "method", "halving", "proxy", "finalists", "confirm", "target", "shared",
)  # fmt: skip
_HERE = ("workers", "on", "storage", "mlflow")  # said anew by each that joins


def _stored(folder: Path, problem: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """The call that a study was begun with; a larger budget may be given."""
    if problem or options["settings"] or options["recipe_file"] or options["out"] or options["space_file"]:
        raise UsageError(
            "`--resume` must stand without a problem, recipe or space, got one. They are kept in the study"
        )
    from trainwell.recipe import Recipe
    from trainwell.records.study import load_plan
    from trainwell.space import Space

    plan = load_plan(folder)
    if not plan.problem_spec:
        raise UsageError("`--resume`: the study's problem was made in memory: call tune(..., resume=True) from Python")
    kept = dict(plan.options)
    data = options["data"] or (Path(kept["data"]) if kept.get("data") else None)
    arguments = {name: kept[name] for name in _KEPT if name in kept}
    given = {name: options[name] for name in ("trials", "budget", "steps") if options[name] is not None}
    if given:
        arguments |= {"trials": None, "budget": None, "steps": None} | given
    return arguments | {
        "problem": read_problem(plan.problem_spec, data),
        "space": Space.from_plain(plan.space),
        "recipe": Recipe(**plan.recipe),
        "epochs": None,
        "folder": folder,
        "seed": plan.seed,
        "shared": options["shared"] or bool(kept.get("shared")),
        **{name: options[name] for name in _HERE},
        "options": kept,
        "resume": True,
    }


def _watched(arguments: dict[str, Any]) -> str:
    watch = arguments["recipe"].stopping.watch
    return str(arguments["problem"].metric.name if watch == "metric" else watch)


def _print(study: Study, folder: Path, page: Path) -> None:
    from trainwell.report.wording import metric_text, plural

    result, plan = study.result, study.record.plan
    click.echo(
        f"{plural(result.trials, 'trial')}: {result.done} at full length, {result.dropped} dropped, "
        f"{result.diverged} diverged, {result.failed} failed; {result.seconds:.1f} s"
    )
    for shown in result.correlations:
        place = f"the best at full length was number {shown.winner_place} of {shown.trials}"
        rho = f"; rank correlation with {shown.with_epochs:.3g} epochs {shown.rho:.2f} (n = {shown.n})"
        click.echo(f"after {shown.epochs:.3g} epochs: {place}{rho if shown.n and shown.rho == shown.rho else ''}")
    for finalist in result.finalists:
        values = ", ".join(metric_text(plan.watch, value) for value in finalist.values)
        click.echo(f"finalist {finalist.trial}: {metric_text(plan.watch, finalist.searched)} in the search"
                   + (f"; on fresh seeds {values}" if values else ""))  # fmt: skip
    click.echo(result.sentence)
    for line in result.advice:
        click.echo(f"note: {line}")
    if study.recipe is not None:
        click.echo(f"recipe: {folder / 'recipe.toml'}")
    click.echo(f"study: {folder}\nreport: {page}")


@contextmanager
def _shown(
    *, quiet_output: bool, metric: str
) -> Iterator[tuple[Callable[[TuneProgress], None], Callable[[str], None] | None]]:
    """Show progress: a bar on a terminal, a plain line every few seconds elsewhere; on standard error with --json."""
    stream = sys.stderr if quiet_output else sys.stdout
    if not stream.isatty():
        last = [time.monotonic()]

        def plain(event: TuneProgress) -> None:
            if time.monotonic() - last[0] >= _EVERY:
                last[0] = time.monotonic()
                print(_line(event, metric), file=stream, flush=True)

        yield plain, None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = [
        bars.TextColumn("[bold]{task.fields[stage]:<24}"),
        bars.BarColumn(bar_width=28),
        bars.TextColumn("{task.description}"),
    ]
    with bars.Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("", total=1.0, stage="searching")

        def listen(event: TuneProgress) -> None:
            bar.update(task, completed=event.fraction, stage=event.text, description=_line(event, metric))

        yield listen, None


def _line(event: TuneProgress, metric: str) -> str:
    from trainwell.report.wording import metric_text

    best = (
        "" if event.best is None else f"best {metric_text(metric, event.best)} after {event.best_epochs:.3g} epochs; "
    )
    left = (
        "" if event.seconds_left is None else f"; {event.seconds_left // 60:.0f}:{event.seconds_left % 60:02.0f} left"
    )
    return (
        f"{best}{event.running} running, {event.done} done, {event.dropped} dropped, {event.diverged} diverged, "
        f"{event.failed} failed{left}"
    )
