"""A comparison of contenders as one value: what its page shows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainwell.records.comparison import (
    ComparisonFolder,
    ComparisonRecord,
    ContenderResult,
    PairClaim,
    RaceProblem,
    RaceRun,
    load_comparison,
)
from trainwell.report.views.environment import environment_rows
from trainwell.report.wording import (
    NOTHING,
    difference_text,
    half_width,
    interval_text,
    is_share,
    metric_text,
    p_text,
    seconds_text,
    value_text,
)
from trainwell.stats import mean_interval

_HEADLINE = 240  # characters
BADGES = {"better": "better", "as good as": "equal", "cannot tell": "unsure", "worse": "worse"}


@dataclass(frozen=True)
class Band:
    """Mean curve of one contender's final runs with the interval over its units. [clock of the race, metric]"""

    contender: str
    steps: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int


@dataclass(frozen=True)
class Trial:
    """One trial: its rate and its validation metric; NaN where it diverged."""

    contender: str
    rate: float
    value: float
    winner: bool


@dataclass(frozen=True)
class Cell:
    """A cell of the matrix of pairs: the row's contender against the column's."""

    verdict: str
    badge: str
    difference: str
    p: str


@dataclass(frozen=True)
class Place:
    """One problem at one horizon.

    Attributes:
        matrix: Row by contender: its name and a cell for each contender; None on the diagonal or where not compared.
        units: Test metric of every unit by contender: studies (C2), seeds or splits (C1); the k-th share their seeds.
    """

    key: str
    title: str
    length: str
    problem: RaceProblem
    horizon: int
    results: tuple[ContenderResult, ...]
    pairs: tuple[PairClaim, ...]
    matrix: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    units: Mapping[str, tuple[float, ...]]
    table: tuple[tuple[str, ...], ...]
    bands: tuple[Band, ...]
    trials: tuple[Trial, ...]
    recipes: tuple[tuple[str, ...], ...]

    @property
    def in_points(self) -> bool:
        """Whether differences are points of a share."""
        return is_share(self.problem.facts.metric)


@dataclass(frozen=True)
class RaceView:
    """Everything on the page of a comparison."""

    record: ComparisonRecord
    badge: str
    verdict: str
    question: str
    places: tuple[Place, ...]
    extra: tuple[PairClaim, ...]
    protocol: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    costs: tuple[tuple[str, str, float], ...]
    command: str

    @property
    def level(self) -> str:
        """Of the intervals, in words."""
        return f"{100 * self.record.protocol.level:g} %"

    @property
    def long(self) -> bool:
        """Whether the sentence is too long for a headline."""
        return len(self.record.sentence) > _HEADLINE

    @property
    def length_unit(self) -> str:
        """What the horizons count."""
        return "epochs" if self.record.protocol.equal == "steps" else "seconds"

    @property
    def badges(self) -> dict[str, str]:
        """Badge of each verdict."""
        return BADGES


def race_view(folder: Path, command: str = "") -> RaceView:
    """Read a comparison and its runs.

    Raises:
        RecordError: If the folder holds none.
    """
    record = load_comparison(folder)
    runs = ComparisonFolder(folder).runs()
    badge, verdict = _badge(record)
    return RaceView(
        record=record,
        badge=badge,
        verdict=verdict,
        question=significance(record),
        places=tuple(_places(record, runs)),
        extra=record.extra_pairs,
        protocol=_protocol(record),
        environment=environment_rows(record.environment),
        costs=_costs(record),
        command=command,
    )


def significance(record: ComparisonRecord) -> str:
    """Are the differences significant? In one line."""
    decided = [p for p in record.pairs if p.verdict in ("better", "worse")]
    equal = sum(p.verdict == "as good as" for p in record.pairs)
    total = len(record.pairs)
    if not total:
        return "Nothing was compared yet."
    alpha = 100 * (1 - record.protocol.level)
    text = f"{len(decided)} of {total} differences are significant at {alpha:g} % after correction for all {total}"
    if equal:
        text += f"; {equal} {'is' if equal == 1 else 'are'} smaller than the margin"
    rest = total - len(decided) - equal
    return text + (f"; {rest} cannot be told." if rest else ".")


