"""Everything of a comparison as CSV, for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import zip_longest
from pathlib import Path
from typing import Any

from trainwell.records import write_atomically
from trainwell.records.comparison import ComparisonRecord, RaceRun

_RUN_FIELDS = tuple(f.name for f in fields(RaceRun) if f.name not in ("curve", "curve_steps"))


def write_tables(folder: Path, record: ComparisonRecord, runs: Sequence[RaceRun]) -> None:
    """Write `runs.csv`, `curves.csv`, `studies.csv`, `pairs.csv`, `contenders.csv`, `tuning_curves.csv`.

    With several problems `overall.csv` and `profiles.csv` too, with a target `times.csv`.
    """
    _write(folder / "runs.csv", _RUN_FIELDS, ([getattr(run, name) for name in _RUN_FIELDS] for run in runs))
    _write(
        folder / "curves.csv",
        ("problem", "horizon", "contender", "study", "role", "number", "step", "value"),
        ([*run.key, step, value] for run in runs for step, value in zip(run.curve_steps, run.curve, strict=True)),
    )
    place = ("contender", "problem", "horizon")
    results = [((r.name, r.problem, r.horizon), r) for r in record.contenders]
    _write(
        folder / "studies.csv",
        (*place, "study", "trial", "validation", "seed", "test", "value", "winner"),
        (
            [*where, s.study, s.trial, s.validation, seed, test, s.value, s.winner]
            for where, r in results
            for s in r.studies
            for seed, test in zip(s.seeds, s.tests, strict=True)
        ),
    )
    plain = (
        "mean", "interval", "nested", "n", "last", "best", "area", "trials", "diverged_share", "good_share",
        "good_rates", "steps", "seconds",
    )  # fmt: skip
    timed = ("target", "reached", "n", "median", "mean", "interval", "seconds_median")
    _write(
        folder / "contenders.csv",
        (*place, *plain, *(f"time_{name}" for name in timed)),
        (
            [*where, *(getattr(r, name) for name in plain), *(getattr(r.reached, name, None) for name in timed)]
            for where, r in results
        ),
    )
    if any(r.reached is not None for _, r in results):
        _write(
            folder / "times.csv",
            (*place, "time", "not_yet_share"),
            (
                [*where, *point]
                for where, r in results
                if r.reached is not None
                for point in zip(r.reached.times, r.reached.survival, strict=True)
            ),
        )
    if record.overall:
        summary = ("interquartile_mean", "interval", "rank", "rank_interval")
        _write(
            folder / "overall.csv",
            ("contender", "horizon", *summary),
            ([o.name, o.horizon, *(getattr(o, name) for name in summary)] for o in record.overall),
        )
        _write(
            folder / "profiles.csv",
            ("contender", "horizon", "score", "share", "low", "high"),
            (
                [o.name, o.horizon, *point]
                for o in record.overall
                for point in zip_longest(o.thresholds, o.shares, o.low, o.high)
            ),
        )
    _write(
        folder / "tuning_curves.csv",
        (*place, "k", "mean", "low", "high", "enough"),
        ([*where, b.k, b.mean, b.low, b.high, b.enough] for where, r in results for b in r.tuning_curve),
    )
    _write(
        folder / "pairs.csv",
        ("a", "b", "problem", "horizon", "claim", "verdict", "metric", "mean", "low", "high", "p_value", "p_corrected",
         "n", "superiority", "effect", "sentence"),
        (
            [p.a, p.b, p.problem, p.horizon, p.claim, p.verdict, p.metric, p.difference.mean,
             *(p.difference.interval or (None, None)), p.difference.p_value, p.difference.p_corrected, p.difference.n,
             p.difference.superiority, p.difference.effect, p.sentence]
            for p in (*record.pairs, *record.extra_pairs)
        ),
    )  # fmt: skip


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    write_atomically(path, text.getvalue())


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return json.dumps(value, default=str) if isinstance(value, dict | list | tuple) else value
