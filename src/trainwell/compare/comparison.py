"""The door: compare contenders under one protocol, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from trainwell.compare.contender import BASE, Contender
from trainwell.compare.export import write_tables
from trainwell.compare.fairness import broken_rules
from trainwell.compare.journal import kept_runs, race_folder
from trainwell.compare.overall import overall
from trainwell.compare.pairs import race_pairs, target_pairs, tuning_pairs
from trainwell.compare.power import power_before, undecidable
from trainwell.compare.protocol import Plan, protocol_of
from trainwell.compare.repeating import repeat_command
from trainwell.compare.results import contender_result, study_results
from trainwell.compare.statement import announced, headline, headlines
from trainwell.compare.studies import Listener, Race
from trainwell.errors import UsageError, unknown_name
from trainwell.problem import Problem, load_problem
from trainwell.recipe import Recipe
from trainwell.records import to_plain
from trainwell.records.comparison import (
    ComparisonRecord,
    ContenderResult,
    PairClaim,
    ProtocolFacts,
    RaceRun,
    Refusal,
    load_comparison,
)


@dataclass(frozen=True)
class Comparison:
    """What a comparison may claim.

    Attributes:
        record: Everything that was found.
        folder: Where it lies; None for one in memory.
    """

    record: ComparisonRecord
    folder: Path | None = None

    @property
    def pairs(self) -> tuple[PairClaim, ...]:
        """What may be said of each pair."""
        return self.record.pairs

    @property
    def sentence(self) -> str:
        """All pairs in short."""
        return self.record.sentence

    @property
    def fair(self) -> bool:
        """Whether no rule of the race was broken."""
        return self.record.fair

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Rules that were broken."""
        return self.record.refusals

    def verdict(self, a: str, b: str, *, problem: str | None = None, horizon: int | None = None) -> PairClaim:
        """What may be said of one pair.

        Raises:
            UsageError: If it was not compared; at a horizon that was not tuned for, with the command that would.
        """
        protocol = self.record.protocol
        names = [contender.name for contender in protocol.contenders]
        for name in (a, b):
            if name not in names:
                raise UsageError(f"`a` and `b` must be contenders: {unknown_name('contender', name, names)}")
        if horizon is not None and horizon not in protocol.horizons:
            raise UsageError(refuse_horizon(protocol, horizon))
        for pair in self.pairs:
            wanted = problem in (None, pair.problem) and horizon in (None, pair.horizon)
            if wanted and {pair.a, pair.b} == {a, b}:
                return pair
        raise UsageError(f"`a` and `b` must be a declared pair, got {a} and {b}. Compare all pairs: family = all")

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        record = self.record
        return {
            "pairs": [_plain_pair(pair) for pair in record.pairs],
            "tuning_and_time": [_plain_pair(pair) for pair in record.extra_pairs],
            "contenders": [to_plain(result) for result in record.contenders],
            "overall": [to_plain(each) for each in record.overall],
            "fair": record.fair,
            "refusals": [to_plain(refusal) for refusal in record.refusals],
            "notes": list(record.notes),
            "sentence": record.sentence,
            "power": record.power,
            "protocol": {"hash": record.protocol.hash, **to_plain(record.protocol)},
            "seconds": record.seconds,
            "folder": None if self.folder is None else str(self.folder),
        }

    @classmethod
    def load(cls, folder: str | Path) -> Comparison:
        """Load a comparison that has ended.

        Raises:
            RecordError: If the folder holds none, or a damaged one.
        """
        return cls(load_comparison(folder), Path(folder))


