"""Step 9: search the neighbourhood: many short quasi-random trials, halving, few long ones, then fresh seeds."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainwell.improve.budget import BASELINE_SEEDS
from trainwell.improve.decision import decide, shown, summary, values
from trainwell.improve.session import EXPERIMENT, TUNING, Job, Session
from trainwell.records import Evaluation, TrialFacts
from trainwell.stats import mean_interval
from trainwell.train import Callback, Halving, Lane, Rung, Standing, Training, train_lanes
from trainwell.tune import quasi_random

_HALVING = Halving(eta=3, rungs=3)
_MOST_TRIALS = 81
_FEWEST_TRIALS = 6
_FINALISTS = 3
_SELECTION_SEEDS = 3
_SAFETY = 1.25
# Ranges of weight decay: coupled or plain for SGD-like rules, decoupled for AdamW-like ones.
_DECAY = {"adamw": (1e-4, 1.0), "lion": (1e-3, 10.0), "muon": (1e-3, 1.0)}
_DEFAULT_DECAY = (1e-6, 1e-2)


def search_step(session: Session) -> None:
    """Search learning rate and weight decay; the winner must beat the present recipe on fresh seeds."""
    session.begin("search")
    session.update(trials=())  # of an interrupted search, which begins anew
    search(session, "Search", space(session))


def search(session: Session, title: str, bounds: Mapping[str, tuple[float, float]]) -> None:
    """Search a box in the time before the proof; part of any step of the checklist.

    Args:
        title: Of the entry in the logbook.
        bounds: Lowest and highest value by dotted path, on a log scale.
    """
    run_seconds = session.run_seconds
    confirm = (_FINALISTS * _SELECTION_SEEDS + 2 * BASELINE_SEEDS) * run_seconds
    spare = session.search_time_left - confirm * _SAFETY
    trials = _affordable(spare / (run_seconds * _SAFETY))
    if trials < _FEWEST_TRIALS or not bounds:
        session.log(title, skipped=f"The time left allows {trials} trials, too few for a search.")
        return
    earlier = session.record.trials
    first = 1 + max((t.number for t in earlier), default=-1)
    candidates = quasi_random(bounds, trials, seed=session.seeds(TUNING, 1)[0] + first)
    rungs, facts = _halve(session, candidates, first, session.budget.spent + spare)
    session.update(trials=(*earlier, *facts))
    diverged = sum(1 for f in facts if f.status == "diverged")
    finalists = [dict(candidates[s.number]) for s in _finalists(rungs)]
    told = ", ".join(f"{path} {low:.2g} to {high:.2g}" for path, (low, high) in bounds.items())
    session.log(
        title,
        tried=f"{trials} quasi-random trials over {told}; halving at {_HALVING.rungs} lengths (the inside of the full "
        "run).",
        seen=_seen(session, rungs, diverged, trials),
        decision=f"Confirm the best {len(finalists)} on {_SELECTION_SEEDS} fresh seeds."
        if finalists
        else "Nothing to confirm.",
    )
    if finalists:
        _confirm(session, title, finalists)


def _halve(
    session: Session, candidates: Sequence[Mapping[str, Any]], first: int, end: float
) -> tuple[list[Rung], list[TrialFacts]]:
    """Train the candidates side by side, the better third going on at each rung, until a moment of the budget.

    Args:
        first: Number of the first of them.

    Returns:
        The rungs, and what each trial came to at each of its rungs.
    """
    folder = session.folder / "runs"
    for stale in folder.glob("trial-*"):  # of an interrupted search, which begins anew
        if int(stale.name.removeprefix("trial-")) >= first:
            shutil.rmtree(stale)
    seed = session.seeds(TUNING, 1)[0]
    watcher = _Watcher(session, end)
    for number, changes in enumerate(candidates, first):
        watcher.lanes.append(
            Lane(
                session.problem,
                session.recipe.with_(changes),
                seed=seed,
                folder=folder / f"trial-{number:03d}",
                callbacks=[watcher],
                parent={"step": "search", "trial": number},
            )
        )
    rungs: list[Rung] = []
    facts: list[TrialFacts] = []

    def on_rung(rung: Rung) -> None:
        rungs.append(rung)
        facts.extend(_facts(session, rung, s, candidates[s.number], first, watcher.seen_at) for s in rung.standings)

    plan = replace(_HALVING, on_rung=on_rung, out_of_time=watcher.out_of_time)
    train_lanes(watcher.lanes, halving=plan, choices=session.choices)
    return rungs, facts


class _Watcher(Callback):
    """Tells how far the search is, and ends it where its time is over."""

    def __init__(self, session: Session, end: float) -> None:
        self.session, self.end = session, end
        self.lanes: list[Lane] = []
        self.seen_at: dict[int, float] = {}  # second of the budget of a trial's last evaluation

    def out_of_time(self) -> bool:
        """Whether the search must end."""
        return self.session.budget.spent > self.end

    def on_evaluation(self, training: Training, rows: Sequence[Evaluation]) -> None:
        """After an evaluation of a trial."""
        self.seen_at[id(training)] = self.session.budget.spent
        full = _HALVING.cost(len(self.lanes))
        done = sum(lane.step / lane.total_steps for lane in self.lanes)
        self.session.tell(0.7 * min(1.0, done / full), f"{len(self.lanes)} trials")
        if self.out_of_time():
            for lane in self.lanes:
                lane.stop("halving: out of time")


def space(session: Session) -> dict[str, tuple[float, float]]:
    """The box that is searched: around the range test's good rates, and the usual weight decays; empty without rate."""
    if not hasattr(session.recipe.optimizer, "lr"):
        return {}
    current = float(session.recipe.get("optimizer.lr"))
    test = session.record.rate_test
    low, high = current / 10, current * 10
    if test is not None and test.interval is not None:
        low, high = min(current, test.interval[0]) / 3, max(current, test.interval[1]) * 3
        if test.largest_stable is not None:
            high = max(2 * current, min(high, 1.5 * test.largest_stable))
    return {"optimizer.lr": (low, high)} | _decays(session)


