"""Remedies of findings, each as one controlled experiment on the experiment seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwell.diagnose import flattened
from trainwell.errors import RecipeError
from trainwell.improve.budget import BASELINE_SEEDS
from trainwell.improve.decision import all_worse, decide
from trainwell.improve.session import EXPERIMENT, Session

_MOST = 4
_SCREEN = 2
_SHARE = 0.3  # of the time before the proof, for all remedies together


def remedies_step(session: Session) -> None:
    """Try the recipe changes that findings propose, but for the learning rate, which has steps of its own."""
    session.begin("remedies")
    remedies = _proposed(session)
    if not remedies:
        session.log("Remedies", skipped="No finding proposes a change of the recipe beside the learning rate.")
        return
    end = session.budget.spent + _SHARE * session.search_time_left
    assert session.horizon is not None
    for index, (rule, change) in enumerate(remedies[:_MOST]):
        if session.budget.spent + BASELINE_SEEDS * session.run_seconds > end and index:
            session.log(f"Remedy of {rule}", skipped="No time left for this experiment.")
            continue
        experiment(session, f"Remedy of {rule}", change, of=(index, min(_MOST, len(remedies))))


def experiment(
    session: Session,
    title: str,
    change: Mapping[str, Any],
    *,
    seen: str = "",
    screened: bool = False,
    of: tuple[int, int] = (0, 1),
) -> bool:
    """Train a changed recipe on the experiment seeds and keep it if the paired interval says so.

    Args:
        seen: Why it is tried, for the logbook.
        screened: Whether to end it where the first two seeds are both worse than before: it would hardly be kept.

    Returns:
        Whether it was kept.
    """
    named = ", ".join(f"{path} = {value}" for path, value in change.items())
    try:
        candidate = session.recipe.with_(change)
    except RecipeError as error:
        session.log(title, seen=seen, tried=named, skipped=f"Does not fit the recipe: {error}")
        return False
    if candidate == session.recipe:
        session.log(title, seen=seen, tried=named, skipped="The recipe has this already.")
        return False
    seeds = [run.seed for run in session.best_runs] or session.seeds(EXPERIMENT, BASELINE_SEEDS)
    if screened and len(seeds) > _SCREEN:
        first = session.runs(candidate, seeds[:_SCREEN], "experiment", named, of=of)
        if all_worse(session.facts, session.best_runs[:_SCREEN], first):
            session.log(
                title, seen=seen, tried=f"{named}, {_SCREEN} seeds.", decision="Not kept: worse on each of these seeds."
            )
            return False
    runs = session.runs(candidate, seeds, "experiment", named, of=of)
    decision = decide(session.facts, session.best_runs, runs)
    if decision.keep:
        session.keep(candidate, runs)
    session.log(
        title,
        seen=seen,
        tried=named,
        effect=decision.effect,
        decision="Kept: the interval excludes zero in its favour."
        if decision.keep
        else "Not kept: the interval does not exclude zero in its favour.",
    )
    return decision.keep


def _proposed(session: Session) -> list[tuple[str, Mapping[str, Any]]]:
    proposed: list[tuple[str, Mapping[str, Any]]] = []
    knobs = session.problem.knobs()
    for finding in flattened(session.record.findings):
        change = {
            path: value
            for path, value in finding.remedy.recipe.items()
            if path != "optimizer.lr"
            and path not in ("epochs", "steps")
            and (not path.startswith("model.") or path.removeprefix("model.") in knobs)
        }
        if change and change not in [c for _, c in proposed]:
            proposed.append((finding.rule, change))
    return proposed
