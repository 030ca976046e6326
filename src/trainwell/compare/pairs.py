"""What may be said of each pair: configurations (C1), procedures (C2), tuning curves (C3), time to a target (C4)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainwell.compare.power import smallest_seen
from trainwell.compare.results import by_study, longest, time_to
from trainwell.compare.statement import pair_sentence
from trainwell.records import Verdict
from trainwell.records.comparison import (
    Claim,
    PairClaim,
    ProtocolFacts,
    RaceDifference,
    RaceProblem,
    RaceRun,
    StudyResult,
)
from trainwell.stats import (
    Difference,
    count_as_worst,
    effect_size,
    expected_best_of_k,
    holm,
    nadeau_bengio_interval,
    paired_difference,
    probability_of_superiority,
    studentised_permutation,
    units_needed,
    units_needed_unpaired,
    verdict,
)

Studies = Mapping[tuple[str, int], Mapping[str, Sequence[StudyResult]]]  # by (problem, horizon), then contender
_NOISE = 1e-6  # relative size of a difference in float32 metrics that is rounding


@dataclass(frozen=True)
class _Found:
    """A pair before its correction."""

    a: str
    b: str
    problem: RaceProblem
    horizon: int
    result: Difference
    values_a: Sequence[float]
    values_b: Sequence[float]
    k: int | None = None


def pairs_of(protocol: ProtocolFacts) -> Iterator[tuple[str, str]]:
    """The declared pairs (a, b): all, or each against the first."""
    names = [contender.name for contender in protocol.contenders]
    yield from itertools.combinations(names, 2) if protocol.family == "all" else ((n, names[0]) for n in names[1:])


def race_pairs(protocol: ProtocolFacts, studies: Studies) -> list[PairClaim]:
    """The claims that the protocol is about, corrected together over problems, horizons and pairs."""
    found = []
    for problem, horizon in _places(protocol):
        results = studies[problem.facts.name, horizon]
        for a, b in pairs_of(protocol):
            found.append(_of_studies(protocol, problem, horizon, a, b, results))
    return _claimed(protocol, found, protocol.claim)


def _of_studies(
    protocol: ProtocolFacts,
    problem: RaceProblem,
    horizon: int,
    a: str,
    b: str,
    results: Mapping[str, Sequence[StudyResult]],
) -> _Found:
    higher = problem.facts.higher_is_better
    if protocol.claim == "C1":
        x, y = results[a][0].tests, results[b][0].tests
        result: Difference = paired_difference(
            y, x, protocol.level, higher_is_better=higher, worst=problem.worst, noise=_NOISE
        )
        x, y = (tuple(v) for v in count_as_worst(x, y, higher_is_better=higher, worst=problem.worst))
    else:
        x, y = (tuple(study.value for study in results[name]) for name in (a, b))
        lost_a, lost_b = (sum(any(v != v for v in s.tests) for s in results[name]) for name in (a, b))
        result = replace(
            studentised_permutation(y, x, level=protocol.level), diverged_after=lost_a, diverged_before=lost_b
        )
    return _Found(a, b, problem, horizon, result, x, y)


def tuning_pairs(protocol: ProtocolFacts, runs: Sequence[RaceRun]) -> list[PairClaim]:
    """C3: who is ahead after the best of k trials, for k = 1, 2, 4, ...; a study is a unit, its trials are resampled.

    A verdict holds for all k asked about together; the difference shown is that of the largest k.
    """
    if protocol.studies < 2:
        return []
    ks = sorted({2**j for j in range(12) if 2**j <= max(1, protocol.trials // 5)} | {max(1, protocol.trials // 5)})
    found = []
    for problem, horizon in _places(protocol):
        higher = problem.facts.higher_is_better
        trials = by_study(runs, problem.facts.name, horizon, "trial")
        names = [contender.name for contender in protocol.contenders]
        order = [(name, study) for name in names for study in range(protocol.studies)]
        raw = [[math.nan if run.diverged else run.value for run in trials.get(key, [])] for key in order]
        if not all(raw):
            continue
        values = dict(zip(order, count_as_worst(*raw, higher_is_better=higher, worst=problem.worst), strict=True))
        for a, b in pairs_of(protocol):
            for k in ks:
                x, y = (
                    [
                        expected_best_of_k(values[name, study], k, higher_is_better=higher).mean
                        for study in range(protocol.studies)
                    ]
                    for name in (a, b)
                )
                result = studentised_permutation(y, x, level=protocol.level)
                found.append(_Found(a, b, problem, horizon, result, x, y, k))
    each = _claimed(protocol, found, "C3")
    joined = []
    by_pair = itertools.groupby(
        zip(found, each, strict=True), key=lambda two: (two[1].a, two[1].b, two[1].problem, two[1].horizon)
    )
    for _, group in by_pair:
        members = list(group)
        said = {claim.verdict for _, claim in members}
        whole: Verdict = said.pop() if len(said) == 1 else "cannot tell"
        last = replace(members[-1][1], verdict=whole)
        by_k = {f.k or 1: claim.verdict for f, claim in members}
        joined.append(replace(last, sentence=pair_sentence(protocol, members[-1][0].problem, last, by_k=by_k)))
    return joined


def target_pairs(protocol: ProtocolFacts, runs: Sequence[RaceRun]) -> list[PairClaim]:
    """C4: mean time to the target, restricted to the horizon; a study is a unit. [updates, or equal seconds]"""
    found = []
    for problem, horizon in _places(protocol):
        if problem.target is None:
            continue
        finals = by_study(runs, problem.facts.name, horizon, "final")
        end = longest(protocol, [run for group in finals.values() for run in group])
        for a, b in pairs_of(protocol):
            x, y = (_times(protocol, problem, finals, name, end) for name in (a, b))
            if protocol.claim == "C1":
                result: Difference = paired_difference(y, x, protocol.level)
            else:
                result = studentised_permutation(y, x, level=protocol.level)
            if min(*x, *y) >= end:
                nobody = "no run of either reached the target"
                result = replace(result, p_value=None, interval=None, refusal=nobody)
            found.append(_Found(a, b, problem, horizon, result, x, y))
    return _claimed(protocol, found, "C4")


def _times(
    protocol: ProtocolFacts,
    problem: RaceProblem,
    finals: Mapping[tuple[str, int], Sequence[RaceRun]],
    name: str,
    end: float,
) -> list[float]:
    """By study (by seed for C1): mean of min(time, horizon); what never reached it counts the horizon."""
    assert problem.target is not None
    units = []
    for study in range(protocol.studies):
        group = finals.get((name, study), [])
        when = [time_to(run, problem.target, problem.facts.higher_is_better) for run in group]
        times = [end if t is None else t * protocol.tick(run) for t, run in zip(when, group, strict=True)]
        times = times or [end] * protocol.seeds
        units += times if protocol.claim == "C1" else [float(np.mean(times))]
    return units


def _places(protocol: ProtocolFacts) -> Iterator[tuple[RaceProblem, int]]:
    yield from itertools.product(protocol.problems, protocol.horizons)


def split_pairs(protocol: ProtocolFacts, runs: Sequence[RaceRun], ratio: float) -> list[PairClaim]:
    """Fixed recipes over repeated random splits; the interval is corrected for overlapping training sets.

    Args:
        ratio: Held-out examples per training example.
    """
    found = []
    for problem, horizon in _places(protocol):
        finals = by_study(runs, problem.facts.name, horizon, "final")
        tests = {key[0]: [math.nan if run.diverged else run.value for run in group] for key, group in finals.items()}
        lost = {name: sum(map(math.isnan, values)) for name, values in tests.items()}
        higher = problem.facts.higher_is_better
        for a, b in pairs_of(protocol):
            x, y = count_as_worst(tests[a], tests[b], higher_is_better=higher, worst=problem.worst)
            result = replace(
                nadeau_bengio_interval(x - y, ratio, protocol.level), diverged_after=lost[a], diverged_before=lost[b]
            )
            found.append(_Found(a, b, problem, horizon, result, tuple(x), tuple(y)))
    return _claimed(protocol, found, "C1")


def _claimed(protocol: ProtocolFacts, found: Sequence[_Found], claim: Claim) -> list[PairClaim]:
    """Correct a family and say what each pair allows to be said."""
    corrected = holm([each.result.p_value for each in found])
    claims = []
    for each, p in zip(found, corrected, strict=True):
        higher = each.problem.facts.higher_is_better if claim != "C4" else False
        margin = each.problem.margin if claim != "C4" else None
        said = verdict(each.result, margin, higher, p_corrected=p)
        pair = PairClaim(
            a=each.a,
            b=each.b,
            problem=each.problem.facts.name,
            horizon=each.horizon,
            claim=claim,
            verdict=said,
            difference=_difference(protocol, each, p, higher, len(found)),
            sentence="",
            metric=each.problem.facts.metric if claim != "C4" else "time to target",
            margin=margin,
        )
        claims.append(replace(pair, sentence=pair_sentence(protocol, each.problem, pair, family=len(found))))
    return claims


def _difference(protocol: ProtocolFacts, each: _Found, p: float | None, higher: bool, family: int) -> RaceDifference:
    result, paired = each.result, protocol.claim == "C1"
    x, y = np.asarray(each.values_a), np.asarray(each.values_b)
    chance = probability_of_superiority(y, x, higher_is_better=higher)
    n, alpha = result.n, 1 - protocol.level
    sd = float((x - y).std(ddof=1)) if paired and n > 1 else _pooled(x, y)
    seen = needed = None
    if math.isfinite(sd) and result.p_value is not None and not protocol.repeats:
        per_test = alpha / family  # the first step of Holm's correction
        seen = smallest_seen(n, sd, per_test, paired=paired)
        count = units_needed if paired else units_needed_unpaired
        needed = count(sd, result.mean, alpha=per_test) if sd > 0 else None
    return RaceDifference(
        mean=result.mean,
        interval=None if result.interval is None else (result.interval.low, result.interval.high),
        p_value=result.p_value,
        p_corrected=p,
        n=n,
        method=result.method,
        refusal=result.refusal or "",
        superiority=chance.mean,
        superiority_interval=None if chance.interval is None else (chance.interval.low, chance.interval.high),
        effect=effect_size(y, x, paired=paired),
        seen=seen,
        needed=needed,
        diverged_a=result.diverged_after,
        diverged_b=result.diverged_before,
    )


def _pooled(x: np.ndarray, y: np.ndarray) -> float:
    if min(len(x), len(y)) < 2:
        return math.nan
    return float(((x.var(ddof=1) + y.var(ddof=1)) / 2) ** 0.5)
