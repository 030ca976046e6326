"""The record of a comparison: its protocol, every run of it, the pairs, and what may be claimed.

Stored as `protocol.json` (written before anything runs), `runs.jsonl` (one run a line) and `comparison.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trainwell.errors import RecordError
from trainwell.records.environment import Environment
from trainwell.records.facts import ProblemFacts
from trainwell.records.improvement import Verdict
from trainwell.records.storage import append_lines, dump_json, parse, read_json, read_lines, to_plain, write_atomically

Claim = Literal["C1", "C2", "C3", "C4"]
Role = Literal["trial", "final"]
MARGIN_POINTS = 0.01
"""Difference of a share that counts as none where nobody states a margin: one point."""


@dataclass(frozen=True)
class ContenderFacts:
    """A(space, budget) in plain values.

    Attributes:
        spec: As it was named: an optimizer, a named default, or a file.
        recipe: What is fixed, every field.
        space: As `Space.to_plain` gives it; `space_lines` says it to people, `space_hash` tells it from others.
    """

    name: str
    spec: str
    optimizer: str
    recipe: Mapping[str, Any]
    space: Mapping[str, Any]
    space_lines: tuple[str, ...]
    space_hash: str


@dataclass(frozen=True)
class RaceProblem:
    """A problem of a comparison.

    Attributes:
        worst: What a diverged run counts as, the metric of an input-blind guess; None where there is none.
        model: The network in words.
        margin: Difference of the metric that counts as none; None to never claim "as good as".
        target: Validation metric of the time to target (C4); None where none was declared.
    """

    facts: ProblemFacts
    spec: str = ""
    worst: float | None = None
    model: str = ""
    margin: float | None = None
    target: float | None = None


@dataclass(frozen=True)
class ProtocolFacts:
    """Everything that was fixed before the first run.

    Attributes:
        trials: Trials of a study.
        studies: Independent studies of each contender, problem and horizon.
        seeds: Fresh seeds on which the winner of a study is trained again.
        horizons: Lengths at which everything is tuned and judged. [epochs, or seconds where these are equal]
        equal: What every run gets the same of: steps, or seconds.
        claim: What the pairs claim: C1 (this tuned configuration) or C2 (this procedure).
        family: Pairs that are corrected together: all, or each against the first contender.
        method: How points of the spaces are drawn; only methods with independent trials.
        tuning_seeds, final_seeds: Per study, the same for every contender; disjoint.
        repeats, test_share: Where fixed recipes are compared over random splits of all the data: how many splits,
            and the share that each holds out; 0 and None for a race of studies.
    """

    problems: tuple[RaceProblem, ...]
    contenders: tuple[ContenderFacts, ...]
    trials: int
    studies: int
    seeds: int
    horizons: tuple[int, ...]
    claim: Claim
    seed: int
    tuning_seeds: tuple[int, ...]
    final_seeds: tuple[tuple[int, ...], ...]
    level: float = 0.95
    family: Literal["all", "first"] = "all"
    equal: Literal["steps", "seconds"] = "steps"
    method: str = "sobol"
    repeats: int = 0
    test_share: float | None = None
    format: int = 1

    @property
    def hash(self) -> str:
        """Short hash of all of it: equal protocols have equal hashes."""
        return hashlib.sha256(json.dumps(to_plain(self), sort_keys=True).encode()).hexdigest()[:12]

    def length(self, horizon: int) -> str:
        """A length in words."""
        return f"{horizon} epochs" if self.equal == "steps" else f"{horizon} seconds a run"

    @property
    def clock(self) -> str:
        """Unit of the time to a target."""
        return "updates" if self.equal == "steps" else "seconds"

    def tick(self, run: RaceRun) -> float:
        """What an update of a run counts on this clock: 1 update, or its share of the equal seconds."""
        return 1.0 if self.equal == "steps" else run.horizon / max(1, run.steps)

    def contender(self, name: str) -> ContenderFacts:
        """One contender by name."""
        return next(c for c in self.contenders if c.name == name)

    def problem(self, name: str) -> RaceProblem:
        """One problem by name."""
        return next(p for p in self.problems if p.facts.name == name)


@dataclass(frozen=True)
class RaceRun:
    """One run of a comparison: a trial of a study, or its winner on a fresh seed.

    Attributes:
        number: Of the trial within its study, or of the final seed.
        changes: What the trial set; of a final run what the winning trial had set.
        value: Validation metric at the weights that were kept; NaN for a diverged run.
        loss: Validation loss there.
        last: Validation metric of the last evaluation.
        test: Test metric at the kept weights; final runs only.
        area: Mean of the validation metric over the steps of the run.
        steps, seconds: What the run took. [optimizer updates], [seconds, a share of what its stack took]
        curve_steps, curve: Validation metric by updates done.
    """

    problem: str
    horizon: int
    contender: str
    study: int
    role: Role
    number: int
    seed: int
    changes: Mapping[str, Any]
    status: str
    value: float
    loss: float
    last: float
    area: float
    steps: int
    seconds: float
    test: float | None = None
    curve_steps: tuple[int, ...] = ()
    curve: tuple[float, ...] = ()

    @property
    def diverged(self) -> bool:
        """Whether it has no finite result."""
        return self.status == "diverged" or self.value != self.value

    @property
    def key(self) -> tuple[str, int, str, int, str, int]:
        """What tells it from all other runs of the comparison."""
        return self.problem, self.horizon, self.contender, self.study, self.role, self.number


@dataclass(frozen=True)
class RaceDifference:
    """a minus b in the unit of the metric (of C4: of the time).

    Attributes:
        interval: At the protocol's level.
        p_corrected: After Holm over the declared family.
        superiority: How often a fresh unit of a beats one of b, with its interval. [0 to 1]
        effect: In standard deviations (Hedges' g, or Cohen's d_z where paired).
        seen: Difference that this many units find with 80 % power, given how much they scattered, at the strictest
            step of the correction; None where no difference, however large, could be found.
        needed: Units of each that would decide about the difference found; None where none reasonable would.
    """

    mean: float
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    p_corrected: float | None = None
    n: int = 0
    method: str = ""
    refusal: str = ""
    superiority: float | None = None
    superiority_interval: tuple[float, float] | None = None
    effect: float | None = None
    seen: float | None = None
    needed: int | None = None
    diverged_a: int = 0
    diverged_b: int = 0


@dataclass(frozen=True)
class PairClaim:
    """What may be said of a against b; `verdict` is about a."""

    a: str
    b: str
    problem: str
    horizon: int
    claim: Claim
    verdict: Verdict
    difference: RaceDifference
    sentence: str
    metric: str
    margin: float | None = None


@dataclass(frozen=True)
class Refusal:
    """A rule of the race that was broken; the verdict stands marked as unfair.

    Attributes:
        rule: Its short name.
        reason: What was found, with the numbers.
        remedy: What would make the race fair.
        contenders: Whom it concerns; empty for all.
    """

    rule: str
    reason: str
    remedy: str
    contenders: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyResult:
    """What one study came to.

    Attributes:
        winner: Changes of its best trial by validation; None where every trial diverged.
        trial: Number of that trial.
        validation: Its validation metric.
        edges: Paths of the winner at an edge of the space.
        tests: Test metric by final seed; NaN where the run diverged.
        value: Their mean, diverged runs counting as worst: the unit of C2.
    """

    study: int
    winner: Mapping[str, Any] | None
    trial: int | None
    validation: float
    edges: Mapping[str, str]
    seeds: tuple[int, ...]
    tests: tuple[float, ...]
    value: float


@dataclass(frozen=True)
class BestOfTrials:
    """Expected best validation metric of k trials (C3), with its band; `enough` says whether there are 5 k trials."""

    k: int
    mean: float
    low: float | None
    high: float | None
    enough: bool


@dataclass(frozen=True)
class Reached:
    """Time to the target over final runs (C4): Kaplan-Meier, and the mean restricted to the horizon.

    Times are in updates, or in seconds where every run gets equal seconds; `seconds_median` always in seconds.
    """

    target: float
    n: int
    reached: int
    median: float | None
    mean: float
    interval: tuple[float, float] | None
    times: tuple[float, ...]
    survival: tuple[float, ...]
    seconds_median: float | None = None


@dataclass(frozen=True)
class ContenderResult:
    """One contender on one problem at one horizon.

    Attributes:
        mean, interval: Test metric over studies (C2), or over seeds (C1).
        nested: Interval by resampling studies and seeds within them.
        last: Mean validation metric of the final runs at their last evaluation.
        best: The same at the kept weights.
        area: Mean over final runs of the mean validation metric along the run.
        diverged_share: Of the trials. [0 to 1]
        good_share: Of the trials, those within the margin of the best one: how forgiving the space is. [0 to 1]
        good_rates: Lowest and highest rate among these; None without a rate.
        seconds: Of all its runs, tuning included.
    """

    name: str
    problem: str
    horizon: int
    mean: float
    interval: tuple[float, float] | None
    nested: tuple[float, float] | None
    n: int
    studies: tuple[StudyResult, ...]
    last: float
    best: float
    area: float
    trials: int
    diverged_share: float
    good_share: float
    good_rates: tuple[float, float] | None
    steps: int
    seconds: float
    tuning_curve: tuple[BestOfTrials, ...] = ()
    reached: Reached | None = None


@dataclass(frozen=True)
class Overall:
    """Several problems together: interquartile mean and mean rank of one contender.

    Scores are scaled per problem so that 0 is the worst and 1 the best study of all contenders.
    """

    name: str
    horizon: int
    interquartile_mean: float
    interval: tuple[float, float] | None
    rank: float
    rank_interval: tuple[float, float] | None
    thresholds: tuple[float, ...]
    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class ComparisonRecord:
    """Everything that a comparison found.

    Attributes:
        headlines: The verdicts in short, one line for each problem and horizon; `sentence` is all of them, and whether
            the race was fair.
    """

    protocol: ProtocolFacts
    started: str
    status: Literal["running", "completed", "interrupted"] = "running"
    seconds: float = 0.0
    pairs: tuple[PairClaim, ...] = ()
    extra_pairs: tuple[PairClaim, ...] = ()
    contenders: tuple[ContenderResult, ...] = ()
    overall: tuple[Overall, ...] = ()
    fair: bool = True
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    sentence: str = ""
    headlines: tuple[str, ...] = ()
    power: str = ""
    environment: Environment | None = None
    format: int = 1

    @property
    def told_first(self) -> tuple[PairClaim, ...]:
        """All pairs; first those of which something can be said, the surest one before the others."""
        weight = {"better": 0, "worse": 0, "as good as": 1}
        return tuple(sorted(self.pairs, key=lambda p: (weight.get(p.verdict, 2), p.difference.p_corrected or 0.0)))

    def result(self, contender: str, problem: str, horizon: int) -> ContenderResult:
        """One contender on one problem at one horizon."""
        wanted = (contender, problem, horizon)
        return next(r for r in self.contenders if (r.name, r.problem, r.horizon) == wanted)


class ComparisonFolder:
    """Reads and writes a comparison's folder; every method leaves it readable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def exists(self) -> bool:
        """Whether a comparison was begun here."""
        return (self.folder / "protocol.json").is_file()

    def append_note(self, note: Mapping[str, Any]) -> None:
        """Append an event: resumed with other code, the load of the machine."""
        append_lines(self.folder / "notes.jsonl", [note])

    def notes(self) -> list[Any]:
        """All events."""
        return read_lines(self.folder / "notes.jsonl")

    def write_protocol(self, protocol: ProtocolFacts, environment: Environment) -> None:
        """Write what was fixed beforehand, and where."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"protocol": protocol, "hash": protocol.hash, "environment": environment}
        write_atomically(self.folder / "protocol.json", dump_json(content, indent=1))

    def protocol(self) -> ProtocolFacts:
        """What was fixed beforehand."""
        path = self.folder / "protocol.json"
        return parse(ProtocolFacts, (self._stored() or {}).get("protocol"), path)

    def environment(self) -> Environment:
        """Where it was begun."""
        return parse(Environment, (self._stored() or {}).get("environment"), self.folder / "protocol.json")

    def _stored(self) -> Any:
        return read_json(self.folder / "protocol.json")

    def append_runs(self, runs: Iterable[RaceRun]) -> None:
        """Append runs, one a line."""
        append_lines(self.folder / "runs.jsonl", runs)

    def runs(self) -> list[RaceRun]:
        """All runs so far; a torn last line is dropped."""
        path = self.folder / "runs.jsonl"
        return [parse(RaceRun, row, path) for row in read_lines(path)]

    def save(self, record: ComparisonRecord) -> None:
        """Replace `comparison.json` atomically."""
        write_atomically(self.folder / "comparison.json", dump_json(record, indent=1))


def load_comparison(folder: str | Path) -> ComparisonRecord:
    """Load `comparison.json`.

    Raises:
        RecordError: If it is missing or damaged.
    """
    path = Path(folder) / "comparison.json"
    if not path.is_file():
        raise RecordError(
            f"`{folder}` must be the folder of a comparison (with comparison.json), got none there. Name such a folder"
        )
    return parse(ComparisonRecord, read_json(path), path)