def _badge(record: ComparisonRecord) -> tuple[str, str]:
    if record.status != "completed":
        return "pending", record.status
    if not record.fair:
        return "worse", "not a fair race"
    verdicts = {p.verdict for p in record.pairs}
    if verdicts & {"better", "worse"}:
        return "better", "differences found"
    return ("equal", "as good as each other") if verdicts == {"as good as"} else ("unsure", "cannot tell")


def _places(record: ComparisonRecord, runs: Sequence[RaceRun]) -> list[Place]:
    places: list[Place] = []
    for problem in record.protocol.problems:
        for horizon in record.protocol.horizons:
            name = problem.facts.name
            results = tuple(r for r in record.contenders if (r.problem, r.horizon) == (name, horizon))
            if not results:
                continue
            pairs = tuple(p for p in record.pairs if (p.problem, p.horizon) == (name, horizon))
            own = [run for run in runs if (run.problem, run.horizon) == (name, horizon)]
            places.append(
                Place(
                    key=str(len(places)),
                    title=f"{name}, {record.protocol.length(horizon)}",
                    length=record.protocol.length(horizon),
                    problem=problem,
                    horizon=horizon,
                    results=results,
                    pairs=pairs,
                    matrix=_matrix(record, pairs),
                    units={r.name: _units(record, r) for r in results},
                    table=tuple(_row(r, problem, record.protocol.clock) for r in results),
                    bands=tuple(_bands(own, record, results)),
                    trials=tuple(_trials(own, results)),
                    recipes=_recipes(results),
                )
            )
    return places


def _matrix(record: ComparisonRecord, pairs: Sequence[PairClaim]) -> tuple[tuple[str, tuple[Cell | None, ...]], ...]:
    names = [c.name for c in record.protocol.contenders]
    flipped = {"better": "worse", "worse": "better"}
    cells: dict[tuple[str, str], Cell] = {}
    for p in pairs:
        d = p.difference
        for a, b, sign in ((p.a, p.b, 1), (p.b, p.a, -1)):
            verdict = p.verdict if sign > 0 else flipped.get(p.verdict, p.verdict)
            text = difference_text(p.metric, sign * d.mean, half_width(d.interval))
            cells[a, b] = Cell(verdict, BADGES[verdict], text, p_text(d.p_corrected) or "no p")
    return tuple((a, tuple(cells.get((a, b)) for b in names)) for a in names)


def _units(record: ComparisonRecord, r: ContenderResult) -> tuple[float, ...]:
    return tuple(s.value for s in r.studies) if record.protocol.claim == "C2" else r.studies[0].tests


def _row(r: ContenderResult, problem: RaceProblem, clock: str) -> tuple[str, ...]:
    metric = problem.facts.metric
    reached = r.reached
    time = NOTHING
    if reached is not None:
        when = "never by half" if reached.median is None else f"{reached.median:.3g} {clock}"
        time = f"{reached.reached}/{reached.n}, {when}"
    rates = NOTHING if r.good_rates is None else f"{r.good_rates[0]:.2g} to {r.good_rates[1]:.2g}"
    return (
        r.name,
        metric_text(metric, r.mean, half_width(r.interval)),
        interval_text(metric, r.interval) or NOTHING,
        metric_text(metric, r.best),
        metric_text(metric, r.last),
        metric_text(metric, r.area),
        time,
        f"{100 * r.diverged_share:.0f} %",
        f"{100 * r.good_share:.0f} %" if r.trials else NOTHING,
        rates,
        seconds_text(r.seconds),
    )