def compare(
    problems: Problem | str | Sequence[Problem | str],
    contenders: Mapping[str, Any] | Sequence[str | Contender],
    *,
    trials: int = 20,
    studies: int = 10,
    seeds: int = 3,
    epochs: int | None = None,
    horizons: Sequence[int] | None = None,
    claim: Literal["C1", "C2"] = "C2",
    base: Recipe | None = None,
    seed: int = 0,
    margin: float | None = None,
    target: float | None = None,
    seconds: int | None = None,
    family: Literal["all", "first"] = "all",
    level: float = 0.95,
    method: str = "sobol",
    folder: str | Path | None = None,
    data: Path | None = None,
    workers: int | None = None,
    listener: Listener = lambda message: None,
) -> Comparison:
    """Tune every contender alike, judge the winners on fresh seeds and test data, and say what may be claimed.

    Args:
        problems: Problems, or names of them.
        contenders: Name to spec (`Contender.of`), or specs alone.
        trials: Trials of a study.
        studies: Independent studies of each contender; the unit of C2.
        seeds: Fresh seeds on which the winner of each study is trained again; the unit of C1.
        epochs: Length of every run; 30 where neither this nor `horizons` is given.
        horizons: Several lengths; everything is tuned and judged at each.
        claim: C2: procedures, A(space, budget). C1: one tuned configuration against another.
        base: What is fixed for contenders named by their optimizer.
        seed: Master seed.
        margin: Difference that counts as none; one point of a share where None. [units of the metric]
        target: Validation metric of the time to target, declared before anything ran (C4).
        seconds: Equal wall time of training in place of equal steps. [whole seconds per run]
        family: Pairs that are compared and corrected together: all, or each against the first contender.
        level: Of the intervals; 1 - level is the rate of false claims over the family.
        method: How points are drawn: sobol, halton, random.
        folder: Where everything is written; a comparison of the same protocol there is resumed.
        data: Folder of data files of built-in problems.
        workers: Processes to spread runs over.
        listener: Told what goes on, in plain words.

    Raises:
        UsageError: With every mistake of the protocol in one message, before anything runs.
        ResumeError: If the folder holds a comparison of another protocol, data or library versions.

    Source:
        Choi et al. 2019, On empirical comparisons of optimizers; Schmidt et al. 2021, Descending through a crowded
        valley; Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks.
    """
    if sum(given is not None for given in (epochs, horizons, seconds)) > 1:
        raise UsageError(
            "`epochs`, `horizons` and `seconds` must be given one at a time, got several. Keep one of them"
        )
    lengths = tuple(horizons) if horizons is not None else (30 if epochs is None else epochs,)
    plan = Plan(
        trials, studies, seeds, lengths, claim, seed, level, family, margin, target, seconds, method
    )  # fmt: skip
    several = [problems] if isinstance(problems, str | Problem) else list(problems)
    loaded = [load_problem(p, data) if isinstance(p, str) else p for p in several]
    return run_protocol(
        protocol_of(loaded, contenders_of(contenders, base or BASE), plan),
        loaded,
        folder=None if folder is None else Path(folder),
        workers=workers,
        listener=listener,
    )


def run_protocol(
    protocol: ProtocolFacts,
    problems: Sequence[Problem],
    *,
    folder: Path | None,
    workers: int | None = None,
    listener: Listener = lambda message: None,
) -> Comparison:
    """Run a validated protocol, or what is left of it, and judge."""
    begin = time.monotonic()
    with race_folder(folder, protocol) as here:
        record = ComparisonRecord(
            protocol=protocol,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            environment=here.environment(),
            power=power_before(protocol),
        )
        for line in announced(protocol):
            listener(line)
        race = Race(protocol, {p.name: p for p in problems}, here, listener, workers, kept_runs(here, protocol))
        try:
            race.run()
        except KeyboardInterrupt:
            here.save(replace(record, status="interrupted"))
            raise KeyboardInterrupt(
                f"{len(race.runs)} runs are kept; the same command goes on in {here.folder}"
            ) from None
        here.append_note({"seconds": time.monotonic() - begin})
        record = judge(record, race.runs, here.notes())
        if folder is not None:
            here.save(record)
            write_tables(folder, record, race.runs)
        return Comparison(record, folder)


