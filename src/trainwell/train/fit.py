"""`fit`: one training done right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwell.errors import UsageError
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.train.callbacks import Callback
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

    Returns:
        The run, with findings; a divergence is a recorded result (`run.status == "diverged"`), not an exception.

    Raises:
        RecipeError: If the recipe does not fit the problem.
        ProblemError: If the model does not fit the data.
        KeyboardInterrupt: After everything recorded so far was written.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UsageError(f"`seed` must be a whole number of at least 0, got {seed!r}. Use seed=0")
    training = Training(
        problem,
        recipe or Recipe(),
        seed=seed,
        folder=None if folder is None else Path(folder),
        callbacks=callbacks,
        parent=parent,
    )
    training.advance()
    return training.finish()
