"""Step 9: search the neighbourhood: many short quasi-random trials, halving, few long ones, then fresh seeds."""

from __future__ import annotations

import math
import shutil
from typing import Any

from trainwell.improve.budget import BASELINE_SEEDS
from trainwell.improve.decision import decide, shown, summary, values
from trainwell.improve.session import EXPERIMENT, TUNING, Session
from trainwell.records import TrialFacts
from trainwell.stats import mean_interval
from trainwell.tune import expected_cost, halve, quasi_random
from trainwell.tune.halving import Paused, RungResult

_ETA, _RUNGS = 3, 3
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
    assert session.horizon is not None
    run_seconds = session.run_seconds
    confirm = (_FINALISTS * _SELECTION_SEEDS + 2 * BASELINE_SEEDS) * run_seconds
    spare = session.search_time_left - confirm * _SAFETY
    trials = _affordable(spare / (run_seconds * _SAFETY))
    if trials < _FEWEST_TRIALS or not hasattr(session.recipe.optimizer, "lr"):
        session.log("Search", skipped=f"The time left allows {trials} trials, too few for a search.")
        return
    bounds = space(session)
    candidates = quasi_random(bounds, trials, seed=session.seeds(TUNING, 1)[0])
    end = session.budget.spent + spare
    facts: list[TrialFacts] = []
    for stale in (session.folder / "runs").glob("trial-*"):  # of an interrupted search, which begins anew
        shutil.rmtree(stale)

    def on_trial(trial: Paused) -> None:
        facts.append(_facts(session, trial))
        session.tell(0.7 * len(facts) / (1.5 * trials), f"trial {trial.number + 1} of {trials}, rung {trial.rung + 1}")

    rungs, ended = halve(
        session.problem,
        session.recipe,
        candidates,
        seed=session.seeds(TUNING, 1)[0],
        rungs=_RUNGS,
        eta=_ETA,
        folder=session.folder / "runs",
        on_trial=on_trial,
        out_of_time=lambda: session.budget.spent > end,
    )
    promoted = {(r.rung, n) for r in rungs for n in r.promoted}
    session.update(trials=tuple(_promoted(f, promoted) for f in facts))
    diverged = sum(1 for trial, run in ended if run.diverged)
    finalists = _finalists(rungs)
    told = ", ".join(f"{path} {low:.2g} to {high:.2g}" for path, (low, high) in bounds.items())
    session.log(
        "Search",
        tried=f"{trials} quasi-random trials over {told}; halving at {_RUNGS} lengths (the inside of the full run).",
        seen=_seen(session, rungs, diverged, len(ended)),
        decision=f"Confirm the best {len(finalists)} on {_SELECTION_SEEDS} fresh seeds."
        if finalists
        else "Nothing to confirm.",
    )
    if finalists:
        _confirm(session, finalists)


def space(session: Session) -> dict[str, tuple[float, float]]:
    """The box that is searched: around the range test's good rates, and the usual weight decays."""
    current = float(session.recipe.get("optimizer.lr"))
    test = session.record.rate_test
    low, high = current / 10, current * 10
    if test is not None and test.interval is not None:
        low, high = min(current, test.interval[0]) / 3, max(current, test.interval[1]) * 3
        if test.largest_stable is not None:
            high = max(2 * current, min(high, 1.5 * test.largest_stable))
    bounds = {"optimizer.lr": (low, high)}
    if "weight_decay" in type(session.recipe.optimizer).model_fields:
        bounds["optimizer.weight_decay"] = _DECAY.get(session.recipe.optimizer.name, _DEFAULT_DECAY)
    return bounds


def _affordable(full_runs: float) -> int:
    """Most trials whose halving costs no more than so many full runs."""
    trials = 0
    while trials < _MOST_TRIALS and expected_cost(trials + 1, _RUNGS, _ETA) <= full_runs:
        trials += 1
    return trials


def _finalists(rungs: list[RungResult]) -> list[dict[str, Any]]:
    """The top slice of the longest rung: never the top one alone."""
    last = next((r for r in reversed(rungs) if r.trials), None)
    if last is None:
        return []
    finite = [t for t in last.trials if math.isfinite(t.value)]
    return [dict(t.changes) for t in finite[:_FINALISTS]]


def _confirm(session: Session, finalists: list[dict[str, Any]]) -> None:
    """Choose among the finalists on selection seeds, then hold the winner against the present recipe on other seeds."""
    selection = session.seeds(TUNING, 1 + _SELECTION_SEEDS)[1:]
    assert session.horizon is not None
    scored: list[tuple[float, dict[str, Any]]] = []
    for index, change in enumerate(finalists):
        if session.search_time_left < BASELINE_SEEDS * session.run_seconds and scored:
            break
        runs = session.runs(
            session.recipe.with_(change), selection, "finalist", f"finalist {index + 1}", of=(14 + index, 20)
        )
        finite = [v for v in values(runs) if math.isfinite(v)]
        mean = mean_interval(finite).mean if len(finite) == len(runs) else -math.inf
        scored.append((mean if session.facts.higher_is_better else -mean, change))
    winner = max(scored, key=lambda pair: pair[0])[1]
    candidate = session.recipe.with_(winner)
    seeds = session.seeds(EXPERIMENT, BASELINE_SEEDS)
    before = session.runs(session.recipe, seeds, "experiment", "present recipe", of=(17, 20))
    after = session.runs(candidate, seeds, "experiment", "winner of the search", of=(18, 20))
    decision = decide(session.facts, before, after)
    if decision.keep:
        session.keep(candidate, after)
    session.log(
        "Winner of the search",
        tried=", ".join(f"{path} = {value:g}" for path, value in winner.items()) + f", {len(seeds)} paired seeds.",
        seen=f"Validation {summary(session.facts, after)}.",
        effect=decision.effect,
        decision="Kept: the interval excludes zero in its favour."
        if decision.keep
        else "Not kept: the interval does not exclude zero in its favour. Equals go to the present recipe.",
    )


def _facts(session: Session, trial: Paused) -> TrialFacts:
    best = trial.training.parts.keeper.best
    finite = best is not None and trial.training.status != "diverged"
    return TrialFacts(
        number=trial.number,
        changes=trial.changes,
        epochs=round(trial.epochs, 3),
        rung=trial.rung,
        metric=best.metrics.get(session.facts.metric, math.nan) if best and finite else math.nan,
        loss=best.loss if best and finite else math.nan,
        status=trial.training.status,
        ended_at_seconds=round(session.budget.spent, 2),
        folder=f"runs/trial-{trial.number:03d}",
    )


def _promoted(trial: TrialFacts, promoted: set[tuple[int, int]]) -> TrialFacts:
    from dataclasses import replace

    return replace(trial, promoted=(trial.rung, trial.number) in promoted)


def _seen(session: Session, rungs: list[RungResult], diverged: int, total: int) -> str:
    last = rungs[-1].trials
    best = next((t for t in last if math.isfinite(t.value)), None)
    if best is None:
        return f"All {total} trials diverged."
    sign = 1 if session.facts.higher_is_better else -1
    value = shown(session.facts, sign * best.value)
    text = f"Best at the longest rung: validation {session.facts.metric} {value} (one seed)."
    return text + (f" {diverged} of {total} trials diverged." if diverged else "")
