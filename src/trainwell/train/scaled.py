"""Scaled inputs and targets: prepared once per problem, and undone in the model that a run exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from trainwell.data import Examples, Scaling, Source, Standardize, Streamed, fit_targets
from trainwell.problem import Problem
from trainwell.recipe import Recipe


@dataclass(frozen=True)
class Scaled:
    """What a recipe's scaling means for one problem; either part may be absent."""

    inputs: Standardize | None = None
    targets: Standardize | None = None

    def apply(self, source: Source) -> Source:
        """Scale a split in memory; a streamed one is scaled batch by batch (`apply_batch`)."""
        return source if isinstance(source, Streamed) else self.apply_batch(source)

    def apply_batch(self, batch: Examples) -> Examples:
        """Scale a batch."""
        inputs, targets = batch.inputs, batch.targets
        if self.inputs is not None:
            assert isinstance(inputs, Tensor)
            inputs = self.inputs(inputs)
        if self.targets is not None and targets is not None:
            targets = self.targets(targets)
        return Examples(inputs, targets)

    def to(self, device: torch.device) -> Scaled:
        """Move the statistics to a device."""
        return Scaled(
            None if self.inputs is None else self.inputs.to(device),
            None if self.targets is None else self.targets.to(device),
        )

    def state(self) -> dict[str, Tensor]:
        """The statistics, for the weights on disk."""
        state: dict[str, Tensor] = {}
        for name, module in (("inputs", self.inputs), ("targets", self.targets)):
            if module is not None:
                state |= {f"{name}.mean": module.mean.cpu(), f"{name}.deviation": module.deviation.cpu()}
        return state


class RawModel(nn.Module):
    """A trained network that takes raw inputs and returns predictions in the problem's unit."""

    def __init__(self, model: nn.Module, inputs: Standardize | None, targets: Standardize | None) -> None:
        super().__init__()
        self.model = model
        self.inputs = inputs
        self.targets = targets

    @classmethod
    def of(cls, model: nn.Module, state: Mapping[str, Tensor]) -> RawModel:
        """Put a network between the stored statistics."""
        parts = {
            name: Standardize(state[f"{name}.mean"], state[f"{name}.deviation"]) if f"{name}.mean" in state else None
            for name in ("inputs", "targets")
        }
        return cls(model, parts["inputs"], parts["targets"])

    def forward(self, values: Tensor) -> Tensor:
        """Scale, predict, unscale."""
        outputs: Tensor = self.model(values if self.inputs is None else self.inputs(values))
        return outputs if self.targets is None else self.targets.inverse(outputs)


_Key = tuple[str, str, str]
_prepared: WeakKeyDictionary[Problem, dict[_Key, tuple[Scaled | None, dict[str, Source]]]] = WeakKeyDictionary()


def prepared(problem: Problem, recipe: Recipe, device: torch.device) -> tuple[Scaled | None, dict[str, Source]]:
    """The training and validation split on a device, scaled; made once per problem, since many runs share them.

    Returns:
        The scaling, or None where the recipe has none; and the splits by name.

    Raises:
        ProblemError: If the data cannot be scaled so.
    """
    made = _prepared.setdefault(problem, {})
    key = (recipe.inputs.scaling, recipe.targets.scaling, str(device))
    if key not in made:
        scaled = None
        if recipe.inputs.scaling != "none" or recipe.targets.scaling != "none":
            scaled = Scaled(
                Scaling.fit(problem.train, problem.input_kind).module if recipe.inputs.scaling != "none" else None,
                fit_targets(problem.train) if recipe.targets.scaling != "none" else None,
            ).to(device)
        splits = {}
        for name, source in (("train", problem.train), ("val", problem.val)):
            moved = source if isinstance(source, Streamed) else source.to(device)
            splits[name] = moved if scaled is None else scaled.apply(moved)
        made[key] = (scaled, splits)
    return made[key]