def nearby(session: Session) -> dict[str, tuple[float, float]]:
    """The box around a recipe that has changed since the range test: half a decade of rates either way."""
    if not hasattr(session.recipe.optimizer, "lr"):
        return {}
    current = float(session.recipe.get("optimizer.lr"))
    return {"optimizer.lr": (current / 10**0.5, current * 10**0.5)} | _decays(session)


def _decays(session: Session) -> dict[str, tuple[float, float]]:
    if "weight_decay" not in type(session.recipe.optimizer).model_fields:
        return {}
    return {"optimizer.weight_decay": _DECAY.get(session.recipe.optimizer.name, _DEFAULT_DECAY)}


def _affordable(full_runs: float) -> int:
    """Most trials whose halving costs no more than so many full runs."""
    trials = 0
    while trials < _MOST_TRIALS and _HALVING.cost(trials + 1) <= full_runs:
        trials += 1
    return trials


def _finalists(rungs: Sequence[Rung]) -> list[Standing]:
    """The top slice of the longest rung: never the top one alone."""
    if not rungs:
        return []
    there = [s for s in rungs[-1].standings if math.isfinite(s.value) and _reached(rungs[-1], s)]
    return there[:_FINALISTS]


def _reached(rung: Rung, standing: Standing) -> bool:
    """Whether a trial was trained to its rung, or to an end of its own."""
    return standing.training.step >= rung.steps or standing.training.parts.keeper.exhausted


def _confirm(session: Session, title: str, finalists: list[dict[str, Any]]) -> None:
    """Choose among the finalists on selection seeds, then hold the winner against the present recipe on other seeds."""
    selection = session.seeds(TUNING, 1 + _SELECTION_SEEDS)[1:]
    assert session.horizon is not None
    fitting = int((session.search_time_left / session.run_seconds - BASELINE_SEEDS) / _SELECTION_SEEDS)
    finalists = finalists[: max(1, fitting)]
    jobs = [Job(session.recipe.with_(change), seed, "finalist") for change in finalists for seed in selection]
    runs = session.train(jobs, "finalists", of=(14, 20))
    scored: list[tuple[float, dict[str, Any]]] = []
    for index, change in enumerate(finalists):
        finite = [v for v in values(runs[index * len(selection) :][: len(selection)]) if math.isfinite(v)]
        mean = mean_interval(finite).mean if len(finite) == len(selection) else -math.inf
        scored.append((mean if session.facts.higher_is_better else -mean, change))
    winner = max(scored, key=lambda pair: pair[0])[1]
    candidate = session.recipe.with_(winner)
    seeds = session.seeds(EXPERIMENT, BASELINE_SEEDS)
    both = [Job(recipe, seed, "experiment") for recipe in (session.recipe, candidate) for seed in seeds]
    runs = session.train(both, "present recipe and winner of the search", of=(17, 20))
    before, after = runs[: len(seeds)], runs[len(seeds) :]
    decision = decide(session.facts, before, after)
    if decision.keep:
        session.keep(candidate, after)
    session.log(
        f"Winner of the {title.lower()}",
        tried=", ".join(f"{path} = {value:g}" for path, value in winner.items()) + f", {len(seeds)} paired seeds.",
        seen=f"Validation {summary(session.facts, after)}.",
        effect=decision.effect,
        decision="Kept: the interval excludes zero in its favour."
        if decision.keep
        else "Not kept: the interval does not exclude zero in its favour. Equals go to the present recipe.",
    )


def _facts(
    session: Session,
    rung: Rung,
    standing: Standing,
    changes: Mapping[str, Any],
    first: int,
    seen_at: Mapping[int, float],
) -> TrialFacts:
    training, number = standing.training, first + standing.number
    best = training.parts.keeper.best
    finite = best is not None and training.status != "diverged"
    return TrialFacts(
        number=number,
        changes=changes,
        epochs=round(training.step / training.parts.plan.steps_per_epoch, 3),
        rung=rung.number,
        metric=best.metrics.get(session.facts.metric, math.nan) if best and finite else math.nan,
        loss=best.loss if best and finite else math.nan,
        status=training.status,
        ended_at_seconds=round(seen_at.get(id(training), session.budget.spent), 2),
        folder=f"runs/trial-{number:03d}",
        promoted=standing.number in rung.promoted,
    )


def _seen(session: Session, rungs: Sequence[Rung], diverged: int, total: int) -> str:
    best = next((s for s in _finalists(rungs)), None)
    if best is None:
        return (
            f"All {total} trials diverged." if diverged == total else f"None of {total} trials came to a rung in time."
        )
    sign = 1 if session.facts.higher_is_better else -1
    value = shown(session.facts, sign * best.value)
    text = f"Best at the longest rung: validation {session.facts.metric} {value} (one seed)."
    return text + (f" {diverged} of {total} trials diverged." if diverged else "")
