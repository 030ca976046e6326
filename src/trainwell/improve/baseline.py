"""Step 3: the starting recipe over several seeds, at a length that the budget allows, diagnosed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from trainwell.diagnose import diagnose
from trainwell.improve.budget import BASELINE_SEEDS, choose_horizon
from trainwell.improve.decision import summary
from trainwell.improve.session import EXPERIMENT, TUNING, Session
from trainwell.records import Finding
from trainwell.train import Lane, Together, Training

_PILOT_SECONDS = 1.5
_QUICK = 0.05  # seconds of an update of all seeds: slower ones gain little from being trained together


def baseline_step(session: Session) -> None:
    """Fix the length of all runs, train the starting recipe over 5 seeds and diagnose it."""
    session.begin("baseline")
    session.tell(0.0, "measuring the cost of a step")
    _fix_horizon(session)
    seeds = session.seeds(EXPERIMENT, BASELINE_SEEDS)
    runs = session.runs(session.start, seeds, "baseline", "starting recipe")
    session.baseline = runs
    session.keep(session.start, runs)
    findings = _common([diagnose(replace(run, sanity=session.record.sanity)) for run in runs])
    session.update(baseline_runs=tuple(session.relative(run) for run in runs))
    session.add_findings(findings)
    session.log(
        "Baseline",
        seen=f"Starting recipe ({session.start}): validation {summary(session.facts, runs)}. {_horizon_text(session)} "
        + (" ".join(f"[{f.severity}] {f.rule}: {f.message}" for f in findings) or "No fault found."),
        tried=f"{len(runs)} seeds of the starting recipe.",
        decision="Treat these findings: " + ", ".join(f.rule for f in findings)
        if findings
        else "Look for a better rate.",
        findings=tuple(findings),
    )


def _fix_horizon(session: Session) -> None:
    """Measure what a step costs and fit the length of a run to the budget."""
    recipe = session.start
    explicit = bool({"epochs", "steps"} & recipe.model_fields_set)
    begin = time.perf_counter()
    training = Training(session.problem, recipe, seed=session.seeds(TUNING, 1)[0])
    training.evaluate_now()
    training.advance(3)
    fixed = time.perf_counter() - begin
    plan = training.parts.plan
    per_step = _seconds_per_step(training.advance, [training], _PILOT_SECONDS / 2)
    if BASELINE_SEEDS * per_step < _QUICK:
        lanes = [Lane(session.problem, recipe, seed=seed) for seed in session.seeds(TUNING, BASELINE_SEEDS)]
        per_step = min(per_step, _seconds_per_step(Together(lanes).advance, lanes, _PILOT_SECONDS / 2))
    session.horizon = choose_horizon(
        session.budget,
        epochs=max(1, -(-plan.total_steps // plan.steps_per_epoch)),
        steps_per_epoch=plan.steps_per_epoch,
        seconds_per_step=per_step,
        seconds_fixed=fixed,
        explicit=explicit,
    )
    if session.horizon.shortened:
        length = {"steps": session.horizon.steps} if session.horizon.steps else {"epochs": session.horizon.epochs}
        session.start = session.start.with_(length)
    session.recipe = session.start
    total = session.start.steps or session.start.epochs * plan.steps_per_epoch
    session.update(recipe_before=session.start.to_dict(), epochs=round(total / plan.steps_per_epoch, 3))


def _seconds_per_step(advance: Callable[[int], object], trainings: Sequence[Training], seconds: float) -> float:
    """Time of an update of one of some trainings that are advanced together, from so many seconds of training."""
    plan = trainings[0].parts.plan
    start, done = time.perf_counter(), sum(t.step for t in trainings)
    while time.perf_counter() - start < seconds and any(t.status == "running" for t in trainings):
        advance(min(plan.total_steps, max(t.step for t in trainings) + max(10, plan.steps_per_epoch // 4)))
    return (time.perf_counter() - start) / max(1, sum(t.step for t in trainings) - done)


def _horizon_text(session: Session) -> str:
    horizon = session.horizon
    assert horizon is not None
    length = f"{horizon.steps} steps" if horizon.steps else f"{horizon.epochs} epochs"
    text = f"A run of {length} takes about {horizon.seconds_per_run:.1f} s."
    if horizon.shortened:
        text += f" The budget does not allow the recipe's default length: all runs, before and after, have {length}."
    if horizon.proof_seeds < 10:
        text += f" The proof gets {horizon.proof_seeds} seeds."
    return text


def _common(diagnoses: list[list[Finding]]) -> list[Finding]:
    """Findings of at least half of the seeds, each with the evidence of its first run."""
    counts = Counter(f.rule for findings in diagnoses for f in findings)
    firsts = {f.rule: f for findings in reversed(diagnoses) for f in findings}
    return [
        replace(firsts[rule], evidence={**firsts[rule].evidence, "seeds": f"{count} of {len(diagnoses)}"})
        for rule, count in counts.items()
        if count * 2 >= len(diagnoses)
    ]
