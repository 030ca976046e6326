"""Fixed recipes over repeated random splits of all the data: studies of regularisation and the like."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from trainwell.compare.comparison import Comparison, contenders_of
from trainwell.compare.contender import SPLIT_BASE, Contender
from trainwell.compare.export import write_tables
from trainwell.compare.journal import kept_runs, note_other_code, race_folder
from trainwell.compare.pairs import split_pairs
from trainwell.compare.power import power_before
from trainwell.compare.statement import announced, headline, headlines
from trainwell.compare.studies import WAVE_SECONDS, Job, Listener, race_run
from trainwell.data.streamed import count, subset
from trainwell.errors import UsageError
from trainwell.problem import Problem, load_problem
from trainwell.problem.partition import Plan as Partition
from trainwell.problem.partition import joined
from trainwell.recipe import Recipe
from trainwell.recipe.mistakes import listed
from trainwell.records.comparison import (
    MARGIN_POINTS,
    ComparisonFolder,
    ComparisonRecord,
    ContenderResult,
    ProtocolFacts,
    RaceProblem,
    RaceRun,
    StudyResult,
)
from trainwell.report.wording import is_share
from trainwell.seeding import master_seeds, stream_seed
from trainwell.stats import nadeau_bengio_interval
from trainwell.stats.values import FEWEST_PAIRED
from trainwell.train import Choices, Lane, train_lanes
from trainwell.train.knowledge import baseline_facts

SPLITS = 8  # purpose of `master_seeds`


def compare_splits(
    problem: Problem | str,
    contenders: Mapping[str, Any] | Sequence[str | Contender],
    *,
    repeats: int = 10,
    test_share: float = 0.2,
    epochs: int = 30,
    base: Recipe | None = None,
    seed: int = 0,
    margin: float | None = None,
    family: Literal["all", "first"] = "all",
    level: float = 0.95,
    folder: str | Path | None = None,
    data: Path | None = None,
    listener: Listener = lambda message: None,
) -> Comparison:
    """Train fixed recipes on random splits of all data and compare them on what each split holds out.

    Nothing is chosen by the held-out part: nothing is tuned, and the last weights count. So all data of the problem are
    split anew, its test data too.

    Args:
        problem: What is to be learned.
        contenders: Name to spec: `plain`, `dropout`, `batchnorm`, `both`, an optimizer, a recipe file or a recipe.
        repeats: Random splits. [>= 6]
        test_share: Held out by each split. [0 to 1]
        epochs: Length of every run.
        base: What is fixed for contenders named by a word.
        seed: Master seed.
        margin, family, level, folder, data, listener: As `compare`.

    Raises:
        UsageError: With every mistake in one message.

    Source:
        Nadeau & Bengio 2003, Inference for the generalization error.
    """
    loaded = load_problem(problem, data) if isinstance(problem, str) else problem
    entered = [
        replace(c, recipe=c.recipe.with_({"stopping.keep": "last"}), space=None)
        for c in contenders_of(contenders, base or SPLIT_BASE)
    ]
    protocol = _protocol(loaded, entered, repeats, test_share, epochs, seed, margin, family, level)
    begin = time.monotonic()
    place = None if folder is None else Path(folder)
    with race_folder(place, protocol) as here:
        record = ComparisonRecord(
            protocol=protocol,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            environment=here.environment(),
            power=power_before(protocol),
        )
        for line in announced(protocol):
            listener(line)
        runs = kept_runs(here, protocol)
        ratio = _train(protocol, loaded, here, runs, listener)
        here.append_note({"seconds": time.monotonic() - begin})
        record = _judged(record, runs, ratio, sum(note.get("seconds", 0.0) for note in here.notes()))
        if place is not None:
            here.save(record)
            write_tables(place, record, runs)
    return Comparison(record, place)


def _protocol(
    problem: Problem,
    contenders: Sequence[Contender],
    repeats: int,
    test_share: float,
    epochs: int,
    seed: int,
    margin: float | None,
    family: Literal["all", "first"],
    level: float,
) -> ProtocolFacts:
    mistakes = []
    names = [contender.name for contender in contenders]
    if len(names) < 2:
        mistakes.append(f"`contenders` must be at least two, got {len(names)}. Say for example plain dropout")
    if len(set(names)) < len(names):
        mistakes.append(f"`contenders` must have different names, got {', '.join(names)}. Say other={names[0]}")
    if repeats < FEWEST_PAIRED:
        mistakes.append(
            f"`repeats` must be at least {FEWEST_PAIRED}, got {repeats}: fewer allow no p-value. Say --repeats 10"
        )
    if not 0 < test_share < 1:
        mistakes.append(f"`split` must hold out a share above 0 and below 1, got {test_share:g}. Say --split 80/20")
    if epochs < 1:
        mistakes.append(f"`epochs` must be at least 1, got {epochs}. Say --epochs 30")
    if margin is not None and margin <= 0:
        mistakes.append(f"`margin` must be above 0, got {margin}. Leave it out, or state one")
    if mistakes:
        raise UsageError(listed("the protocol", mistakes))
    facts = problem.facts()
    seeds = tuple(master_seeds(seed, SPLITS, repeats))
    built = problem.build(contenders[0].recipe.model)
    factory = getattr(problem.factory, "func", problem.factory)
    return ProtocolFacts(
        problems=(
            RaceProblem(
                facts=facts,
                spec=problem.spec,
                worst=baseline_facts(problem).chance_metric,
                model=f"{factory.__name__} of {sum(p.numel() for p in built.parameters()):,} parameters",
                margin=MARGIN_POINTS if margin is None and is_share(facts.metric) else margin,
            ),
        ),
        contenders=tuple(contender.facts() for contender in contenders),
        trials=0,
        studies=1,
        seeds=repeats,
        horizons=(epochs,),
        claim="C1",
        seed=seed,
        tuning_seeds=(),
        final_seeds=(seeds,),
        level=level,
        family=family,
        repeats=repeats,
        test_share=test_share,
    )


def splits_of(problem: Problem, repeats: int, test_share: float, seed: int) -> Iterator[Problem]:
    """The problem on random splits of all its data: `val` is what a split holds out, stratified where labels allow."""
    whole = joined(problem.train, problem.val)
    if problem.test is not None:
        whole = joined(whole, problem.test)
    groups = None
    if problem.groups and set(problem.groups) == set(problem.splits()):
        groups = np.concatenate([problem.groups[part] for part in problem.splits()])
    for repeat in range(repeats):
        plan = Partition("auto", problem.task, groups, stream_seed(seed, "split", repeat) % 2**32)
        parts = {name: torch.from_numpy(index) for name, index in plan.hold_out(whole, {"val": test_share}).items()}
        yield problem.on(train=subset(whole, parts["train"]), val=subset(whole, parts["val"]))


def _train(
    protocol: ProtocolFacts, problem: Problem, here: ComparisonFolder, runs: list[RaceRun], listener: Listener
) -> float:
    """Train what is missing, split by split; returns held-out examples per training example."""
    done = {run.key for run in runs}
    began = not runs
    (horizon,), share = protocol.horizons, protocol.test_share
    assert share is not None
    ratio = share / (1 - share)
    waiting: list[tuple[Job, Problem]] = []
    most, choices = 1, Choices()  # runs of a wave; one split shows how long they take
    for repeat, part in enumerate(splits_of(problem, protocol.repeats, share, protocol.seed)):
        ratio = (count(part.val) or 1) / (count(part.train) or 1)
        seed = protocol.final_seeds[0][repeat]
        for c in protocol.contenders:
            recipe = Recipe(**c.recipe).with_({"epochs": horizon, "recording.findings": False})
            job = Job(problem.name, horizon, c.name, 0, "final", repeat, seed, {}, recipe)
            if job.key not in done:
                waiting.append((job, part))
        if not waiting or (len(waiting) < most and repeat + 1 < protocol.repeats):
            continue
        if not began:
            note_other_code(here)
        began, begin = True, time.monotonic()
        trained = train_lanes([Lane(own, job.recipe, seed=job.seed) for job, own in waiting], choices=choices)
        new = [race_run(job, run, own, held_out="val") for (job, own), run in zip(waiting, trained, strict=True)]
        here.append_runs(new)
        runs.extend(new)
        most = int(WAVE_SECONDS * len(waiting) / max(1e-9, time.monotonic() - begin))
        waiting = []
        listener(f"split {repeat + 1} of {protocol.repeats}")
    return ratio


def _judged(record: ComparisonRecord, runs: Sequence[RaceRun], ratio: float, seconds: float) -> ComparisonRecord:
    protocol = record.protocol
    pairs = tuple(split_pairs(protocol, runs, ratio))
    judged = replace(
        record,
        status="completed",
        seconds=seconds,
        pairs=pairs,
        headlines=headlines(protocol, pairs),
        contenders=tuple(_result(protocol, runs, contender.name, ratio) for contender in protocol.contenders),
    )
    return replace(judged, sentence=headline(judged))


def _result(protocol: ProtocolFacts, runs: Sequence[RaceRun], name: str, ratio: float) -> ContenderResult:
    own = sorted((run for run in runs if run.contender == name), key=lambda run: run.number)
    tests = tuple(math.nan if run.diverged else run.value for run in own)
    finite = [v for v in tests if math.isfinite(v)]
    found = nadeau_bengio_interval(finite, ratio, protocol.level) if finite else None
    mean = math.nan if found is None else found.mean
    return ContenderResult(
        name=name,
        problem=protocol.problems[0].facts.name,
        horizon=protocol.horizons[0],
        mean=mean,
        interval=None if found is None or found.interval is None else (found.interval.low, found.interval.high),
        nested=None,
        n=len(finite),
        studies=(StudyResult(0, {}, None, math.nan, {}, protocol.final_seeds[0], tests, mean),),
        last=mean,
        best=max(finite, default=math.nan),
        area=float(np.mean([run.area for run in own if not run.diverged])) if finite else math.nan,
        trials=0,
        diverged_share=sum(run.diverged for run in own) / max(1, len(own)),
        good_share=0.0,
        good_rates=None,
        steps=sum(run.steps for run in own),
        seconds=sum(run.seconds for run in own),
    )
