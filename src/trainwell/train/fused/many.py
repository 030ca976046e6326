"""`fit_many`: many trainings of one problem, fused where that works and pays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.train.callbacks import Callback
from trainwell.train.fit import refuse_taken, refuse_wrong_kinds
from trainwell.train.fused.choose import Choices
from trainwell.train.fused.halving import Halving, halve
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.together import Listener, Together
from trainwell.train.run import Run

Pair = tuple[Recipe, int]


def fit_many(
    problem: Problem,
    recipes: Recipe | Sequence[Recipe | Pair] | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    folder: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    parent: Mapping[str, Any] | None = None,
    halving: Halving | None = None,
    workers: int | None = None,
    size: int | None = None,
    listener: Listener | None = None,
    choices: Choices | None = None,
) -> list[Run]:
    """Train a problem many times: every recipe with every seed, each run as `fit` would do it alone.

    Runs that share a program (model, optimizer family, batch size, precision, scaling) are trained as stacks by one
    batched computation; what cannot be stacked is trained one by one, and `listener` hears why, once for each reason.
    Without dropout a run has the losses that it has alone, to float tolerance; with dropout, in distribution.

    Args:
        problem: What is to be learned.
        recipes: One, several, or pairs (recipe, seed); the default recipe where None.
        seeds: One or several. Every recipe is trained with every seed, in the order recipe 0 with all seeds, recipe 1
            with all seeds, ...; 0 where None. Pairs have seeds of their own.
        folder: Where runs are recorded, as `run-000`, `run-001`, ...; in memory only where None. Fused runs write no
            checkpoints.
        callbacks: Told of the moments of every run.
        parent: What the runs are part of; goes into their records.
        halving: Keep the best at rungs and stop the others.
        workers: Processes to spread the runs over. [>= 1]
        size: Runs of a stack; chosen by a short measurement where None; 1 trains one by one.
        listener: Told in plain words what is fused, and what is not and why.
        choices: What was measured for earlier calls, which is not measured again in this process.

    Returns:
        The runs in the order of (recipe, seed). A divergence is a recorded result of its run alone.

    Raises:
        UsageError: If an argument is of the wrong kind, there is no recipe or no seed, or a folder holds a run.
        RecipeError: If a recipe does not fit the problem.
        ProblemError: If the model does not fit the data, or two runs' models hold the same parameter.
        KeyboardInterrupt: After everything recorded so far was written.
    """
    refuse_wrong_kinds(problem, None, callbacks)
    if folder is not None and not isinstance(folder, str | Path):
        raise UsageError(f"`folder` must be a path, got {folder!r}. Leave it out to record in memory only")
    pairs = pairs_of(recipes, seeds)
    folders = folders_of(folder, len(pairs))
    for place in folders:
        refuse_taken(place)
    refuse_wrong_numbers(size=size, workers=workers)
    if halving is not None and not isinstance(halving, Halving):
        raise UsageError(
            f"`halving` must be a Halving, got {halving!r}. Say halving=trainwell.train.halving(eta=3, rungs=3)"
        )
    if workers is not None and workers != 1:
        from trainwell.train.fused.workers import in_processes, refuse_workers

        refuse_workers(callbacks, halving)
        return in_processes(problem, pairs, folders, workers, parent=parent, size=size, listener=listener)
    lanes = [
        Lane(problem, recipe, seed=seed, folder=place, callbacks=callbacks, parent=parent)
        for (recipe, seed), place in zip(pairs, folders, strict=True)
    ]
    return train_lanes(lanes, size=size, halving=halving, listener=listener, choices=choices)


def train_lanes(
    lanes: Sequence[Lane],
    *,
    size: int | None = None,
    halving: Halving | None = None,
    listener: Listener | None = None,
    choices: Choices | None = None,
) -> list[Run]:
    """Train runs together to their ends; their results in order. Arguments as for `fit_many`.

    Raises:
        ProblemError: If two runs' models hold the same parameter.
        KeyboardInterrupt: After everything recorded so far was written.
    """
    together = Together(lanes, size=size, listener=listener, choices=choices)
    try:
        if halving is None:
            together.advance()
        else:
            halve(together, halving)
    except KeyboardInterrupt:
        for lane in lanes:
            lane.finish()
        raise
    return [lane.finish() for lane in lanes]


def loss_after(
    problem: Problem,
    recipes: Sequence[Recipe],
    *,
    seed: int = 0,
    steps: int = 100,
    examples: int = 512,
    listener: Listener | None = None,
) -> list[tuple[float, float]]:
    """Losses on a fixed part of the training split before and after some steps, for many recipes at once.

    All start from the same initial weights and see the same batches, as a range test of learning rates needs it.

    Args:
        problem: What is to be learned.
        recipes: For example one for each rate, of constant schedule; their length is replaced.
        seed: Of all of them.
        steps: Updates. [optimizer updates]
        examples: Size of the part.
        listener: Told what is fused, and what is not and why.

    Returns:
        (before, after) for each recipe; NaN after a divergence.
    """
    edits = {
        "steps": steps + 1,  # the planned end lies beyond the test's, so that nothing evaluates
        "stopping": {"keep": "last"},
        "recording": {"initial": False, "gradients_every": 1_000_000, "evaluations_per_epoch": 0.001},
    }
    lanes = [Lane(problem, recipe.with_(edits), seed=seed) for recipe in recipes]
    before = [lane.loss_on_part(examples) for lane in lanes]
    together = Together(lanes, listener=listener)
    together.advance(steps)
    together.release()
    after = [float("nan") if lane.status == "diverged" else lane.loss_on_part(examples) for lane in lanes]
    return list(zip(before, after, strict=True))


def pairs_of(recipes: Recipe | Sequence[Recipe | Pair] | None, seeds: int | Sequence[int] | None) -> list[Pair]:
    """Every recipe with every seed, recipe by recipe; pairs as they are.

    Raises:
        UsageError: If there is nothing to train, a seed is none, or pairs come with seeds.
    """
    if recipes is not None and not isinstance(recipes, Recipe) and not isinstance(recipes, Iterable):
        raise UsageError(f"`recipes` must be recipes, got {recipes!r}. Pass Recipe(...) or a list of them")
    given = [recipes or Recipe()] if recipes is None or isinstance(recipes, Recipe) else list(recipes)
    if not given:
        raise UsageError("`recipes` must hold a recipe, got none. Pass Recipe()")
    with_seeds = [item for item in given if isinstance(item, tuple)]
    if with_seeds and (seeds is not None or len(with_seeds) < len(given)):
        raise UsageError(
            "`recipes` must be recipes, or pairs (recipe, seed) without `seeds`, got both. Drop one of them"
        )
    if with_seeds:
        pairs = [(recipe, _seed(seed)) for recipe, seed in with_seeds]
    else:
        several = [0] if seeds is None else list(seeds) if isinstance(seeds, Iterable) else [seeds]
        if not several:
            raise UsageError("`seeds` must hold a seed, got none. Use seeds=[0]")
        pairs = [(recipe, _seed(seed)) for recipe in given for seed in several if isinstance(recipe, Recipe)]
    wrong = [r for r in given if not isinstance(r, Recipe | tuple)] + [r for r, _ in pairs if not isinstance(r, Recipe)]
    if wrong:
        raise UsageError(f"`recipes` must be recipes, got a {type(wrong[0]).__name__}. Pass Recipe(...)")
    return pairs


def folders_of(folder: str | Path | None, count: int) -> list[Path | None]:
    """The folder of each run."""
    return [None if folder is None else Path(folder) / f"run-{number:03d}" for number in range(count)]


def refuse_wrong_numbers(**counts: Any) -> None:
    """Refuse counts that are no whole numbers of at least 1; None stands for the default.

    Raises:
        UsageError: With all wrong ones.
    """
    wrong = {
        name: value
        for name, value in counts.items()
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1)
    }
    if wrong:
        said = "; ".join(
            f"`{name}` must be a whole number of at least 1, got {value!r}" for name, value in wrong.items()
        )
        raise UsageError(f"{said}. Leave it out for the default")


def _seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UsageError(f"`seeds` must be whole numbers of at least 0, got {seed!r}. Use seeds=[0, 1, 2]")
    return seed
