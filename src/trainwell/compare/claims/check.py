"""Hold a text against a result and name every fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainwell.compare.claims.evidence import Evidence, evidence_of, known_optimizers
from trainwell.compare.claims.reading import Assertion, Reading, read_claim
from trainwell.problem import BUILT_INS
from trainwell.records.comparison import ComparisonRecord, ContenderResult, PairClaim
from trainwell.report.wording import is_share, p_text
from trainwell.stats.values import FEWEST_PAIRED, FEWEST_UNPAIRED

_OPPOSITE = {"better": "worse", "worse": "better", "as good as": "as good as", "cannot tell": "cannot tell"}
_SAID = 3  # sentences that are offered instead
_DIRECTIONS = {
    "better": "better",
    "worse": "worse",
    "faster": "better",
    "slower": "worse",
    "preferred": "better",
    "best": "better",
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a claim.

    Attributes:
        name: horizon, tuning, single run, best of runs, significance, direction, size, equality, contenders, setting,
            performance, scope, fairness, or no claim.
        quote: The words that it is about.
        why: What the result shows instead.
        remedy: What would mend it.
    """

    name: str
    quote: str
    why: str
    remedy: str


@dataclass(frozen=True)
class ClaimCheck:
    """What came of the check.

    Attributes:
        supported: Whether no fault was found and something was claimed.
        may_be_said: Sentences that the result does support.
    """

    text: str
    supported: bool
    faults: tuple[Fault, ...]
    may_be_said: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return asdict(self) | {"faults": [asdict(f) for f in self.faults], "may_be_said": list(self.may_be_said)}


def check_claim(text: str, result: str | Path | ComparisonRecord) -> ClaimCheck:
    """Check what somebody wrote against a result.

    Args:
        text: One or several sentences about who is better, faster, or equal.
        result: A comparison or its folder, or a folder of runs.

    Raises:
        RecordError: If the folder holds neither.
    """
    evidence = evidence_of(result)
    others = [name for name in known_optimizers() if name.lower() not in evidence.names]
    reading = read_claim(
        text, evidence.names, evidence.metric_words, others, higher_is_better=evidence.higher_is_better
    )
    faults: dict[tuple[str, str], Fault] = {}
    for fault in _faults(reading, evidence):
        faults.setdefault((fault.name, fault.quote), fault)
    named = {name for a in reading.assertions for name in (a.subject, a.object)}
    said = (
        [] if evidence.record is None else [p for p in evidence.record.pairs if _on_a_stated_problem(p, text, evidence)]
    )
    exactly = [p.sentence for p in said if {p.a, p.b} <= named]
    about = exactly or [p.sentence for p in said if not named & set(evidence.contenders) or {p.a, p.b} & named]
    return ClaimCheck(text, not faults, tuple(faults.values()), tuple(about[:_SAID]))


