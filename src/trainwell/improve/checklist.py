"""`improve`: the checklist, one step after the other, each writing to the logbook."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainwell.errors import DataStop, ResumeError, UsageError
from trainwell.improve.audit import audit_step
from trainwell.improve.baseline import baseline_step
from trainwell.improve.budget import Budget
from trainwell.improve.learning_rate import learning_rate_step
from trainwell.improve.progress import Listener, silent
from trainwell.improve.proof import proof_step
from trainwell.improve.remedies import remedies_step
from trainwell.improve.sanity import sanity_step
from trainwell.improve.search import search_step
from trainwell.improve.session import STEPS, Session, Step
from trainwell.improve.techniques import techniques_step
from trainwell.problem import Problem, load_problem
from trainwell.recipe import Recipe
from trainwell.records import Arm, Finding, ImprovementRecord, environment, load_improvement
from trainwell.report import write_improvement_report

CHECKLIST: dict[str, Step] = {
    "audit": audit_step,
    "sanity": sanity_step,
    "baseline": baseline_step,
    "remedies": remedies_step,
    "learning-rate": learning_rate_step,
    "search": search_step,
    "techniques": techniques_step,
    "proof": proof_step,
}
assert tuple(CHECKLIST) == STEPS


@dataclass(frozen=True)
class Improvement:
    """What `improve` came to: the record, and where everything lies."""

    record: ImprovementRecord
    folder: Path

    @property
    def verdict(self) -> str:
        """better, as good as, cannot tell, or worse."""
        return self.record.verdict

    @property
    def sentence(self) -> str:
        """What may be claimed."""
        return self.record.sentence

    @property
    def recipe(self) -> Recipe:
        """The best recipe."""
        return Recipe(**(self.record.recipe_after or self.record.recipe_before))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in the data and in the baseline."""
        return self.record.findings

    @property
    def report(self) -> Path:
        """The HTML page."""
        return self.folder / "report.html"

    def to_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        from trainwell.records import to_plain

        record = self.record
        difference = record.difference
        return {
            "verdict": record.verdict,
            "metric": record.problem.metric,
            "before": _side(record.before),
            "after": _side(record.after),
            "difference": {
                "mean": difference.mean if difference else None,
                "interval": list(difference.interval) if difference and difference.interval else None,
                "p_value": difference.p_value if difference else None,
                "n": difference.n if difference else 0,
            },
            "sentence": record.sentence,
            "changes": list(record.changes),
            "findings": to_plain(record.findings),
            "folder": str(self.folder),
        }


def improve(
    problem: Problem | str,
    recipe: Recipe | None = None,
    *,
    budget: float = 180.0,
    seed: int = 0,
    folder: str | Path = "improvement",
    allow: Iterable[str] = (),
    listener: Listener = silent,
    data: Path | None = None,
    resume: bool = False,
    spent: float = 0.0,
) -> Improvement:
    """Find out what is wrong with a training, fix it, tune it, and prove that it got better.

    Audits the data, checks sanity, trains a baseline over 5 seeds and diagnoses it, tries the remedies, finds a
    learning rate, searches rate and weight decay, tries techniques that the recipe lacks, and compares before with
    after on fresh seeds and the test data.

    Args:
        problem: What is to be learned, or a name or path that `load_problem` understands.
        recipe: Where to start; the default recipe where None.
        budget: Time for everything. [seconds]
        seed: Master seed; seeds of tuning, experiments and proof come from it and never overlap.
        folder: Where everything is written; must not hold another improvement.
        allow: Error findings of the data that do not stop it.
        listener: Told where it stands.
        data: Folder of a built-in problem's data.
        resume: Continue the improvement in `folder`: runs that are complete are not repeated.
        spent: Seconds of the budget that were used before the call, e.g. by starting up.

    Raises:
        DataStop: If the data have an error finding that is not allowed.
        BudgetError: If the budget allows no meaningful result.
        KeyboardInterrupt: After everything recorded so far was written.
    """
    clock = Budget(budget, earlier=spent)
    folder = Path(folder)
    live = load_problem(problem, data) if isinstance(problem, str) else problem
    _check(budget, folder, allow, resume)
    start = recipe or Recipe()
    record = ImprovementRecord(
        problem=live.facts(),
        recipe_before=start.to_dict(),
        seed=seed,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        budget_seconds=budget,
        problem_spec=problem if isinstance(problem, str) else "",
        options={
            "allow": sorted(allow),
            "data": str(data) if data else "",
            "recipe": start.model_dump(mode="json", exclude_unset=True),
        },
        environment=environment(),
    )
    if resume:
        record = _continued(folder, record)
        clock.earlier += record.seconds
    folder.mkdir(parents=True, exist_ok=True)
    session = Session(live, start, start, seed, folder, clock, record, frozenset(allow), listener)
    session.restore()
    session.update()
    try:
        for name, step in CHECKLIST.items():
            if name not in session.done:
                step(session)
                session.finish_step(name)
        session.update(status="completed")
    except KeyboardInterrupt as stop:
        session.update(status="interrupted")
        write_improvement_report(folder)
        raise KeyboardInterrupt(
            f"everything so far is in {folder}. Go on with: trainwell improve --resume {folder}"
        ) from stop
    except DataStop:
        write_improvement_report(folder)
        raise
    write_improvement_report(folder)
    session.update()
    return Improvement(session.record, folder)


def resume_arguments(folder: Path) -> dict[str, Any]:
    """The arguments of an earlier `improve`, read from its folder, to continue it.

    Raises:
        ResumeError: If its problem was made in memory.
    """
    record = load_improvement(folder)
    if not record.problem_spec:
        raise ResumeError("the problem was made in memory: call improve(problem, ..., resume=True) from Python")
    return {
        "problem": record.problem_spec,
        "recipe": Recipe(**record.options.get("recipe", {})),
        "budget": record.budget_seconds,
        "seed": record.seed,
        "folder": folder,
        "allow": tuple(record.options.get("allow", ())),
        "data": Path(record.options["data"]) if record.options.get("data") else None,
        "resume": True,
    }


def _check(budget: float, folder: Path, allow: Iterable[str], resume: bool) -> None:
    from trainwell.diagnose import selected

    list(selected(allow))
    if not budget > 0:
        raise UsageError(f"`budget` must be above 0 seconds, got {budget:g}. Say 180")
    if not resume and (folder / "improve.json").exists():
        raise UsageError(
            f"`folder` must not hold another improvement, got {folder}. "
            "Name another folder, or continue it with --resume"
        )


def _continued(folder: Path, record: ImprovementRecord) -> ImprovementRecord:
    """The record of an interrupted improvement, to go on with; refuses one of another problem, recipe or seed."""
    earlier = load_improvement(folder)
    different = [
        name
        for name, mine, theirs in (
            ("data", record.problem.fingerprint, earlier.problem.fingerprint),
            ("recipe", record.options["recipe"], earlier.options.get("recipe")),
            ("seed", record.seed, earlier.seed),
        )
        if mine != theirs
    ]
    if different:
        raise ResumeError(f"the improvement in {folder} has another {' and another '.join(different)}. Start a new one")
    return replace(earlier, status="running")


def _side(arm: Arm | None) -> dict[str, Any]:
    if arm is None:
        return {"mean": None, "interval": None, "n": 0}
    return {"mean": arm.mean, "interval": list(arm.interval) if arm.interval else None, "n": arm.n}
