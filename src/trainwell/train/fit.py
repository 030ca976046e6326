"""`fit`: one training done right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.train.callbacks import Callback
from trainwell.train.custom_step import Step
from trainwell.train.resume import check_same, ended_run
from trainwell.train.run import Run
from trainwell.train.training import Training


def fit(
    problem: Problem,
    recipe: Recipe | None = None,
    *,
    seed: int = 0,
    folder: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    parent: Mapping[str, Any] | None = None,
    resume: bool = False,
    step: Step | None = None,
    parts: Sequence[str] = (),
) -> Run:
    """Train a problem with a recipe.

    A run is a function of (problem, recipe, seed): initial weights, order of the data and noise come from three
    random streams of the seed. The weights with the best validation metric are kept.

    Args:
        problem: What is to be learned.
        recipe: How; the default recipe where None.
        seed: Of the three streams. [>= 0]
        folder: Where to record the run; in memory only where None.
        callbacks: Called at the moments they override.
        parent: What the run is part of; goes into its record.
        resume: Continue the run in `folder`, to the bit, from its newest whole checkpoint; a run that has ended is
            returned as it is; an empty folder begins a new one.
        step: Own update for GANs and the like: called with (model, batch, optimizers by part), does zero_grad, backward
            and step itself, and returns its loss or a dict of losses.
        parts: Submodules that get an optimizer each, for `step`; one over all, named "model", where empty.

    Returns:
        The run, with findings; a divergence is a recorded result (`run.status == "diverged"`), not an exception.

    Raises:
        UsageError: If an argument is of the wrong kind, or the folder holds a run.
        RecipeError: If the recipe does not fit the problem.
        ProblemError: If the model does not fit the data.
        ResumeError: If the folder's run has another recipe, other data or another seed.
        KeyboardInterrupt: After everything recorded so far was written.
    """
    refuse_wrong_kinds(problem, recipe, callbacks)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UsageError(f"`seed` must be a whole number of at least 0, got {seed!r}. Use seed=0")
    place = None if folder is None else Path(folder)
    if resume and place is None:
        raise UsageError("`folder` must be given with resume=True, got None. Name the run's folder")
    if not resume:
        refuse_taken(place)
    continued = False
    if resume and place is not None and (place / "run.json").is_file():
        ended = ended_run(place)
        if ended is not None:
            check_same(ended, problem, recipe or Recipe(), seed)
            return Run.load(place, problem)
        continued = True
    training = Training(
        problem,
        recipe or Recipe(),
        seed=seed,
        folder=place,
        callbacks=callbacks,
        parent=parent,
        resume=continued,
        step=step,
        parts=parts,
    )
    training.advance()
    return training.finish()


def refuse_taken(folder: Path | None) -> None:
    """Refuse a folder that holds a run.

    Raises:
        UsageError: If it does.
    """
    if folder is not None and (folder / "run.json").exists():
        raise UsageError(
            f"`folder` must not hold another run, got {folder}. Name another folder, or continue it with resume=True"
        )


def refuse_wrong_kinds(problem: Any, recipe: Any, callbacks: Any) -> None:
    """Refuse arguments that are no problem, recipe or callbacks.

    Raises:
        UsageError: If there are some.
    """
    if not isinstance(problem, Problem):
        raise UsageError(
            f"`problem` must be a Problem, got {type(problem).__name__}. Make one, or use load_problem(name or path)"
        )
    if recipe is not None and not isinstance(recipe, Recipe):
        raise UsageError(f"`recipe` must be a Recipe, got {type(recipe).__name__}. Say Recipe(epochs=10, ...)")
    wrong = [callback for callback in callbacks if not isinstance(callback, Callback)]
    if wrong:
        raise UsageError(
            f"`callbacks` must be instances of Callback, got {wrong[0]!r}. Override on_step or on_evaluation"
        )
