"""The length of a run in steps, fixed and checked before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

from trainwell.errors import RecipeError
from trainwell.recipe import Recipe


@dataclass(frozen=True)
class Plan:
    """Steps of a run. A step is one optimizer update over `batch_size * accumulate` examples.

    Attributes:
        examples: Training examples; None where the source cannot tell.
        batches_per_epoch: Batches of `batch_size` examples in an epoch.
        steps_per_epoch: Updates in an epoch; a ragged last group of batches makes an update of its own.
        total_steps: Length of the run.
        evaluation_steps: Numbers of updates after which the validation split is evaluated.
    """

    examples: int | None
    batch_size: int
    accumulate: int
    batches_per_epoch: int
    steps_per_epoch: int
    total_steps: int
    evaluation_steps: frozenset[int]

    @property
    def epochs(self) -> int:
        """Epochs begun by the end."""
        return -(-self.total_steps // self.steps_per_epoch)


def plan_run(recipe: Recipe, examples: int | None) -> Plan:
    """Work out the steps of a run.

    Args:
        recipe: Gives batch size, accumulation, epochs or steps.
        examples: Size of the training split, or None for a stream of unknown length (then `steps` is needed).

    Raises:
        RecipeError: If a batch is larger than the data, or accumulation longer than an epoch.
    """
    if examples is None:
        if recipe.steps is None:
            raise RecipeError("`steps` must be given for a training source of unknown length. Set steps = 1000")
        batches = recipe.steps * recipe.accumulate
    else:
        if recipe.batch_size > examples:
            raise RecipeError(
                f"`batch_size` must be at most the {examples} training examples, got {recipe.batch_size}. "
                f"Set batch_size = {min(64, examples)}"
            )
        drop = recipe.sampling.drop_last
        batches = examples // recipe.batch_size if drop else -(-examples // recipe.batch_size)
    if recipe.accumulate > batches:
        raise RecipeError(
            f"`accumulate` must be at most the {batches} batches of an epoch, got {recipe.accumulate}. Lower it"
        )
    steps_per_epoch = -(-batches // recipe.accumulate)
    total = recipe.steps if recipe.steps is not None else recipe.epochs * steps_per_epoch
    interval = steps_per_epoch / recipe.recording.evaluations_per_epoch
    count = int(total / interval + 1e-9)
    points = {max(1, round(k * interval)) for k in range(1, count + 1)} | {total}
    return Plan(
        examples=examples,
        batch_size=recipe.batch_size,
        accumulate=recipe.accumulate,
        batches_per_epoch=batches,
        steps_per_epoch=steps_per_epoch,
        total_steps=total,
        evaluation_steps=frozenset(p for p in points if p <= total),
    )
