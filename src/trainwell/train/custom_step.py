"""Updates by a user's own function, for GANs and the like: several optimizers over parts of one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from trainwell.data import Examples
from trainwell.errors import ProblemError, RecipeError
from trainwell.optim.build import build_optimizer
from trainwell.recipe import Recipe

Step = Callable[[nn.Module, Examples, Mapping[str, torch.optim.Optimizer]], Tensor | Mapping[str, Tensor]]


class Optimizers:
    """Several torch optimizers that are scheduled and saved as one.

    Attributes:
        by_part: Optimizer of each part of the model.
    """

    def __init__(self, by_part: Mapping[str, torch.optim.Optimizer]) -> None:
        self.by_part = dict(by_part)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all of them."""
        return [group for optimizer in self.by_part.values() for group in optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The states by part."""
        return {part: optimizer.state_dict() for part, optimizer in self.by_part.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`."""
        for part, optimizer in self.by_part.items():
            optimizer.load_state_dict(state[part])


def optimizers_for(recipe: Recipe, model: nn.Module, parts: Sequence[str]) -> Optimizers:
    """One optimizer of the recipe for each named child module.

    Args:
        parts: Names of submodules, e.g. ("generator", "critic"); empty for one optimizer over all, named "model".

    Raises:
        RecipeError: If a part is no submodule.
    """
    if not parts:
        return Optimizers({"model": build_optimizer(recipe.optimizer, recipe.parameters, model)})
    modules = dict(model.named_modules())
    unknown = [part for part in parts if part not in modules]
    if unknown:
        known = ", ".join(name for name in modules if name and "." not in name)
        raise RecipeError(f"`parts` must name submodules of the model, got {', '.join(unknown)}. Known: {known}")
    return Optimizers({part: build_optimizer(recipe.optimizer, recipe.parameters, modules[part]) for part in parts})


class CustomUpdate:
    """Calls the user's step with the model, a batch and the optimizers by part; it does all of the update itself.

    Attributes:
        looks: Named losses of the last update, where the step returned several.
    """

    skipped = False
    pieces = 1
    decision: Literal["open", "compiled", "eager"] = "open"
    clip = None
    scaler = None

    def __init__(
        self,
        model: nn.Module,
        step: Step,
        optimizers: Optimizers,
        augment: Callable[[Examples], Examples] | None,
        after_step: Sequence[Callable[[int], None]],
    ) -> None:
        self.model, self.step, self.optimizers = model, step, optimizers
        self.augment, self.after_step = augment, after_step
        self.looks: list[tuple[str, Tensor | float]] = []
        self.note: Callable[..., None] = lambda **what: None

    def __call__(self, group: Sequence[Examples], step: int) -> Tensor:
        """Update once; the loss of several batches is their mean."""
        self.looks = []
        total: Tensor | None = None
        for batch in group:
            returned = self.step(
                self.model, batch if self.augment is None else self.augment(batch), self.optimizers.by_part
            )
            if isinstance(returned, Mapping):
                self.looks = [(f"loss.{name}", value.detach()) for name, value in returned.items()]
                returned = torch.stack([value.detach() for value in returned.values()]).sum()
            if not isinstance(returned, Tensor) or returned.numel() != 1:
                raise ProblemError(
                    f"`step` must return a loss or a dict of losses, each one number, got {type(returned).__name__}. "
                    "Return loss.mean()"
                )
            total = returned.detach() if total is None else total + returned.detach()
        assert total is not None
        for hook in self.after_step:
            hook(step)
        return total.reshape(()) / len(group)
