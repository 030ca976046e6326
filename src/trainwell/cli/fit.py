"""`trainwell fit`: one training, recorded, resumable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainwell.cli.options import output_folder, read_problem, read_recipe, recipe_options, remove_if_empty
from trainwell.errors import ResumeError, UsageError

if TYPE_CHECKING:
    from trainwell.problem import Problem
    from trainwell.recipe import Recipe
    from trainwell.train import Run


@click.command()
@click.argument("problem", required=False)
@recipe_options
@click.option("--resume", type=click.Path(path_type=Path), help="Continue the run in this folder, to the bit.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Train over so many seeds.")
@click.option("--folds", type=click.IntRange(min=2), help="Cross-validate over so many folds.")
@click.option("--test", is_flag=True, help="Read the test data at the end; do it once, when all is chosen.")
@click.option("--tensorboard", type=click.Path(path_type=Path), help="Write TensorBoard event files into this folder.")
@click.option("--mlflow", metavar="URI", help="Send the run to this MLflow server or folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
def fit(
    problem: str | None,
    settings: tuple[str, ...],
    recipe_file: Path | None,
    seed: int,
    data: Path | None,
    out: Path | None,
    resume: Path | None,
    repeats: int,
    folds: int | None,
    test: bool,
    tensorboard: Path | None,
    mlflow: str | None,
    as_json: bool,
) -> int:
    """Train PROBLEM with one recipe and record the run.

    The weights with the best validation metric are kept. The exit code is 1 if a finding is an error or a warning.
    With --repeats or --folds it trains several times, together where that is faster, and gives the mean with its
    interval; the exit code is 1 if a run diverged.
    """
    several = repeats > 1 or folds is not None
    if several and (tensorboard or mlflow or resume):
        raise UsageError("`--repeats` and `--folds` must stand without --resume, --tensorboard and --mlflow, got both")
    if resume is not None:
        if problem or settings or recipe_file or out:
            raise UsageError("`--resume` must stand without a problem or settings, got both. They are kept in the run")
        live, recipe, seed, folder = _stored(resume, data)
    else:
        if problem is None:
            raise UsageError("`PROBLEM` must be given. See `trainwell problems` for the built-in ones")
        recipe = read_recipe(settings, recipe_file)
        live = read_problem(problem, data)
        folder = output_folder(out, "fit", problem)
    if test and live.test is None:
        raise UsageError("`--test` must go with a problem that has test data, got none. Give the problem a test split")
    if several:
        from trainwell.cli.repeated import fit_repeatedly

        return fit_repeatedly(
            live, recipe, seed=seed, folder=folder, repeats=repeats, folds=folds, test=test, as_json=as_json
        )
    from trainwell.cli.findings import print_findings, run_summary
    from trainwell.cli.lines import EpochLines, values_of
    from trainwell.report import write_run_report
    from trainwell.report.wording import metric_text
    from trainwell.train import Callback, MLflow, TensorBoard
    from trainwell.train import fit as run_fit

    exporters: list[Callback] = [] if tensorboard is None else [TensorBoard(tensorboard)]
    exporters += [] if mlflow is None else [MLflow(mlflow)]

    try:
        lines = EpochLines(to_stderr=as_json)
        parent = {"data": str(data)} if data else None
        run = run_fit(
            live,
            recipe,
            seed=seed,
            folder=folder,
            callbacks=[lines, *exporters],
            resume=resume is not None,
            parent=parent,
        )
    except KeyboardInterrupt as stop:
        if not (folder / "run.json").exists():
            raise KeyboardInterrupt("nothing was recorded yet") from stop
        raise KeyboardInterrupt(
            f"everything so far is in {folder}. Go on with: trainwell fit --resume {folder}"
        ) from stop
    finally:
        if out is None:
            remove_if_empty(folder)
    page = write_run_report(folder)
    tested = _tested(run, live) if test else None
    if as_json:
        more = {"folder": str(folder), "report": str(page)} | ({} if tested is None else {"test": tested})
        click.echo(json.dumps(run_summary(run) | more, indent=1))
    else:
        best = run.info.best
        click.echo(f"{run.status}: {run.info.reason}")
        if best is not None:
            click.echo(f"best at epoch {best.epoch:.3g}: val {', '.join(values_of(best))}")
        if tested is not None:
            metric = run.problem.metric
            click.echo(f"test {metric} {metric_text(metric, tested)} ({run.problem.examples['test']} examples)")
        if recipe.recording.findings:
            print_findings(run.findings)
        else:
            click.echo("not diagnosed, as recording.findings = false says")
        click.echo(f"run: {folder}\nreport: {page}")
    return 1 if any(f.is_alarm for f in run.findings) else 0


def _tested(run: Run, problem: Problem) -> float:
    from trainwell.train.test_split import measure_test

    return measure_test(run, problem).value


def _stored(folder: Path, data: Path | None) -> tuple[Problem, Recipe, int, Path]:
    """Problem, recipe and seed of an interrupted run."""
    from trainwell.recipe import Recipe
    from trainwell.records import load_run

    record = load_run(folder)
    if not record.info.problem_spec:
        raise ResumeError("the run's problem was made in memory: call fit(problem, ..., resume=True) from Python")
    stored_data = record.info.parent.get("data")
    live = read_problem(record.info.problem_spec, data or (Path(stored_data) if stored_data else None))
    return live, Recipe(**record.info.recipe), record.seed, folder
