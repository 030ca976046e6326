"""From runs to what each contender reached: studies, outcomes, tuning curves, times to the target."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from trainwell.errors import MissingExtraError
from trainwell.records.comparison import (
    BestOfTrials,
    ContenderResult,
    ProtocolFacts,
    RaceProblem,
    RaceRun,
    Reached,
    StudyResult,
)
from trainwell.space import Space
from trainwell.stats import (
    count_as_worst,
    kaplan_meier,
    mean_interval,
    nested_mean,
    restricted_mean_time,
    tuning_band,
    tuning_curve,
)

_GOOD_RATIO = 0.02  # of the best value, where no margin is stated
_CURVE_POINTS = 40  # most points of a tuning curve


def by_study(runs: Sequence[RaceRun], problem: str, horizon: int, role: str) -> dict[tuple[str, int], list[RaceRun]]:
    """Runs of one problem, horizon and role by (contender, study), in the order of their numbers."""
    found: dict[tuple[str, int], list[RaceRun]] = defaultdict(list)
    for run in runs:
        if (run.problem, run.horizon, run.role) == (problem, horizon, role):
            found[run.contender, run.study].append(run)
    return {key: sorted(group, key=lambda run: run.number) for key, group in found.items()}


def winner_of(trials: Sequence[RaceRun], higher_is_better: bool) -> RaceRun | None:
    """The trial of the best validation metric, the lower validation loss among equals; None where all diverged."""
    alive = [run for run in trials if not run.diverged]
    sign = -1.0 if higher_is_better else 1.0
    return min(alive, key=lambda run: (sign * run.value, run.loss, run.number), default=None)


def study_results(
    protocol: ProtocolFacts, runs: Sequence[RaceRun], problem: RaceProblem, horizon: int
) -> dict[str, tuple[StudyResult, ...]]:
    """The studies of every contender; a diverged run counts as worst among the runs of all."""
    name, higher = problem.facts.name, problem.facts.higher_is_better
    trials, finals = (by_study(runs, name, horizon, role) for role in ("trial", "final"))
    order = [(c.name, study) for c in protocol.contenders for study in range(protocol.studies)]
    tests = {key: _tests(finals.get(key, []), protocol.seeds) for key in order}
    stood_in = dict(
        zip(order, count_as_worst(*tests.values(), higher_is_better=higher, worst=problem.worst), strict=True)
    )
    results: dict[str, list[StudyResult]] = {c.name: [] for c in protocol.contenders}
    for contender, study in order:
        winner = winner_of(trials.get((contender, study), []), higher)
        space = Space.from_plain(protocol.contender(contender).space)
        results[contender].append(
            StudyResult(
                study=study,
                winner=None if winner is None else winner.changes,
                trial=None if winner is None else winner.number,
                validation=math.nan if winner is None else winner.value,
                edges={} if winner is None else dict(space.edges(winner.changes)),
                seeds=protocol.final_seeds[study],
                tests=tuple(tests[contender, study]),
                value=float(stood_in[contender, study].mean()),
            )
        )
    return {name: tuple(found) for name, found in results.items()}


def _tests(finals: Sequence[RaceRun], seeds: int) -> list[float]:
    """Test metric by final seed; NaN for a diverged run, and for all of a study without a winner."""
    by_number = {run.number: math.nan if run.diverged or run.test is None else run.test for run in finals}
    return [by_number.get(number, math.nan) for number in range(seeds)]


def contender_result(
    protocol: ProtocolFacts,
    runs: Sequence[RaceRun],
    problem: RaceProblem,
    horizon: int,
    name: str,
    studies: Sequence[StudyResult],
) -> ContenderResult:
    """What one contender reached on one problem at one horizon."""
    own = [run for run in runs if (run.contender, run.problem, run.horizon) == (name, problem.facts.name, horizon)]
    trials = [run for run in own if run.role == "trial"]
    finals = [run for run in own if run.role == "final"]
    seeds = [value for study in studies for value in study.tests if math.isfinite(value)]
    units = [study.value for study in studies] if protocol.claim == "C2" else seeds
    estimate = mean_interval(units, protocol.level) if units else None
    finite = [[v for v in study.tests if math.isfinite(v)] or [study.value] for study in studies]
    nested = nested_mean(finite, protocol.level).interval if len(studies) > 1 else None
    good, rates = _good_region(trials, problem)
    return ContenderResult(
        name=name,
        problem=problem.facts.name,
        horizon=horizon,
        mean=math.nan if estimate is None else estimate.mean,
        interval=None if estimate is None or estimate.interval is None else _pair(estimate.interval),
        nested=None if nested is None else _pair(nested),
        n=len(units),
        studies=tuple(studies),
        last=_mean([run.last for run in finals]),
        best=_mean([run.value for run in finals]),
        area=_mean([run.area for run in finals]),
        trials=len(trials),
        diverged_share=sum(run.diverged for run in trials) / max(1, len(trials)),
        good_share=good,
        good_rates=rates,
        steps=sum(run.steps for run in own),
        seconds=sum(run.seconds for run in own),
        tuning_curve=best_of_trials(trials, problem, protocol.level),
        reached=None if problem.target is None else reached(protocol, finals, problem, problem.target),
    )


def best_of_trials(trials: Sequence[RaceRun], problem: RaceProblem, level: float) -> tuple[BestOfTrials, ...]:
    """Expected best of k trials by validation, for every k (C3); bands from opda where it is installed.

    The trials of all studies are independent draws, so they are pooled.
    """
    values = [math.nan if run.diverged else run.value for run in trials]
    higher = problem.facts.higher_is_better
    if not any(map(math.isfinite, values)) and problem.worst is None:
        return ()
    curve = tuning_curve(values, higher_is_better=higher, worst=problem.worst)
    n = len(curve)
    ks = sorted({round(k) for k in np.geomspace(1, n, min(n, _CURVE_POINTS))})
    try:
        band = tuning_band(values, ks, higher_is_better=higher, level=level, worst=problem.worst)
        limits: Mapping[int, tuple[float | None, float | None]] = dict(
            zip(ks, zip(band.low, band.high, strict=True), strict=True)
        )
    except MissingExtraError:
        limits = {
            k: (None, None)
            if (error := curve[k - 1].standard_error) is None
            else (curve[k - 1].mean - 1.96 * error, curve[k - 1].mean + 1.96 * error)
            for k in ks
        }
    return tuple(BestOfTrials(k, curve[k - 1].mean, *limits[k], curve[k - 1].enough_trials) for k in ks)


def time_to(run: RaceRun, target: float, higher_is_better: bool) -> int | None:
    """Updates until an evaluation first reached the target; None where none did, or the run diverged."""
    if run.diverged:
        return None
    sign = 1.0 if higher_is_better else -1.0
    for step, value in zip(run.curve_steps, run.curve, strict=True):
        if sign * value >= sign * target:
            return step
    return None


def longest(protocol: ProtocolFacts, finals: Sequence[RaceRun]) -> float:
    """End of the longest run on the clock of the race."""
    return max((run.steps * protocol.tick(run) for run in finals), default=1.0) or 1.0


def reached(protocol: ProtocolFacts, finals: Sequence[RaceRun], problem: RaceProblem, target: float) -> Reached | None:
    """Time to the target over final runs; runs that never reach it are censored at the end of the longest run."""
    if not finals:
        return None
    higher, level = problem.facts.higher_is_better, protocol.level
    horizon = longest(protocol, finals)
    when = [time_to(run, target, higher) for run in finals]
    times = [horizon if t is None else t * protocol.tick(run) for t, run in zip(when, finals, strict=True)]
    done = [t is not None for t in when]
    curve = kaplan_meier(times, done, level)
    mean = restricted_mean_time(times, done, horizon, level)
    studies: dict[int, list[float]] = defaultdict(list)
    for run, t in zip(finals, times, strict=True):
        studies[run.study].append(t)
    units = mean_interval([float(np.mean(group)) for group in studies.values()], level)
    per_tick = [run.seconds / max(1, run.steps) / protocol.tick(run) for run in finals]
    seconds = float(np.median(per_tick)) if protocol.equal == "steps" else 1.0
    return Reached(
        target=target,
        n=len(finals),
        reached=sum(done),
        median=curve.median,
        mean=mean.mean,
        interval=None if units.interval is None or not any(done) else _pair(units.interval),
        times=curve.times,
        survival=curve.survival,
        seconds_median=None if curve.median is None else curve.median * seconds,
    )


def _good_region(trials: Sequence[RaceRun], problem: RaceProblem) -> tuple[float, tuple[float, float] | None]:
    """Share of the trials within the margin of the best one, and the rates among them."""
    alive = [run for run in trials if not run.diverged]
    if not alive:
        return 0.0, None
    higher = problem.facts.higher_is_better
    best = max(run.value for run in alive) if higher else min(run.value for run in alive)
    margin = problem.margin if problem.margin is not None else _GOOD_RATIO * abs(best)
    good = [run for run in alive if abs(run.value - best) <= margin]
    rates = [float(run.changes["optimizer.lr"]) for run in good if "optimizer.lr" in run.changes]
    return len(good) / len(trials), (min(rates), max(rates)) if rates else None


def _mean(values: Sequence[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return float(np.mean(finite)) if finite else math.nan


def _pair(interval: object) -> tuple[float, float]:
    return interval.low, interval.high  # type: ignore[attr-defined]
