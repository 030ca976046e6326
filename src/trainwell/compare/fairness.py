"""The rules of the race that only its runs can show; a broken one marks the verdicts as unfair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainwell.records.comparison import ContenderResult, PairClaim, ProtocolFacts, Refusal

_EDGE_SHARE = 0.5  # of the studies whose winner lies at the same edge
_LOADED = 1.25  # processes per core: beyond it seconds measure the neighbours

SPECIAL_CASES: dict[str, tuple[str, ...]] = {
    "sgd-momentum": ("sgd",),
    "nesterov": ("sgd",),
    "rmsprop": ("sgd", "sgd-momentum"),
    "adam": ("sgd", "sgd-momentum", "rmsprop"),
    "adamw": ("sgd", "sgd-momentum", "rmsprop"),
    "nadam": ("sgd", "sgd-momentum", "nesterov", "rmsprop"),
}
"""Optimizers that another can imitate with suitable hyper-parameters (Choi et al. 2019): tuned well, it never loses."""


def broken_rules(
    protocol: ProtocolFacts,
    results: Sequence[ContenderResult],
    pairs: Sequence[PairClaim],
    notes: Sequence[Mapping[str, Any]],
) -> list[Refusal]:
    """Everything that makes the race unfair, with what would mend it."""
    return [
        *_overlapping_seeds(protocol),
        *_edges(protocol, results),
        *_special_cases(protocol, pairs),
        *_unequal(protocol, results),
        *_environment(protocol, notes),
    ]


def _overlapping_seeds(protocol: ProtocolFacts) -> Iterator[Refusal]:
    seeds = [*protocol.tuning_seeds, *(seed for study in protocol.final_seeds for seed in study)]
    shared = [seed for seed, count in Counter(seeds).items() if count > 1]
    if shared:
        yield Refusal(
            "overlapping seeds",
            f"{len(shared)} seeds serve more than one purpose, first {shared[0]}: what chose a winner judges it too",
            "Run it anew with seeds that the protocol draws itself",
        )


def _edges(protocol: ProtocolFacts, results: Sequence[ContenderResult]) -> Iterator[Refusal]:
    for result in results:
        studies = [study for study in result.studies if study.winner is not None]
        counts = Counter(edge for study in studies for edge in study.edges.items())
        for (path, edge), count in counts.items():
            if count >= max(1.0, _EDGE_SHARE * len(studies)):
                yield Refusal(
                    "edge of the space",
                    f"the best trial of {result.name} lies at the {edge} edge of {path} in {count} of {len(studies)} "
                    f"studies on {result.problem} at {protocol.length(result.horizon)}",
                    f"Widen {path} of {result.name} towards {'smaller' if edge == 'low' else 'larger'} values",
                    (result.name,),
                )


def _special_cases(protocol: ProtocolFacts, pairs: Sequence[PairClaim]) -> Iterator[Refusal]:
    for pair in pairs:
        if pair.verdict not in ("better", "worse"):
            continue
        winner, loser = (pair.a, pair.b) if pair.verdict == "better" else (pair.b, pair.a)
        special, general = (protocol.contender(name).optimizer for name in (winner, loser))
        if special in SPECIAL_CASES.get(general, ()):
            yield Refusal(
                "loses to its special case",
                f"{loser} ({general}) came out below {winner} ({special}) on {pair.problem} at "
                f"{protocol.length(pair.horizon)}, "
                "which it can imitate with suitable hyper-parameters",
                f"Widen the space of {loser} (for Adam's relatives: optimizer.eps up to 1 and more), or give more "
                "trials (Choi et al. 2019)",
                (loser, winner),
            )


def _unequal(protocol: ProtocolFacts, results: Sequence[ContenderResult]) -> Iterator[Refusal]:
    wanted = protocol.trials * protocol.studies
    for result in results:
        if result.trials != wanted:
            yield Refusal(
                "unequal trials",
                f"{result.name} has {result.trials} of {wanted} trials on {result.problem} at "
                f"{protocol.length(result.horizon)}",
                "Run the comparison to its end: it resumes where it was interrupted",
                (result.name,),
            )


def _environment(protocol: ProtocolFacts, notes: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    changed = [str(note["code"]) for note in notes if "code" in note]
    if changed:
        yield Refusal(
            "different code",
            f"the comparison was resumed with other code than it was begun with ({'; '.join(changed)})",
            "Run it anew from one commit",
        )
    load = max((float(note["load"]) for note in notes if "load" in note), default=0.0)
    if protocol.equal == "seconds" and load > _LOADED:
        yield Refusal(
            "loaded machine",
            f"runs were given equal seconds while up to {load:.1f} processes a core wanted to run",
            "Repeat it on a quiet machine, or compare by steps: leave --seconds out",
        )
