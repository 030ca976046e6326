"""Several problems together: interquartile mean, mean rank, performance profile of every contender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trainwell.records.comparison import Overall, ProtocolFacts, StudyResult
from trainwell.stats import average_ranks, interquartile_mean, performance_profile

_THRESHOLDS = tuple(float(t) for t in np.linspace(0, 1, 41))


def overall(
    protocol: ProtocolFacts, studies: Mapping[tuple[str, int], Mapping[str, Sequence[StudyResult]]]
) -> list[Overall]:
    """One entry for each contender and horizon; none for a single problem.

    Scores are scaled per problem from the worst (0) to the best (1) study of all contenders, so that problems weigh
    alike whatever their metric.
    """
    if len(protocol.problems) < 2:
        return []
    found = []
    names = [contender.name for contender in protocol.contenders]
    for horizon in protocol.horizons:
        scores_PCS = [
            _scaled(
                [[s.value for s in studies[p.facts.name, horizon][name]] for name in names], p.facts.higher_is_better
            )
            for p in protocol.problems
        ]
        ranks = average_ranks([[float(np.mean(s)) for s in scores] for scores in scores_PCS], True, protocol.level)
        for k, name in enumerate(names):
            own = [scores[k] for scores in scores_PCS]
            middle = interquartile_mean(own, protocol.level)
            profile = performance_profile(own, _THRESHOLDS, True, protocol.level)
            found.append(
                Overall(
                    name=name,
                    horizon=horizon,
                    interquartile_mean=middle.mean,
                    interval=None if middle.interval is None else (middle.interval.low, middle.interval.high),
                    rank=ranks[k].mean,
                    rank_interval=None
                    if ranks[k].interval is None
                    else (ranks[k].interval.low, ranks[k].interval.high),  # type: ignore[union-attr]
                    thresholds=profile.thresholds,
                    shares=profile.shares,
                    low=profile.low or (),
                    high=profile.high or (),
                )
            )
    return found


def _scaled(values_CS: Sequence[Sequence[float]], higher_is_better: bool) -> list[list[float]]:
    flat = [v for row in values_CS for v in row]
    low, high = min(flat), max(flat)
    width = (high - low) or 1.0
    return [[(v - low) / width if higher_is_better else (high - v) / width for v in row] for row in values_CS]