def judge(record: ComparisonRecord, runs: Sequence[RaceRun], notes: Sequence[Mapping[str, Any]]) -> ComparisonRecord:
    """From runs to claims; reads records only, so a stored comparison can be judged again."""
    protocol = record.protocol
    studies = {
        (problem.facts.name, horizon): study_results(protocol, runs, problem, horizon)
        for problem in protocol.problems
        for horizon in protocol.horizons
    }
    results = [
        contender_result(protocol, runs, problem, horizon, name, found)
        for problem in protocol.problems
        for horizon in protocol.horizons
        for name, found in studies[problem.facts.name, horizon].items()
    ]
    pairs = race_pairs(protocol, studies)
    extra = [*tuning_pairs(protocol, runs), *target_pairs(protocol, runs)]
    refusals = broken_rules(protocol, results, pairs, notes)
    judged = replace(
        record,
        status="completed",
        seconds=sum(float(note.get("seconds", 0.0)) for note in notes),
        pairs=tuple(pairs),
        extra_pairs=tuple(extra),
        contenders=tuple(results),
        overall=tuple(overall(protocol, studies)),
        fair=not refusals,
        refusals=tuple(refusals),
        headlines=headlines(protocol, pairs),
        notes=tuple(_remarks(protocol, results, runs)),
    )
    return replace(judged, sentence=headline(judged))


def refuse_horizon(protocol: ProtocolFacts, horizon: int) -> str:
    """Why nothing is said about another length, and the command that would find out."""
    tuned = " and ".join(map(protocol.length, protocol.horizons))
    return (
        f"`horizon` must be one that was tuned for ({tuned}), got {horizon}. Settings that are best for one "
        "length are not best for another, and a schedule that ends later has not yet lowered the rate. To find out: "
        f"{repeat_command(protocol, horizon)}"
    )


def _remarks(protocol: ProtocolFacts, results: Sequence[ContenderResult], runs: Sequence[RaceRun]) -> Iterator[str]:
    for result in results:
        place = f"on {result.problem} at {protocol.length(result.horizon)}"
        if protocol.equal == "seconds":
            steps = [run.steps for run in runs if (run.problem, run.contender) == (result.problem, result.name)]
            yield f"{result.name} makes {min(steps, default=0):,} to {max(steps, default=0):,} updates {place}"
        if result.diverged_share == 1:
            yield f"every trial of {result.name} diverged {place}: its studies count as worst. Widen or lower its rates"
        if result.reached is not None and not result.reached.reached:
            yield f"no run of {result.name} reached the target {result.reached.target:g} {place}"
    if undecidable(protocol):
        yield power_before(protocol)
    if any(problem.margin is None for problem in protocol.problems):
        yield "no margin was stated for some metric, so “as good as” is never said of it: state --margin"


def contenders_of(given: Mapping[str, Any] | Sequence[str | Contender], base: Recipe) -> list[Contender]:
    """Contenders of a mapping from name to spec, or of specs; says all mistakes."""
    pairs = (
        list(given.items())
        if isinstance(given, Mapping)
        else [(c.name, c) if isinstance(c, Contender) else (c, c) for c in given]
    )
    mistakes, found = [], []
    for name, spec in pairs:
        try:
            found.append(Contender.of(name, spec, base=base))
        except UsageError as error:
            mistakes.append(str(error))
    if mistakes:
        raise UsageError("\n".join(mistakes))
    return found


def _plain_pair(pair: PairClaim) -> dict[str, Any]:
    d = pair.difference
    return {
        "a": pair.a,
        "b": pair.b,
        "verdict": pair.verdict,
        "claim": pair.claim,
        "problem": pair.problem,
        "horizon": pair.horizon,
        "metric": pair.metric,
        "margin": pair.margin,
        "difference": to_plain(d),
        "sentence": pair.sentence,
    }
