"""`tune`: the best recipe for a budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trainwell.data import count
from trainwell.errors import RecipeError, ResumeError, UsageError, unknown_name
from trainwell.problem import Problem
from trainwell.problem.factory import takes_any_keyword
from trainwell.recipe import Recipe
from trainwell.recipe.mistakes import listed
from trainwell.records import environment, to_plain
from trainwell.records.study import (
    Finalist,
    Look,
    StudyPlan,
    StudyRecord,
    StudyResult,
    StudyStatus,
    load_plan,
    load_study,
    save_plan,
    save_result,
)
from trainwell.space import Space, default_space
from trainwell.train import Halving, Lane
from trainwell.train.fused.trial import seconds_alone
from trainwell.train.knowledge import baseline_facts
from trainwell.train.plan import plan_run
from trainwell.train.stopping import keeper_for
from trainwell.tune.budget import budget_of
from trainwell.tune.journal import Claims, Journal, worker_name
from trainwell.tune.on_ray import refuse_address, search_on_ray
from trainwell.tune.outcome import outcome
from trainwell.tune.progress import Listener
from trainwell.tune.rungs import Proxy
from trainwell.tune.sampler import sampler_of
from trainwell.tune.scheme import scheme_of
from trainwell.tune.search import Export, Search
from trainwell.tune.warm import points_of
from trainwell.tune.workers import helped, refuse_unsendable

_AROUND = 3.0  # a trial is made, measured and written down: so many times as long as making it
_EVALUATING = 1.3  # a run takes longer than its steps: it is evaluated


@dataclass(frozen=True)
class Study:
    """A search and what came of it.

    Attributes:
        record: Everything that was asked, seen and decided.
        problem: What was learned.
    """

    record: StudyRecord
    problem: Problem | None = None

    @property
    def result(self) -> StudyResult:
        """What came of it."""
        assert self.record.result is not None
        return self.record.result

    @property
    def recipe(self) -> Recipe | None:
        """The best recipe; None where no trial reached the full length."""
        return Recipe(**self.result.recipe) if self.result.recipe else None

    @property
    def trials(self) -> tuple[Look, ...]:
        """The last look at each trial, by number."""
        return self.record.latest

    @property
    def folder(self) -> Path | None:
        """Where it is recorded."""
        return self.record.folder

    @property
    def sentence(self) -> str:
        """The result in words."""
        return self.result.sentence

    @classmethod
    def load(cls, folder: str | Path) -> Study:
        """Load a study that has ended.

        Raises:
            RecordError: If the folder holds none.
            ResumeError: If it has not ended.
        """
        record = load_study(folder)
        if record.result is None:
            raise ResumeError(f"`{folder}` must hold a study that has ended, got one without a result. Resume it")
        return cls(record)

    def to_dict(self) -> dict[str, Any]:
        """The result in plain JSON values."""
        found: dict[str, Any] = to_plain(self.result)
        return found

    def __repr__(self) -> str:
        return f"Study({self.record.plan.problem.name}: {self.sentence})"


def tune(
    problem: Problem,
    space: Space | Mapping[str, Any] | None = None,
    *,
    recipe: Recipe | None = None,
    trials: int | None = None,
    budget: float | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    method: str = "sobol",
    halving: Halving | str | bool = True,
    proxy: Proxy = "inside",
    seed: int = 0,
    folder: str | Path | None = None,
    resume: bool = False,
    finalists: int = 3,
    confirm: int = 3,
    target: float | None = None,
    earlier: Sequence[str | Path] = (),
    first: Sequence[Mapping[str, Any]] = (),
    workers: int = 1,
    shared: bool = False,
    on: str | None = None,
    storage: str | None = None,
    mlflow: str | None = None,
    listener: Listener | None = None,
    say: Callable[[str], None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Study:
    """Find the best recipe of a space for a budget.

    Many short runs come before few long ones: trials are trained side by side as fused stacks, compared at rungs of
    growing length, and the better part of each goes on. The top few at full length are trained again on fresh seeds;
    what is reported of the winner is measured on seeds that took no part in the choice.

    Args:
        problem: What is to be learned.
        space: What may vary, by dotted path; the default space of the recipe's optimizer where None.
        recipe: All that does not vary.
        trials, budget, steps: Trials of the search; or time for everything [seconds]; or updates of everything
            [optimizer updates]. The first that is used up ends the search; 64 trials where none is given.
        epochs: Length of a full trial; the recipe's where None.
        method: sobol, halton, random or grid; focus, which picks later groups near the best of the earlier ones; tpe,
            gp or cmaes by the extra `trainwell[optuna]`.
        halving: `trainwell.halving(eta, rungs)` or a name: halving, asha, hyperband, one-epoch, population, none.
        proxy: Whether a short run is the `inside` of the long one, or has its `own` short schedule.
        seed: Master seed of points and runs.
        folder: Where the study is recorded; in memory only where None.
        resume: Continue the study in `folder`: what is finished is neither lost nor repeated.
        finalists: How many of the best are trained again.
        confirm: Fresh seeds for each of them, and as many others for the winner; 0 leaves the confirmation out.
        target: Validation value that ends the search as soon as a trial has it at an evaluation on its way to the full
            length; it goes on to the end of the budget where None.
        earlier: Folders of earlier studies whose best points are tried first.
        first: Points that are tried first.
        workers: Processes of this machine that work on the study; one that is lost is replaced. They share the folder.
        shared: Whether other workers share the folder; each runs `tune` with the same arguments and resume=True.
        on: Where groups are trained: here where None; `ray` on a local cluster started for it, or `ray:ADDRESS`,
            by the extra `trainwell[ray]`. The confirmation runs here.
        storage: Database URL or journal file of Optuna that trials are written into too, for `optuna-dashboard`.
        mlflow: Address of MLflow to which trials are sent too.
        listener: Told of progress.
        say: Told in plain words how trials are fused.
        options: What the call was, for the record.

    Returns:
        The study. Trials that diverge or fail are results of it, not exceptions.

    Raises:
        RecipeError: If the space has mistakes, or the recipe does not fit the problem.
        BudgetError: If the budget allows no full trial.
        UsageError: If an argument cannot be meant, or the folder holds a study and resume is not asked for.
        ResumeError: If the folder's study is another one; says the differences.
        MissingExtraError: If a method needs a package that is not installed.
        KeyboardInterrupt: After everything so far was written.
    """
    started = time.monotonic()
    _refuse(problem, recipe, finalists, confirm, seed, workers, folder, resume, shared)
    if on is not None:
        if workers > 1:
            raise UsageError("`workers` must be 1 with on, got both. A cluster has its own workers")
        refuse_address(on)
    shared = shared or workers > 1 or on is not None
    base = recipe or Recipe()
    if epochs is not None:
        base = base.with_({"epochs": epochs, "steps": "none"})
    place = None if folder is None else Path(folder)
    space = default_space(base.optimizer.name) if space is None else Space.of(space)
    check_space(space, base, problem)
    length = plan_run(base, count(problem.train))
    epochs_of_a_run = length.total_steps / length.steps_per_epoch
    keeper = keeper_for(problem, base.stopping)
    scheme = scheme_of(halving, epochs=epochs_of_a_run, steps=length.total_steps, proxy=proxy)
    confirming = 0 if not confirm else (finalists * confirm if finalists > 1 else 0) + confirm
    limits = {"trials": trials, "seconds": budget, "steps": steps}
    plan = StudyPlan(
        problem=problem.facts(),
        recipe=base.to_dict(),
        space=space.to_plain(),
        seed=seed,
        method=method,
        halving=scheme.name,
        rungs=scheme.rungs.shares,
        proxy=proxy,
        watch=keeper.watch,
        higher_is_better=keeper.higher_is_better,
        epochs=epochs_of_a_run,
        full_steps=length.total_steps,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        budget={name: value for name, value in limits.items() if value is not None},
        problem_spec=problem.spec,
        first=(*first, *points_of(earlier, space, problem)),
        options=dict(options or {}),
        environment=environment(),
    )
    sampler = sampler_of(space, method, seed, trials=trials, higher_is_better=keeper.higher_is_better)
    plan = replace(plan, sampler=dict(sampler.facts))
    run_seconds, trial_seconds = (0.0, 0.0) if budget is None else _seconds_of_a_run(problem, base, space)
    limit = budget_of(
        trials,
        steps,
        budget,
        confirming=confirming,
        full_steps=length.total_steps,
        run_seconds=run_seconds,
        trial_seconds=trial_seconds,
        started=started,
    )
    exports = _exports(storage, mlflow)
    if place is not None:
        plan = _open(place, plan, resume)
    for export in exports:
        export.begin(plan)
    journal = Journal(plan, place, worker_name())
    claims = Claims(place, journal.worker)
    limit.earlier = _earlier(journal, claims) - (time.monotonic() - started if claims.others_alive() else 0.0)
    search = Search(
        problem=problem,
        base=base,
        space=space,
        seed=seed,
        scheme=scheme,
        sampler=sampler,
        budget=limit,
        journal=journal,
        claims=claims,
        finalists=finalists,
        selection=confirm,
        measure=confirm,
        enqueued=plan.first,
        exports=exports,
        target=target,
        shared=shared,
        listener=listener,
        say=say,
        folder=place,
    )
    others: AbstractContextManager[None] = nullcontext()
    if workers > 1:
        same = {"space": space, "recipe": base, "trials": trials, "budget": budget, "steps": steps, "method": method}
        same |= {"halving": halving, "proxy": proxy, "seed": seed, "folder": place, "resume": True, "shared": True}
        same |= {"finalists": finalists, "confirm": confirm, "target": target}
        others = helped(workers - 1, problem, same)
    try:
        with others:
            return _carried_out(search, problem, on)
    finally:
        claims.leave()


def _exports(storage: str | None, mlflow: str | None) -> list[Export]:
    """The places that hear of trials, opened before any work."""
    found: list[Export] = []
    if storage is not None:
        from trainwell.tune.optuna_storage import Mirror

        found.append(Mirror(storage))
    if mlflow is not None:
        from trainwell.tune.mlflow_export import MlflowExport

        found.append(MlflowExport(mlflow))
    return found


def _earlier(journal: Journal, claims: Claims) -> float:
    """Seconds that the study has taken before: by earlier sessions, or by workers that are at it."""
    record = journal.record
    written = max([0.0, *(look.seconds for look in record.looks), *(asked.seconds for asked in record.asked)])
    if journal.folder is None or not claims.others_alive():
        return written
    return written + claims.seconds_since(journal.folder / "study.json", *journal.paths)


def check_space(space: Space, base: Recipe, problem: Problem) -> None:
    """Refuse a space that does not fit a recipe or a problem's model factory, with all mistakes at once.

    Raises:
        RecipeError: See `Space.check`; also where the factory lacks a keyword.
    """
    mistakes: list[str] = []
    try:
        space.check(base)
    except RecipeError as error:
        mistakes += error.mistakes
    knobs = {path.split(".")[1]: None for path in space.paths if path.startswith("model.")}
    known = problem.knobs()
    if not takes_any_keyword(problem.factory):
        mistakes += [
            f"`model.{name}`: {unknown_name('keyword of the model factory', name, known)}"
            for name in knobs
            if name not in known
        ]
    if mistakes:
        raise RecipeError(listed("the space", mistakes), mistakes)


def _carried_out(search: Search, problem: Problem, on: str | None) -> Study:
    """Search, confirm, and write down what came of it."""
    try:
        status = search.run() if on is None else search_on_ray(search, on)
        if not search.claims.take("confirmation"):
            return _of_another(search, problem, on)
        chosen, measured = search.confirm()
    except KeyboardInterrupt:
        if not search.shared:
            _concluded(search, problem, "interrupted")
        raise
    return _concluded(search, problem, status, chosen, measured)


def _concluded(
    search: Search,
    problem: Problem,
    status: StudyStatus,
    chosen: Sequence[Finalist] = (),
    measured: Sequence[float] = (),
) -> Study:
    search.journal.refresh()
    search.export()
    record = search.journal.record
    result = outcome(
        record,
        status=status,
        seconds=search.budget.spent,
        confirm_steps=search.confirm_steps,
        finalists=chosen,
        measured=measured,
        workers=len({look.worker for look in record.looks}),
        notes=[note for note in (search.shortened, search.journal.trouble, search.unexported) if note],
    )
    if search.folder is not None:
        try:
            save_result(search.folder, result)
        except OSError as error:
            said = f"the result could not be written to {search.folder}: {error.strerror or error}"
            result = replace(result, advice=(*result.advice, said))
    return Study(replace(record, result=result), problem)


def _of_another(search: Search, problem: Problem, on: str | None) -> Study:
    """The result that another worker writes; waits for it."""
    assert search.folder is not None
    while True:
        record = load_study(search.folder)
        if record.result is not None and record.result.status != "running":
            return Study(record, problem)
        if search.claims.take("confirmation"):
            return _carried_out(search, problem, on)
        time.sleep(0.5)


def _seconds_of_a_run(problem: Problem, base: Recipe, space: Space) -> tuple[float, float]:
    """Estimates of what a full run takes alone, by a few steps at the middle of the space, and of what a trial adds."""
    middle = base.with_(space.at([0.5] * space.width))
    Lane(problem, middle)  # the first one loads what it needs
    baseline_facts(problem)  # so does the first diagnosis, which would be at the end, where no time is left
    begin = time.monotonic()
    lane = Lane(problem, middle)
    making = time.monotonic() - begin
    return _EVALUATING * seconds_alone(lane) * lane.total_steps, _AROUND * making


def _open(place: Path, plan: StudyPlan, resume: bool) -> StudyPlan:
    """Begin a study in a folder, or continue the one that is there."""
    if not (place / "study.json").is_file():
        if (place / "run.json").exists() or (place / "improve.json").exists():
            raise UsageError(f"`folder` must not hold other results, got {place}. Name another folder")
        try:
            place.mkdir(parents=True, exist_ok=True)
            save_plan(place, plan)
        except OSError as error:
            said = error.strerror or error
            raise UsageError(
                f"`folder` must be one that can be written to, got {place}: {said}. Name another"
            ) from None
        return plan
    if not resume:
        raise UsageError(
            f"`folder` must not hold another study, got {place}. Name another folder, or continue it with resume=True"
        )
    stored = load_plan(place)
    differences = list(_differences(stored, plan))
    if differences:
        raise ResumeError(
            f"`{place}` holds another study and cannot be continued as asked: "
            + "; ".join(differences)
            + ". Name another folder, or ask for the same"
        )
    return stored


def _differences(stored: StudyPlan, asked: StudyPlan) -> list[str]:
    found = []
    if stored.problem.fingerprint != asked.problem.fingerprint:
        found.append(f"problem {stored.problem.name} with other data, not {asked.problem.name}")
    changes = Recipe(**stored.recipe).diff(Recipe(**asked.recipe))
    found += [f"recipe {change}" for change in changes]
    spaces = Space.from_plain(stored.space), Space.from_plain(asked.space)
    if spaces[0].hash != spaces[1].hash:
        lines = set(spaces[0].describe()) ^ set(spaces[1].describe())
        found.append(f"space ({', '.join(sorted(line.strip() for line in lines))})")
    for name in ("seed", "method", "halving", "rungs", "proxy"):
        before, now = getattr(stored, name), getattr(asked, name)
        if before != now and not (name == "rungs" and all(map(math.isclose, before, now))):
            found.append(f"{name} {before}, not {now}")
    return found


def _refuse(
    problem: Any,
    recipe: Any,
    finalists: Any,
    confirm: Any,
    seed: Any,
    workers: Any,
    folder: Any,
    resume: bool,
    shared: bool,
) -> None:
    if not isinstance(problem, Problem):
        raise UsageError(
            f"`problem` must be a Problem, got {type(problem).__name__}. Make one, or use load_problem(name or path)"
        )
    if recipe is not None and not isinstance(recipe, Recipe):
        raise UsageError(f"`recipe` must be a Recipe, got {type(recipe).__name__}. Say Recipe(epochs=10, ...)")
    numbers = (("finalists", finalists, 1), ("confirm", confirm, 0), ("seed", seed, 0), ("workers", workers, 1))
    for name, value, least in numbers:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UsageError(f"`{name}` must be a whole number of at least {least}, got {value!r}")
    if (resume or shared or workers > 1) and folder is None:
        raise UsageError("`folder` must be given with resume, workers or shared, got None. Name the study's folder")
    if workers > 1:
        refuse_unsendable(problem)