def _bands(runs: Sequence[RaceRun], record: ComparisonRecord, results: Sequence[ContenderResult]) -> list[Band]:
    """Mean over units at each evaluation; a study's seeds are averaged first."""
    bands = []
    for result in results:
        finals = [r for r in runs if r.contender == result.name and r.role == "final" and not r.diverged]
        units: dict[int, list[RaceRun]] = defaultdict(list)
        for run in finals:
            units[run.study if record.protocol.claim == "C2" else run.number].append(run)
        curves = {run.key: dict(zip(run.curve_steps, run.curve, strict=True)) for run in finals}
        rows = []
        for step in sorted({step for run in finals for step in run.curve_steps}):
            values = []
            for members in units.values():
                seen = [curves[m.key].get(step, math.nan) for m in members]
                found = [v for v in seen if math.isfinite(v)]
                values += [float(np.mean(found))] if found else []
            if values:
                e = mean_interval(values, record.protocol.level)
                low, high = (e.mean, e.mean) if e.interval is None else (e.interval.low, e.interval.high)
                rows.append((step * record.protocol.tick(finals[0]), e.mean, low, high))
        if rows:
            columns = [tuple(column) for column in zip(*rows, strict=True)]
            bands.append(Band(result.name, columns[0], columns[1], columns[2], columns[3], len(units)))
    return bands


def _trials(runs: Sequence[RaceRun], results: Sequence[ContenderResult]) -> list[Trial]:
    winners = {(r.name, s.study, s.trial) for r in results for s in r.studies}
    return [
        Trial(
            run.contender,
            float(run.changes["optimizer.lr"]),
            run.value,
            (run.contender, run.study, run.number) in winners,
        )
        for run in runs
        if run.role == "trial" and "optimizer.lr" in run.changes
    ]


def _recipes(results: Sequence[ContenderResult]) -> tuple[tuple[str, ...], ...]:
    rows = []
    for r in results:
        for s in r.studies:
            if s.trial is None and s.winner is None:
                rows.append((r.name, str(s.study + 1), "every trial diverged", NOTHING, NOTHING, ""))
            elif s.winner:
                edges = ", ".join(f"{path} at its {edge} edge" for path, edge in s.edges.items())
                rows.append(
                    (
                        r.name,
                        str(s.study + 1),
                        value_text(s.winner),
                        value_text(s.validation),
                        value_text(s.value),
                        edges,
                    )
                )
    return tuple(rows)


def _protocol(record: ComparisonRecord) -> tuple[tuple[str, str], ...]:
    p = record.protocol
    if p.repeats:
        rows = [("random splits", str(p.repeats)), ("held out", f"{100 * (p.test_share or 0):g} %")]
    else:
        rows = [
            ("trials of a study", str(p.trials)),
            ("independent studies", str(p.studies)),
            ("fresh seeds per winner", str(p.seeds)),
            ("tuning seeds", value_text(list(p.tuning_seeds))),
            ("final seeds", value_text([list(s) for s in p.final_seeds])),
            ("draws", f"{p.method}, new ones for every study"),
        ]
    rows += [
        ("lengths", ", ".join(map(p.length, p.horizons))),
        ("equal", p.equal),
        ("claim", p.claim),
        ("pairs corrected together", f"{p.family}: {len(record.pairs)}"),
        ("level", f"{p.level:g}"),
        ("master seed", str(p.seed)),
        ("protocol", p.hash),
    ]
    for problem in p.problems:
        margin = "none" if problem.margin is None else f"{problem.margin:g}"
        target = "none declared" if problem.target is None else f"{problem.target:g}"
        rows.append(
            (problem.facts.name, f"margin {margin}, target {target}, diverged counts as {value_text(problem.worst)}")
        )
    return tuple(rows)


def _costs(record: ComparisonRecord) -> tuple[tuple[str, str, float], ...]:
    spent: dict[str, float] = defaultdict(float)
    for r in record.contenders:
        spent[r.name] += r.seconds
    total = sum(spent.values()) or 1.0
    return tuple((name, seconds_text(seconds), seconds / total) for name, seconds in spent.items())


def scale_of(metric: str) -> float:
    """Points of a share, else the metric's own unit."""
    return 100.0 if is_share(metric) else 1.0
