"""`trainwell fit` more than once: over seeds or folds, with the mean and its interval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainwell.errors import UsageError
from trainwell.report.wording import interval_text, metric_text

if TYPE_CHECKING:
    from trainwell.problem import Problem
    from trainwell.recipe import Recipe
    from trainwell.stats import Estimate
    from trainwell.train import Run


def fit_repeatedly(
    problem: Problem,
    recipe: Recipe,
    *,
    seed: int,
    folder: Path,
    repeats: int,
    folds: int | None,
    test: bool,
    as_json: bool,
) -> int:
    """Train over seeds, or over folds, and print each value, the mean and its interval.

    Returns:
        The exit code: 1 if a run diverged.
    """
    from trainwell.train import fit_folds, fit_many

    def say(text: str) -> None:
        click.echo(text, err=True)

    if folds is not None:
        if test:
            raise UsageError("`--test` must stand without `--folds`, got both: folds leave the test data alone")
        found = fit_folds(problem, recipe, k=folds, repeats=repeats, seed=seed, folder=folder, listener=say)
        runs, estimate = found.runs, found.estimate
        names = [f"fold {number}" for number in range(1, len(runs) + 1)]
    else:
        seeds = list(range(seed, seed + repeats))
        runs = tuple(fit_many(problem, recipe, seeds=seeds, folder=folder, listener=say))
        estimate = _mean([_value(run) for run in runs])
        names = [f"seed {run.seed}" for run in runs]
    tested = _tested(runs, problem) if test else None
    _print(runs, names, estimate, tested, folder, as_json=as_json)
    return 1 if any(run.diverged for run in runs) else 0


def _value(run: Run) -> float:
    return float("nan") if run.diverged else run.best_metric()


def _mean(values: Sequence[float]) -> Estimate | None:
    from trainwell.stats import mean_interval

    return mean_interval(values) if all(v == v for v in values) else None


def _tested(runs: Sequence[Run], problem: Problem) -> list[float]:
    from trainwell.train.test_split import measure_test

    return [measure_test(run, problem).value for run in runs]


def _print(
    runs: Sequence[Run],
    names: Sequence[str],
    estimate: Estimate | None,
    tested: Sequence[float] | None,
    folder: Path,
    *,
    as_json: bool,
) -> None:
    metric = runs[0].problem.metric
    values = [_value(run) for run in runs]
    on_test = None if tested is None else _mean(tested)
    if as_json:
        summary = {
            "metric": metric,
            "runs": [
                {"name": name, "seed": run.seed, "status": run.status, "val": value, "folder": str(run.folder)}
                for name, run, value in zip(names, runs, values, strict=True)
            ],
            "val": _plain(estimate),
            "test": None if tested is None else {**_plain(on_test), "values": list(tested)},
            "folder": str(folder),
        }
        click.echo(json.dumps(summary, indent=1))
        return
    width = max(map(len, names))
    for index, (name, run, value) in enumerate(zip(names, runs, values, strict=True)):
        line = f"{name:<{width}}  {run.status:<9}  val {metric} {metric_text(metric, value)}"
        click.echo(line + ("" if tested is None else f"  test {metric_text(metric, tested[index])}"))
    click.echo(_sentence("val", metric, estimate, len(runs)))
    if tested is not None:
        click.echo(_sentence("test", metric, on_test, len(runs)))
    click.echo(f"runs: {folder}")


def _plain(estimate: Estimate | None) -> dict[str, Any]:
    if estimate is None:
        return {"mean": None, "interval": None, "n": 0}
    interval = estimate.interval
    return {
        "mean": estimate.mean,
        "interval": None if interval is None else [interval.low, interval.high],
        "n": estimate.n,
    }


def _sentence(split: str, metric: str, estimate: Estimate | None, n: int) -> str:
    if estimate is None:
        return f"{split} {metric}: no mean, because a run diverged"
    text = f"{split} {metric}: mean {metric_text(metric, estimate.mean)} of {n}"
    if estimate.interval is None:
        return text + "; an interval needs two or more"
    bounds = interval_text(metric, (estimate.interval.low, estimate.interval.high))
    return f"{text}, 95 % interval {bounds}"
