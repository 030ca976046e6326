"""The tensors of K runs as one: parameters, gradients and state of the update in rows, models that look into them.

Legend of shapes: K runs, P numbers of all parameters that share a rule, B examples of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from trainwell.optim.rules.adafactor import Adafactor
from trainwell.optim.rules.families import select_state
from trainwell.optim.rules.muon import Muon
from trainwell.optim.rules.rule import State
from trainwell.optim.stacks import StackedGroup

_BY_SHAPE = (Adafactor, Muon)


@dataclass
class Block:
    """Parameters with one rule and one dtype as rows of one matrix, with their gradients.

    Attributes:
        values_KP, gradients_KP: All parameters of the group, run by run.
        parameters, gradients: Views by name, (K, ...).
        state: Of the rule; made at the first update.
    """

    group: StackedGroup
    shapes: dict[str, torch.Size]
    values_KP: Tensor
    gradients_KP: Tensor
    parameters: dict[str, Tensor] = field(default_factory=dict)
    gradients: dict[str, Tensor] = field(default_factory=dict)
    state: State | None = None

    def __post_init__(self) -> None:
        self.parameters = _views(self.values_KP, self.shapes)
        self.gradients = _views(self.gradients_KP, self.shapes)

    @property
    def by_shape(self) -> bool:
        """Whether the rule looks at the shape of a parameter; others update all rows at once."""
        return isinstance(self.group.rule, _BY_SHAPE)

    def updated(self) -> tuple[list[Tensor], list[Tensor]]:
        """What the rule updates, and its gradients."""
        if self.by_shape:
            return list(self.parameters.values()), list(self.gradients.values())
        return [self.values_KP], [self.gradients_KP]

    @cached_property
    def settings(self) -> dict[str, list[float]]:
        """Hyper-parameters of each run as numbers, by name; `lr` is the base rate."""
        runs = len(self.values_KP)
        return {n: v.tolist() if isinstance(v, Tensor) else [v] * runs for n, v in self.group.hyper.items()}

    def select(self, runs: Tensor) -> Block:
        """The same for some of the runs."""
        return Block(
            self.group.select(runs),
            self.shapes,
            self.values_KP[runs],
            torch.zeros_like(self.gradients_KP[: len(runs)]),
            state=None if self.state is None else select_state(self.state, runs),
        )


@dataclass
class Tensors:
    """All tensors of the models of K runs.

    Attributes:
        blocks: Trained parameters.
        fixed: Other parameters and all buffers by name, (K, ...).
        names: Names of parameters and of buffers in the order of the model.
    """

    blocks: list[Block]
    fixed: dict[str, Tensor]
    parameter_names: tuple[str, ...]
    buffer_names: tuple[str, ...]

    @classmethod
    def of(cls, models: Sequence[nn.Module], groups: Sequence[StackedGroup]) -> Tensors:
        """Stack the tensors of models, and let the models look into the stack."""
        parameters = [dict(m.named_parameters()) for m in models]
        buffers = [dict(m.named_buffers()) for m in models]
        blocks = []
        for group in _split_by_dtype(groups, parameters[0]):
            shapes = {name: parameters[0][name].shape for name in group.names}
            rows = [torch.cat([p[name].detach().reshape(-1) for name in group.names]) for p in parameters]
            values = torch.stack(rows)
            blocks.append(Block(group, shapes, values, torch.zeros_like(values)))
        trained = {name for group in groups for name in group.names}
        fixed = {
            name: torch.stack([own[name].detach() for own in owned])
            for owned in (parameters, buffers)
            for name in owned[0]
            if name not in trained
        }
        stack = cls(blocks, fixed, tuple(parameters[0]), tuple(buffers[0]))
        stack.attach(models)
        return stack

    def __len__(self) -> int:
        return len(self.blocks[0].values_KP)

    @property
    def parameters(self) -> dict[str, Tensor]:
        """All parameters by name, (K, ...), in the order of the model."""
        named = {name: view for block in self.blocks for name, view in block.parameters.items()}
        return {name: named.get(name, self.fixed.get(name)) for name in self.parameter_names}  # type: ignore[misc]

    @property
    def buffers(self) -> dict[str, Tensor]:
        """All buffers by name, (K, ...)."""
        return {name: self.fixed[name] for name in self.buffer_names}

    @property
    def gradients(self) -> dict[str, Tensor]:
        """Where the gradients of the trained parameters go, by name, (K, ...)."""
        return {name: view for block in self.blocks for name, view in block.gradients.items()}

    @property
    def gradient_rows(self) -> list[Tensor]:
        """Gradients as rows, (K, P) a block."""
        return [block.gradients_KP for block in self.blocks]

    @property
    def rows(self) -> list[Tensor]:
        """Trained parameters as rows, (K, P) a block."""
        return [block.values_KP for block in self.blocks]

    @property
    def averaged(self) -> list[Tensor]:
        """What an average of weights takes in: trained rows, and all else that is real numbers."""
        return [*self.rows, *(t for t in self.fixed.values() if t.is_floating_point())]

    def with_averaged(self, tensors: Sequence[Tensor]) -> Tensors:
        """The same with other numbers in the place of `averaged`; made to be evaluated, not trained."""
        rest = iter(tensors[len(self.blocks) :])
        return Tensors(
            [Block(b.group, b.shapes, t, b.gradients_KP) for b, t in zip(self.blocks, tensors, strict=False)],
            {name: next(rest) if t.is_floating_point() else t for name, t in self.fixed.items()},
            self.parameter_names,
            self.buffer_names,
        )

    def attach(self, models: Sequence[nn.Module]) -> None:
        """Let each model look at its row: it always has the present weights, without a copy."""
        parameters, buffers = self.parameters, self.buffers
        for k, model in enumerate(models):
            for name, own in model.named_parameters():
                own.data = parameters[name][k]
            for name, buffer in model.named_buffers():
                buffer.data = buffers[name][k]

    def select(self, runs: Tensor) -> Tensors:
        """The tensors of some of the runs, copied."""
        return Tensors(
            [block.select(runs) for block in self.blocks],
            {name: t[runs] for name, t in self.fixed.items()},
            self.parameter_names,
            self.buffer_names,
        )

    def bytes(self) -> int:
        """Memory of values, gradients and buffers. [bytes]"""
        tensors = [*self.rows, *self.gradient_rows, *self.fixed.values()]
        return sum(t.numel() * t.element_size() for t in tensors)


def detach(model: nn.Module) -> None:
    """Give a model tensors of its own, with the same values."""
    for own in [*model.parameters(), *model.buffers()]:
        own.data = own.data.clone()


def _views(rows_KP: Tensor, shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    views, start = {}, 0
    for name, shape in shapes.items():
        views[name] = rows_KP[:, start : start + shape.numel()].unflatten(1, shape or (1,))
        if not shape:
            views[name] = rows_KP[:, start]
        start += shape.numel()
    return views


def _split_by_dtype(groups: Sequence[StackedGroup], parameters: dict[str, nn.Parameter]) -> list[StackedGroup]:
    split = []
    for group in groups:
        by_dtype: dict[torch.dtype, list[str]] = {}
        for name in group.names:
            by_dtype.setdefault(parameters[name].dtype, []).append(name)
        split += [replace(group, names=tuple(names)) for names in by_dtype.values()]
    return split
