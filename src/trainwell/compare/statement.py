"""The sentence that may be said, with its scope and with what is not claimed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from trainwell.compare.power import power_before
from trainwell.recipe import Recipe
from trainwell.records.comparison import ComparisonRecord, ContenderFacts, PairClaim, ProtocolFacts, RaceProblem
from trainwell.report.wording import difference_text, is_share, number_text, p_text, value_text

_NAMED = 6  # pairs that the short sentence names; the page and the table have all
RESAMPLED = "corrected resampled t"  # as `nadeau_bengio_interval` names it


def pair_sentence(
    protocol: ProtocolFacts,
    problem: RaceProblem,
    pair: PairClaim,
    *,
    family: int = 1,
    by_k: Mapping[int, str] | None = None,
) -> str:
    """What may be said of one pair, complete with its scope."""
    return " ".join(
        [
            f"{scope(problem, pair.horizon, protocol)}: {_outcome(protocol, problem, pair, family, by_k)}.",
            _what_is_compared(protocol, pair),
            f"Not claimed: {not_claimed(protocol, pair)}.",
        ]
    )


def scope(problem: RaceProblem, horizon: int, protocol: ProtocolFacts) -> str:
    """Problem, split, model and length in words."""
    facts = problem.facts
    if protocol.repeats:
        held_out = round(100 * (protocol.test_share or 0.0))
        return (
            f"On {facts.name} ({sum(facts.examples.values()):,} examples, {protocol.repeats} random splits "
            f"{100 - held_out}/{held_out}), trained for {horizon} epochs"
        )
    sizes = "/".join(f"{facts.examples.get(part, 0):,}" for part in ("train", "val", "test"))
    return (
        f"On {facts.name} (one split of {sizes} examples for train/val/test; {problem.model}), tuned for and trained "
        f"for {protocol.length(horizon)}"
    )


def _outcome(
    protocol: ProtocolFacts, problem: RaceProblem, pair: PairClaim, family: int, by_k: Mapping[int, str] | None
) -> str:
    d = pair.difference
    measured = _measured(protocol, problem, pair)
    sure = _how_sure(protocol, pair, family)
    if by_k is not None:
        return f"{pair.a} against {pair.b} after the best of k trials, by validation {_words(pair.metric)}: {_ks(by_k)}"
    match pair.verdict:
        case "better" | "worse":
            return f"{pair.a} is {pair.verdict} than {pair.b} by {measured} ({sure})"
        case "as good as":
            return (
                f"{pair.a} is as good as {pair.b} within {_size(protocol, problem, pair, pair.margin)}: "
                f"they differ by {measured} ({sure})"
            )
    seen = ""
    if d.seen is not None:
        seen = f"; a true difference of {_size(protocol, problem, pair, d.seen)} would be seen in 4 of 5"
    elif d.p_value is not None and not protocol.repeats:
        seen = f"; {d.n} units show no difference, however large, after a correction for {family}"
    needed = ""
    if d.needed is not None and d.needed > d.n:
        unit = "seeds" if pair.claim == "C1" else "studies"
        needed = f"; if the difference is real, about {d.needed} {unit} each would show it"
    why = f"; {d.refusal}" if d.refusal else ""
    open_ = f"it cannot be told whether {pair.a} or {pair.b} is better: they differ by {measured}"
    return f"{open_} ({sure}){seen}{needed}{why}"


def _ks(by_k: Mapping[int, str]) -> str:
    said = []
    for verdict in ("better", "as good as", "worse", "cannot tell"):
        ks = [k for k, v in by_k.items() if v == verdict]
        if ks:
            said.append(f"{verdict} for k = {', '.join(map(str, ks))}")
    return "; ".join(said)


def _measured(protocol: ProtocolFacts, problem: RaceProblem, pair: PairClaim) -> str:
    mean = pair.difference.mean if pair.verdict == "cannot tell" else abs(pair.difference.mean)
    if pair.claim == "C4":
        what = f"to reach validation {_words(problem.facts.metric)} {problem.target:g}"
        return f"{number_text(round(mean, 1))} {protocol.clock} {what}"
    where = "validation" if pair.claim == "C3" else "test"
    half = None if pair.difference.interval is None else (pair.difference.interval[1] - pair.difference.interval[0]) / 2
    text = difference_text(pair.metric, mean, half)
    return f"{text if pair.verdict == 'cannot tell' else text.lstrip('+')} of {where} {_words(pair.metric)}"


def _size(protocol: ProtocolFacts, problem: RaceProblem, pair: PairClaim, value: float | None) -> str:
    if value is None:
        return "nothing stated"
    if pair.claim == "C4":
        return f"{number_text(round(value, 1))} {protocol.clock}"
    return f"{100 * value:.2g} points" if is_share(problem.facts.metric) else f"{value:.2g}"


def _how_sure(protocol: ProtocolFacts, pair: PairClaim, family: int) -> str:
    d = pair.difference
    parts = []
    if d.interval is not None:
        low, high = d.interval
        if pair.claim == "C4":
            between = f"{low:+.4g} to {high:+.4g} {protocol.clock}"
        elif is_share(pair.metric):
            between = f"{100 * low:+.2f} to {100 * high:+.2f} points"
        else:
            between = f"{low:+.3g} to {high:+.3g}"
        parts.append(f"{100 * protocol.level:g} % interval {between}")
    if d.p_corrected is not None:
        corrected = f" after Holm's correction for {family} comparisons" if family > 1 else ""
        parts.append(f"{p_text(d.p_corrected)}{corrected}")
    parts.append(f"n = {d.n} {_unit(d.method, pair.claim)}")
    if d.diverged_a or d.diverged_b:
        parts.append(
            f"with diverged runs in {d.diverged_a} of {pair.a} and {d.diverged_b} of {pair.b}, counted as worst"
        )
    return ", ".join(parts)


def _unit(method: str, claim: str) -> str:
    if method == RESAMPLED:
        return "splits, corrected for their overlapping training sets (Nadeau and Bengio 2003)"
    return "paired seeds" if claim == "C1" else "independent studies each"


def _what_is_compared(protocol: ProtocolFacts, pair: PairClaim) -> str:
    a, b = (protocol.contender(name) for name in (pair.a, pair.b))
    if protocol.repeats:
        return (
            f"This compares two fixed recipes (C1), {a.name} and {b.name}, which differ in {_recipe_difference(a, b)}; "
            "both saw the same splits, initial weights per model and order of batches, and neither was tuned."
        )
    tuned = f"{protocol.trials} trials"
    if pair.claim == "C1":
        return (
            f"This compares one tuned configuration with another (C1): {_space(a)}, {_space(b)}, each the best of one "
            f"study of {tuned} by validation, on the same {protocol.seeds} fresh seeds."
        )
    if pair.claim == "C3":
        return (
            f"This compares tuning curves (C3): {_space(a)}, {_space(b)}, the best of k of {tuned} in each of "
            f"{protocol.studies} independent studies."
        )
    what = "the time to a target declared beforehand (C4)" if pair.claim == "C4" else "procedures (C2)"
    seeds = f"{protocol.seeds} fresh seeds" if protocol.seeds > 1 else "a fresh seed"
    return (
        f"This compares {what}: {_space(a)}, {_space(b)}, each tuned with {tuned} in {protocol.studies} independent "
        f"studies, the winner by validation trained again on {seeds}."
    )


def space_text(contender: ContenderFacts) -> str:
    """A space in one line, without its source."""
    lines = [" ".join(line.split()) for line in contender.space_lines if not line.startswith("source:")]
    return "; ".join(lines)


def _space(contender: ContenderFacts) -> str:
    optimizer = "" if contender.optimizer == contender.name else f"{contender.optimizer} "
    return f"{contender.name} ({optimizer}over {space_text(contender)})"


def _recipe_difference(a: ContenderFacts, b: ContenderFacts) -> str:
    changes = Recipe(**b.recipe).diff(Recipe(**a.recipe))
    return ", ".join(f"{c.path} ({value_text(c.after)} against {value_text(c.before)})" for c in changes) or "nothing"


def not_claimed(protocol: ProtocolFacts, pair: PairClaim) -> str:
    """What a reader might take from the sentence and must not."""
    if protocol.repeats:
        said = ["that one method is better than the other at its best setting", "other lengths of training"]
        said += ["other data or models"]
        return ", ".join([*said, "that the two are equal"] if pair.verdict == "cannot tell" else said)
    said = [
        "other lengths of training",
        "other spaces or numbers of trials",
        "other data, splits or models",
    ]
    if pair.claim == "C1":
        said.insert(0, "that one optimizer is better than the other: the luck of tuning was not drawn again")
    elif pair.claim == "C2":
        said.insert(0, "that any single configuration of one beats any of the other")
        if protocol.equal == "steps":
            said.append("wall time")
    elif pair.claim == "C3":
        said.insert(0, "anything about test data")
    if pair.claim != "C4":
        said.append("that one trains faster")
    if pair.verdict == "cannot tell":
        said.append("that the two are equal")
    return ", ".join(said)


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def announced(protocol: ProtocolFacts) -> Iterator[str]:
    """What is about to run, line by line: contenders with their spaces, how many runs, what they can show."""
    for c in protocol.contenders:
        if protocol.repeats:
            yield f"{c.name}: {c.optimizer}, fixed"
            continue
        source = next((line for line in c.space_lines if line.startswith("source:")), "no source stated")
        yield f"{_space(c)}; space {c.space_hash}, {source}"
    places = len(protocol.problems) * len(protocol.horizons)
    each = protocol.repeats or protocol.studies * (protocol.trials + protocol.seeds)
    how = "splits" if protocol.repeats else f"studies x ({protocol.trials} trials + {protocol.seeds} fresh seeds)"
    runs = places * len(protocol.contenders) * each
    count = protocol.repeats or protocol.studies
    yield f"protocol {protocol.hash}: {len(protocol.contenders)} contenders x {count} {how}, {runs:,} runs"
    yield power_before(protocol)


def headlines(protocol: ProtocolFacts, pairs: Sequence[PairClaim]) -> tuple[str, ...]:
    """All pairs of the main claim in short sentences, one for each problem and horizon."""
    said = []
    for problem in protocol.problems:
        for horizon in protocol.horizons:
            own = [p for p in pairs if (p.problem, p.horizon) == (problem.facts.name, horizon)]
            said.append(f"{problem.facts.name}, {protocol.length(horizon)}: {_verdicts(own)}.")
    return tuple(said)


def headline(record: ComparisonRecord) -> str:
    """The short sentences in one, and whether the race was fair."""
    unfair = "" if record.fair else " The race was not fair: " + "; ".join(r.reason for r in record.refusals) + "."
    return " ".join(record.headlines) + unfair


def _verdicts(pairs: Sequence[PairClaim]) -> str:
    better = [(p.a, p.b) if p.verdict == "better" else (p.b, p.a) for p in pairs if p.verdict in ("better", "worse")]
    equal = [(p.a, p.b) for p in pairs if p.verdict == "as good as"]
    open_ = [(p.a, p.b) for p in pairs if p.verdict == "cannot tell"]
    parts = [_grouped("better than", better)] if better else []
    if equal:
        many = f"{len(equal)} of {len(pairs)} pairs are as good as each other within the margin"
        parts.append(_grouped("as good as", equal) if len(equal) <= _NAMED else many)
    if len(open_) == len(pairs):
        parts.append("no difference can be told")
    elif open_:
        named = ", ".join(f"{a} or {b}" for a, b in open_)
        many = f"{len(open_)} of {len(pairs)} pairs cannot be told apart"
        parts.append(f"it cannot be told: {named}" if len(open_) <= _NAMED else many)
    return "; ".join(parts)


def _grouped(word: str, told: Sequence[tuple[str, str]]) -> str:
    """`a and c are better than b and d; b is better than d`: those with the same others are told together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for first in dict.fromkeys(a for a, _ in told):
        alike.setdefault(tuple(b for a, b in told if a == first), []).append(first)
    return "; ".join(
        f"{_and(firsts)} {'is' if len(firsts) == 1 else 'are'} {word} {_and(others)}"
        for others, firsts in alike.items()
    )


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
