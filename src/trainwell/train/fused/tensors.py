"""The tensors of K runs as one: parameters, gradients and state of the update in rows, models that look into them.

Legend of shapes: K runs, P numbers of all parameters that are updated together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from trainwell.optim.rules.adafactor import Adafactor
from trainwell.optim.rules.adagrad import Adagrad
from trainwell.optim.rules.adam import Adam
from trainwell.optim.rules.families import select_state
from trainwell.optim.rules.muon import Muon
from trainwell.optim.rules.rule import Rule, State, Value
from trainwell.optim.rules.sgd import SGD
from trainwell.optim.stacks import StackedGroup
from trainwell.train.fused.dropping import Dropping, dropouts_of

_BY_SHAPE = (Adafactor, Muon)
_WITH_KERNEL = (Adam, SGD, Adagrad)


@dataclass
class Block:
    """Parameters that are updated together, as rows of one matrix, with their gradients.

    Attributes:
        groups: Groups of the update plan; they agree in all but weight decay.
        shapes: Of each parameter, in the order of the columns.
        values_KP, gradients_KP: All parameters, run by run.
        state: Of the rule; made at the first update.
    """

    groups: list[StackedGroup]
    shapes: dict[str, torch.Size]
    values_KP: Tensor
    gradients_KP: Tensor
    state: State | None = None

    @property
    def rule(self) -> Rule:
        """The update rule."""
        return self.groups[0].rule

    @cached_property
    def parameters(self) -> dict[str, Tensor]:
        """Views by name, (K, ...)."""
        return views(self.values_KP, self.shapes)

    @cached_property
    def gradients(self) -> dict[str, Tensor]:
        """Views of the gradients by name, (K, ...)."""
        return views(self.gradients_KP, self.shapes)

    @cached_property
    def parts(self) -> list[tuple[StackedGroup, Tensor, Tensor]]:
        """Each group with its columns of values and gradients."""
        columns = zip(self._columns(self.values_KP), self._columns(self.gradients_KP), strict=True)
        return [(group, values, gradients) for group, (values, gradients) in zip(self.groups, columns, strict=True)]

    @cached_property
    def changes_KP(self) -> Tensor:
        """Memory for the change of all parameters in a step."""
        return torch.zeros_like(self.values_KP)

    @cached_property
    def part_changes(self) -> tuple[Tensor, ...]:
        """The columns of each group in `changes_KP`."""
        return self._columns(self.changes_KP)

    def _columns(self, rows_KP: Tensor) -> tuple[Tensor, ...]:
        widths = [sum(self.shapes[name].numel() for name in group.names) for group in self.groups]
        return torch.split(rows_KP, widths, 1)

    @property
    def by_shape(self) -> bool:
        """Whether the rule looks at the shape of a parameter; others update all rows at once."""
        return isinstance(self.rule, _BY_SHAPE)

    @property
    def has_kernel(self) -> bool:
        """Whether torch has a fused kernel for it on this device."""
        values = self.values_KP
        return isinstance(self.rule, _WITH_KERNEL) and values.device.type == "cpu" and values.dtype == torch.float32

    @cached_property
    def updated(self) -> tuple[list[Tensor], list[Tensor]]:
        """What the rule updates, and its gradients."""
        if self.by_shape:
            return list(self.parameters.values()), list(self.gradients.values())
        return [self.values_KP], [self.gradients_KP]

    @cached_property
    def settings(self) -> dict[str, list[float]]:
        """Hyper-parameters of each run as numbers, by name; `lr` is the base rate."""
        runs = len(self.values_KP)
        return {n: numbers(v, runs) for n, v in self.groups[0].hyper.items()}

    def select(self, runs: Tensor) -> Block:
        """The same for some of the runs."""
        return Block(
            [group.select(runs) for group in self.groups],
            self.shapes,
            self.values_KP[runs],
            torch.zeros_like(self.gradients_KP[: len(runs)]),
            None if self.state is None else select_state(self.state, runs),
        )


@dataclass
class Tensors:
    """All tensors of the models of K runs.

    Attributes:
        blocks: Trained parameters.
        fixed: Other parameters and all buffers by name, (K, ...).
        dropouts: Probability of each `nn.Dropout` by name, (K,).
        parameter_names, buffer_names: In the order of the model.
    """

    blocks: list[Block]
    fixed: dict[str, Tensor]
    dropouts: dict[str, Tensor]
    parameter_names: tuple[str, ...]
    buffer_names: tuple[str, ...]

    @classmethod
    def of(cls, models: Sequence[nn.Module], groups: Sequence[StackedGroup]) -> Tensors:
        """Stack the tensors of models, copied; `attach` lets the models look into the stack."""
        parameters = [dict(m.named_parameters()) for m in models]
        buffers = [dict(m.named_buffers()) for m in models]
        blocks = []
        for together in _merged(_split_by_dtype(groups, parameters[0])):
            shapes = {name: parameters[0][name].shape for group in together for name in group.names}
            values = torch.stack([torch.cat([p[name].detach().reshape(-1) for name in shapes]) for p in parameters])
            blocks.append(Block(together, shapes, values, torch.zeros_like(values)))
        trained = {name for group in groups for name in group.names}
        fixed = {
            name: torch.stack([own[name].detach() for own in owned])
            for owned in (parameters, buffers)
            for name in owned[0]
            if name not in trained
        }
        device = next(iter(parameters[0].values())).device
        found = [dropouts_of(model) for model in models]
        dropouts = {name: torch.tensor([own[name] for own in found], device=device) for name in found[0]}
        return cls(blocks, fixed, dropouts, tuple(parameters[0]), tuple(buffers[0]))

    def __len__(self) -> int:
        return len(self.blocks[0].values_KP)

    @cached_property
    def parameters(self) -> dict[str, Tensor]:
        """All parameters by name, (K, ...), in the order of the model."""
        named = {**self.fixed, **{name: view for block in self.blocks for name, view in block.parameters.items()}}
        return {name: named[name] for name in self.parameter_names}

    @cached_property
    def buffers(self) -> dict[str, Tensor]:
        """All buffers by name, (K, ...)."""
        return {name: self.fixed[name] for name in self.buffer_names}

    @cached_property
    def dropping(self) -> dict[str, Dropping]:
        """What each `nn.Dropout` drops, by name."""
        return {name: Dropping(p) for name, p in self.dropouts.items()}

    @cached_property
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
        blocks = [replace(block, values_KP=rows) for block, rows in zip(self.blocks, tensors, strict=False)]
        fixed = {name: next(rest) if t.is_floating_point() else t for name, t in self.fixed.items()}
        return replace(self, blocks=blocks, fixed=fixed)

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
        return replace(
            self,
            blocks=[block.select(runs) for block in self.blocks],
            fixed={name: t[runs] for name, t in self.fixed.items()},
            dropouts={name: p[runs] for name, p in self.dropouts.items()},
        )


def detach(model: nn.Module) -> None:
    """Give a model tensors of its own, with the same values."""
    for own in [*model.parameters(), *model.buffers()]:
        own.data = own.data.clone()


def views(rows_KP: Tensor, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """The columns of each parameter in its shape, (K, ...), as views."""
    found, start = {}, 0
    for name, shape in shapes.items():
        columns = rows_KP[:, start : start + shape.numel()]
        found[name] = torch.unflatten(columns, 1, shape) if shape else columns.squeeze(1)
        start += shape.numel()
    return found


def numbers(value: Value, runs: int) -> list[float]:
    """A hyper-parameter of each run."""
    return [float(v) for v in value.tolist()] if isinstance(value, Tensor) else [float(value)] * runs


def _merged(groups: Sequence[StackedGroup]) -> list[list[StackedGroup]]:
    """Groups that one call of a kernel may update: they agree in all but weight decay, which is applied beside it."""
    found: dict[object, list[StackedGroup]] = {}
    for number, group in enumerate(groups):
        same = tuple((n, str(v)) for n, v in group.hyper.items() if n != "weight_decay")
        exact = tuple(group.hyper["lr"].tolist()) if isinstance(group.hyper["lr"], Tensor) else group.hyper["lr"]
        key: object = (group.rule, same, exact) if isinstance(group.rule, _WITH_KERNEL) else number
        found.setdefault(key, []).append(group)
    return list(found.values())


def _split_by_dtype(groups: Sequence[StackedGroup], parameters: Mapping[str, nn.Parameter]) -> list[StackedGroup]:
    split = []
    for group in groups:
        by_dtype: dict[torch.dtype, list[str]] = {}
        for name in group.names:
            by_dtype.setdefault(parameters[name].dtype, []).append(name)
        split += [replace(group, names=tuple(names)) for names in by_dtype.values()]
    return split