def _faults(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    if not reading.assertions:
        yield Fault(
            "no claim", reading.text.strip()[:80],
            "no comparison of contenders was found in the text, so nothing can be checked",
            f"Write for example “{evidence.contenders[0]} is better than {evidence.contenders[-1]} in test "
            f"{evidence.metric} at {evidence.horizons[0]} {evidence.length_unit}”",
        )  # fmt: skip
        return
    yield from _horizon(reading, evidence)
    yield from _tuning(reading, evidence)
    yield from _single_run(reading, evidence)
    yield from _chosen(reading, evidence)
    for assertion in reading.assertions:
        yield from _direction(assertion, reading, evidence)
    yield from _size(reading, evidence)
    yield from _percentages(reading, evidence)
    yield from _contenders(reading, evidence)
    yield from _performance(reading, evidence)
    yield from _scope(reading, evidence)
    if evidence.record is not None and not evidence.record.fair:
        reasons = "; ".join(r.reason for r in evidence.record.refusals)
        yield Fault(
            "fairness", reading.assertions[0].quote, f"the race was not fair: {reasons}", "Mend that and repeat"
        )


def _horizon(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    tuned = " and ".join(map(str, evidence.horizons))
    what = "tuned for and trained" if evidence.tuned else "trained"
    why = f"everything was {what} for {tuned} {evidence.length_unit}; "
    curve = (
        "a curve read before its end belongs to a schedule and settings made for the end, and says nothing of a "
        "training that ends there"
    )
    for length in reading.lengths:
        known = evidence.horizons if length.unit == evidence.length_unit else evidence.steps
        if length.unit == "steps" and not known:
            continue
        if length.unit == "seconds" and evidence.length_unit != "seconds":
            continue
        if length.is_range or length.number not in known:
            remedy = evidence.command
            if length.unit == evidence.length_unit == "epochs":
                remedy = _at(evidence, length.number)
            yield Fault("horizon", length.quote, why + curve, f"Tune at each length that the claim covers: {remedy}")
    for quote in reading.early:
        yield Fault(
            "horizon",
            quote,
            why + curve,
            f"Tune for short trainings too: {_at(evidence, max(1, evidence.horizons[0] // 2))}",
        )


def _at(evidence: Evidence, number: int) -> str:
    lengths = ",".join(map(str, sorted({number, *evidence.horizons})))
    before, _, after = evidence.command.partition("--horizons ")
    return f"{before}--horizons {lengths}{after[len(after.split(' ')[0]) :]}"


def _tuning(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    quote = reading.assertions[0].quote
    if not evidence.tuned and evidence.unit == "runs":
        yield Fault(
            "tuning", quote,
            "the result does not say how settings were chosen, so the difference may be one of tuning",
            f"Tune all alike, from stated spaces with equal trials: {evidence.command}",
        )  # fmt: skip
    elif evidence.tuned and evidence.studies < FEWEST_UNPAIRED:
        yield Fault(
            "tuning", quote,
            f"each was tuned {'once' if evidence.studies == 1 else f'{evidence.studies} times'}: this is one tuned "
            "configuration against another (C1), and another study would have found other winners; more seeds do not "
            "mend it",
            "Draw the luck of tuning again: --claim C2 --studies 5 or more",
        )  # fmt: skip


def _single_run(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    fewest = FEWEST_UNPAIRED if evidence.unit == "studies" else FEWEST_PAIRED
    if evidence.units < fewest:
        how_many = "a single run" if evidence.units == 1 else f"{evidence.units} {evidence.unit}"
        yield Fault(
            "single run", reading.assertions[0].quote,
            f"it rests on {how_many} of each: the luck of initial weights and order of data is not known",
            f"Repeat: at least {fewest} {evidence.unit} of each, better 10",
        )  # fmt: skip


def _chosen(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    for quote in reading.best_of:
        yield Fault(
            "best of runs", quote,
            f"the best of several grows with how many were run and says nothing about the next one; the result "
            f"compares means over {evidence.units} {evidence.unit}",
            "Compare means with their intervals",
        )  # fmt: skip
    for quote in reading.settings:
        if evidence.tuned and evidence.unit == "studies":
            yield Fault(
                "setting", quote,
                "procedures were compared (C2), each with the settings that its own tuning found: nothing is known "
                "about one setting against another",
                "Leave the setting out, or compare configurations: --claim C1 --studies 1 --seeds 10",
            )  # fmt: skip


def _direction(assertion: Assertion, reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    speed = assertion.kind in ("faster", "slower")
    if speed and not evidence.measured_time:
        yield Fault(
            "performance", assertion.quote,
            "“faster” has no meaning before it is said to what: no target was declared and no time to it was measured",
            "Declare a target before running: --target 0.95 (then the time to it is compared, C4)",
        )  # fmt: skip
    if evidence.record is None:
        if not speed:
            yield Fault(
                "significance", assertion.quote,
                f"{evidence.units} {evidence.unit} of each allow no interval and no p-value: it may be luck",
                f"Compare with intervals: {evidence.command}",
            )  # fmt: skip
        return
    subject, others = _who(assertion, reading, evidence)
    if assertion.kind == "open" and not subject:
        yield from _all_open(assertion, evidence)
        return
    if not subject or not others:
        if not reading.letters and not _strangers(reading, evidence):
            yield Fault(
                "contenders", assertion.quote, "it does not say who is compared with whom",
                f"Name two of {', '.join(evidence.contenders)}",
            )  # fmt: skip
        return
    for other in others:
        yield from _of_pair(assertion, reading, evidence, subject, other, speed=speed)


def _of_pair(
    assertion: Assertion, reading: Reading, evidence: Evidence, subject: str, other: str, *, speed: bool
) -> Iterator[Fault]:
    main = evidence.record.pairs if evidence.record is not None else ()
    wanted = [
        (p, flipped)
        for p, flipped in evidence.pairs(subject, other)
        if (p.claim == "C4" if speed else p in main)
        and _at_a_stated_length(p, reading)
        and _on_a_stated_problem(p, reading.text, evidence)
    ]
    if not wanted and not speed:
        yield Fault(
            "contenders", assertion.quote, f"{subject} and {other} are no declared pair of the comparison",
            "Compare all pairs: --family all",
        )  # fmt: skip
    for pair, flipped in wanted:
        verdict = _OPPOSITE[pair.verdict] if flipped else pair.verdict
        assert evidence.record is not None
        place = f"on {pair.problem} at {evidence.record.protocol.length(pair.horizon)}"
        found = f"the result {place} is: {subject} against {other}, {_told(verdict)} ({_numbers(pair)})"
        if assertion.kind == "equal":
            if verdict == "cannot tell":
                yield Fault(
                    "equality", assertion.quote, f"{found}: that no difference was shown does not make them equal",
                    "State a margin and run enough studies to show equivalence",
                )  # fmt: skip
            elif verdict != "as good as":
                yield Fault("direction", assertion.quote, found, "Say what was found")
        elif assertion.kind == "open":
            if verdict in ("better", "worse"):
                yield Fault("direction", assertion.quote, found, "Say what was found")
        elif assertion.kind == "differ":
            if verdict not in ("better", "worse"):
                yield Fault("significance", assertion.quote, found, _more(pair))
        elif verdict != _DIRECTIONS[assertion.kind]:
            name = "direction" if verdict == _OPPOSITE[_DIRECTIONS[assertion.kind]] else "significance"
            yield Fault(name, assertion.quote, found, _more(pair) if name == "significance" else "Say what was found")


def _all_open(assertion: Assertion, evidence: Evidence) -> Iterator[Fault]:
    """ "The differences are not significant": holds where no pair is decided."""
    decided = [p for p in evidence.record.pairs if p.verdict in ("better", "worse")] if evidence.record else []
    if decided:
        first = decided[0]
        yield Fault(
            "direction", assertion.quote,
            f"{len(decided)} of them are: {first.a} is {first.verdict} than {first.b} ({_numbers(first)})",
            "Say what was found",
        )  # fmt: skip


def _told(verdict: str) -> str:
    return {"cannot tell": "it cannot be told who is better"}.get(verdict, verdict)


def _more(pair: PairClaim) -> str:
    d = pair.difference
    unit = "seeds" if pair.claim == "C1" else "studies"
    if d.needed is not None and d.needed > d.n:
        return (
            f"If the difference is real, about {d.needed} {unit} of each would show it; until then say that it is open"
        )
    return "Say that it is open"


def _numbers(pair: PairClaim) -> str:
    d = pair.difference
    parts = [p_text(d.p_corrected)] if d.p_corrected is not None else [d.refusal]
    if d.interval is not None and is_share(pair.metric):
        parts.insert(0, f"{pair.a} minus {pair.b}: {100 * d.interval[0]:+.2f} to {100 * d.interval[1]:+.2f} points")
    elif d.interval is not None:
        unit = " to the target" if pair.claim == "C4" else ""
        parts.insert(0, f"{pair.a} minus {pair.b}: {d.interval[0]:+.4g} to {d.interval[1]:+.4g}{unit}")
    return ", ".join(part for part in [*parts, f"n = {d.n}"] if part)


def _on_a_stated_problem(pair: PairClaim, text: str, evidence: Evidence) -> bool:
    """Whether a pair's problem is among those that the text names, where it names any that was compared."""
    stated = [p for p in evidence.problems if re.search(rf"(?<![\w-]){re.escape(p)}(?![\w-])", text, re.I)]
    return not stated or pair.problem in stated


def _at_a_stated_length(pair: PairClaim, reading: Reading) -> bool:
    """Whether a pair's horizon is among the lengths that the text states, where it states any that was compared."""
    stated = {length.number for length in reading.lengths if length.unit != "steps" and not length.is_range}
    return not stated or pair.horizon in stated or not _compared(pair, reading)


def _compared(pair: PairClaim, reading: Reading) -> bool:
    return any(length.number == pair.horizon for length in reading.lengths)


def _who(assertion: Assertion, reading: Reading, evidence: Evidence) -> tuple[str, list[str]]:
    """Subject and objects; letters stand for the contenders in order, an unsaid partner for the other of two."""
    by_letter = dict(zip("ABCD", evidence.contenders, strict=False))
    known = set(evidence.contenders)

    def name(text: str) -> str:
        return text if text in known else by_letter.get(text, "")

    subject, other = name(assertion.subject), name(assertion.object)
    if other:
        return subject, [other] if other != subject else []
    rest = [c for c in evidence.contenders if c != subject]
    if assertion.kind in ("best", "preferred") or len(rest) == 1:
        return subject, rest
    mentioned = [c for c in dict.fromkeys([*reading.mentions.values(), *map(name, reading.letters)]) if c != subject]
    return subject, mentioned if len(mentioned) == 1 else rest if assertion.kind == "better" else mentioned


def _size(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    if evidence.record is None:
        return
    mentioned = {name for a in reading.assertions for name in (a.subject, a.object) if name}
    pairs = [p for p in evidence.record.pairs if mentioned <= {p.a, p.b} and p.difference.interval is not None]
    for points in reading.points:
        fitting = [p for p in pairs if is_share(p.metric)]
        if fitting and not any(_holds(p, points / 100) for p in fitting):
            near = fitting[0]
            yield Fault(
                "size", f"{points:g} points", f"the difference that was found is {_numbers(near)}",
                "Give the difference with its interval",
            )  # fmt: skip


def _percentages(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    """Values said of a contender, where the metric is a share: they must lie within its interval."""
    if evidence.record is None:
        return
    for name, percent in reading.percents:
        results = [r for r in evidence.record.contenders if r.name == name and r.interval is not None]
        shares = {p.facts.name for p in evidence.record.protocol.problems if is_share(p.facts.metric)}
        results = [r for r in results if r.problem in shares]
        targets = {p.target for p in evidence.record.protocol.problems}
        if not results or percent / 100 in targets or any(_within(percent / 100, r) for r in results):
            continue
        first = results[0]
        assert first.interval is not None
        low, high = first.interval
        yield Fault(
            "size", f"{percent:g} %",
            f"{name} reached {100 * first.mean:.2f} % on {first.problem} ({100 * low:.2f} to {100 * high:.2f} %, n = "
            f"{first.n})",
            "Give the mean with its interval",
        )  # fmt: skip


def _within(share: float, result: ContenderResult) -> bool:
    """Whether a share, or one minus it where an error rate is meant, lies in a result's interval."""
    assert result.interval is not None
    low, high = result.interval
    slack = 5e-4  # a value given to one decimal of a percent
    return any(low - slack <= value <= high + slack for value in (share, 1 - share))


def _holds(pair: PairClaim, size: float) -> bool:
    assert pair.difference.interval is not None
    low, high = pair.difference.interval
    slack = 5e-5  # a value given to two decimals of a point
    tolerated = {abs(pair.margin or -1.0), abs(pair.difference.seen or -1.0)}
    return (
        low - slack <= size <= high + slack
        or low - slack <= -size <= high + slack
        or any(abs(size - t) <= max(5e-4, 0.05 * t) for t in tolerated)
    )


def _contenders(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    meaning = "an optimizer can only be judged together with the space it was tuned over and the trials it was given"
    if reading.letters:
        letters = " and ".join(reading.letters)
        guess = ", ".join(f"{a} = {c}" for a, c in zip(reading.letters, evidence.contenders, strict=False))
        yield Fault(
            "contenders", letters, f"it does not say what {letters} are: {meaning} (checked here as {guess})",
            f"Name them, with spaces and trials: {', '.join(evidence.contenders)}",
        )  # fmt: skip
    for name in _strangers(reading, evidence):
        yield Fault("contenders", name, f"{name} took no part in the comparison", f"Compare it: add {name}")
    if evidence.record is None and not reading.letters:
        said = " and ".join(dict.fromkeys(reading.mentions)) or "the contenders"
        yield Fault("contenders", said, f"it does not say what they are: {meaning}", f"Say: {evidence.command}")


def _strangers(reading: Reading, evidence: Evidence) -> list[str]:
    """Optimizers that the text names and that took no part, under any name."""
    return [name for name in reading.unknown if not any(name.lower() in called.split() for called in evidence.names)]


def _performance(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    judged = [a for a in reading.assertions if a.kind not in ("faster", "slower", "open")]
    if evidence.record is not None and all(a.kind == "open" for a in reading.assertions):
        return
    measured = evidence.metric.lower()
    others = [m for m in reading.metrics if m not in (measured, "score", "error" if measured == "accuracy" else "")]
    if evidence.record is not None and judged and others and measured not in reading.metrics:
        yield Fault(
            "performance", others[0], f"{others[0]} was not compared, but the test {measured}", f"Say test {measured}"
        )
        return
    if evidence.record is not None and judged and reading.validation and "test" not in reading.text.lower():
        yield Fault(
            "performance", judged[0].quote,
            f"validation data chose the winners and cannot judge them; compared was the test {measured}",
            f"Say test {measured}",
        )  # fmt: skip
        return
    if reading.metrics and not reading.vague:
        return
    if reading.metrics and any(word in reading.text.lower() for word in ("test", "validation")):
        return
    vague = reading.vague or tuple(a.quote for a in reading.assertions if a.kind not in ("faster", "slower"))[:1]
    for quote in vague:
        yield Fault(
            "performance", quote,
            f"it does not say what is better: measured was the test {evidence.metric} of the weights that validation "
            "chose, not the training loss, the last epoch or the time"
            if evidence.record is not None
            else f"it does not say what is better: training loss or validation {evidence.metric}, best or last",
            f"Name it: “test {evidence.metric}”",
        )  # fmt: skip


def _scope(reading: Reading, evidence: Evidence) -> Iterator[Fault]:
    said = ", ".join(evidence.problems)
    for quote in reading.general:
        yield Fault("scope", quote, f"only {said} was looked at, with one model and one split", f"Say: on {said}")
    words = {word.strip(".,;:()").lower() for word in reading.text.split()}
    for name in BUILT_INS:
        if name in words and name not in evidence.problems:
            yield Fault(
                "scope", name, f"{name} took no part in the comparison, only {said}", f"Compare there: add {name}"
            )
