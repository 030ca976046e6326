"""A whole update as one graph: forward pass, loss, backward pass, limits on the gradient, and the optimizer's rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

from trainwell.data import Examples
from trainwell.data.examples import map_inputs, tensors_of
from trainwell.optim.penalty import add_penalty_gradient
from trainwell.optim.rules.families import hyper_of, rule_of
from trainwell.optim.rules.rule import Rule
from trainwell.recipe import optimizers as specs
from trainwell.recipe.parts import Clipping
from trainwell.train.compiled.numbers import StepNumbers, hoist
from trainwell.train.losses import LossFunction, loss_of

_EPS = 1e-6  # as in optim.clipping


class NotTraceable(Exception):
    """Why an update cannot be one graph."""


@dataclass(frozen=True)
class Ingredients:
    """What an update consists of, beside its tensors.

    Attributes:
        spec: The optimizer of the recipe.
        l1, l2: Penalties on `penalised`.
        autocast: Context of the forward pass.
    """

    model: nn.Module
    loss: LossFunction
    optimizer: torch.optim.Optimizer
    spec: specs.Optimizer
    clipping: Clipping = field(default_factory=Clipping)
    l1: float = 0.0
    l2: float = 0.0
    penalised: Sequence[Tensor] = ()
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext


class StepTensors:
    """The live tensors that an update reads and changes, in a fixed order: parameters, state, counts, buffers.

    Attributes:
        parameters: By name, all of the model.
        groups: Of each parameter group: names of the parameters that have state, and their state by name.
        counts: The optimizer's own counts of updates, one a parameter.
    """

    def __init__(self, parts: Ingredients) -> None:
        self.parameters = {name: p.detach() for name, p in parts.model.named_parameters()}
        self.buffers = dict(parts.model.named_buffers())
        self.names = {id(p): name for name, p in parts.model.named_parameters()}
        self.rules = [_rule(parts.spec, group) for group in parts.optimizer.param_groups]
        self.groups: list[tuple[list[str], dict[str, list[Tensor]]]] = []
        self.counts: list[Tensor] = []
        state = parts.optimizer.state
        for group, (rule, hyper) in zip(parts.optimizer.param_groups, self.rules, strict=True):
            members = [p for p in group["params"] if p in state or not _has_state(rule, hyper)]
            entries = [state.get(p, {}) for p in members]
            columns = {
                name: [entry.get(name, p.new_zeros(0)) for p, entry in zip(members, entries, strict=True)]
                for name in (rule.init([p.detach() for p in members], hyper) if members else {})
            }
            if columns and any(not any(name in entry for name in columns) for entry in entries):
                raise NotTraceable("the optimizer keeps another state than its rule here")
            self.groups.append(([self.names[id(p)] for p in members], columns))
            self.counts += [entry["step"] for entry in entries if isinstance(entry.get("step"), Tensor)]

    @property
    def flat(self) -> list[Tensor]:
        """All tensors, in order."""
        states = [t for _, columns in self.groups for tensors in columns.values() for t in tensors]
        return [*self.parameters.values(), *states, *self.counts, *self.buffers.values()]


@dataclass(frozen=True)
class StepGraph:
    """A traced update: from `StepTensors.flat`, the batch's tensors and numbers to the loss and the gradient's norm.

    Attributes:
        key: Equal for graphs that compute the same.
        numbers: Computes the numbers from the count of updates before and the rate of each parameter group.
    """

    module: fx.GraphModule
    key: str
    numbers: StepNumbers
    buffers: tuple[tuple[int, Any, tuple[Tensor, ...]], ...]

    def fill(self, count: float, rates: Sequence[float]) -> None:
        """Write the numbers of a step into the tensors that the graph takes."""
        values = self.numbers.compute(count, *rates)
        for start, array, views in self.buffers:
            array[:] = values[start : start + len(views)]

    @property
    def number_tensors(self) -> list[Tensor]:
        """The tensors () of the numbers, in order."""
        return [view for _, _, views in self.buffers for view in views]


def batch_tensors(batch: Examples) -> list[Tensor]:
    """The tensors of a batch, in order."""
    return [*tensors_of(batch.inputs), *([] if batch.targets is None else [batch.targets])]


def trace(parts: Ingredients, tensors: StepTensors, batch: Examples) -> StepGraph:
    """Trace an update on a batch; nothing is changed.

    Raises:
        NotTraceable: With the reason, e.g. a parameter that the trace does not reach.
        Exception: Whatever the model raises when its values are not known.
    """
    rates = len(parts.optimizer.param_groups)
    numbers = [torch.ones((), dtype=torch.float64) for _ in range(1 + rates)]
    example = [*tensors.flat, *batch_tensors(batch), *numbers]
    module = make_fx(_function(parts, tensors, batch), tracing_mode="fake", _allow_non_fake_inputs=True)(*example)
    own = {t.untyped_storage().data_ptr() for t in tensors.flat if t.numel()}
    constants = [value for value in vars(module).values() if isinstance(value, Tensor)]
    constants += [*module._parameters.values(), *module._buffers.values()]  # type: ignore[list-item]
    if any(c.untyped_storage().data_ptr() in own for c in constants if c.numel()):
        raise NotTraceable("the model holds its parameters in a way that a trace does not follow")
    hoisted = hoist(module, len(numbers))
    return StepGraph(module, _key(module, constants), hoisted, _number_buffers(hoisted.dtypes))


def _function(parts: Ingredients, tensors: StepTensors, batch: Examples) -> Callable[..., tuple[Tensor, Tensor]]:
    names, buffer_names = list(tensors.parameters), list(tensors.buffers)
    states = sum(len(column) for _, columns in tensors.groups for column in columns.values())
    sizes = [len(names), states, len(tensors.counts), len(buffer_names)]
    trained = [name for members, _ in tensors.groups for name in members]
    penalised = {tensors.names[id(p)] for p in parts.penalised}

    def step(*flat: Tensor) -> tuple[Tensor, Tensor]:
        rest = iter(flat)
        weights, states, counts, buffers = ([next(rest) for _ in range(size)] for size in sizes)
        inputs = map_inputs(lambda _: next(rest), batch.inputs)
        targets = None if batch.targets is None else next(rest)
        count, *rates = rest
        leaves = {n: w.detach().requires_grad_(n in trained) for n, w in zip(names, weights, strict=True)}
        swapped: dict[str, Tensor] = {**leaves, **dict(zip(buffer_names, buffers, strict=True))}

        def bound(*arguments: Any, **keywords: Any) -> Any:
            return functional_call(parts.model, swapped, arguments, keywords)

        with torch.enable_grad():
            with parts.autocast():
                loss = loss_of(bound, Examples(inputs, targets), parts.loss)[0]  # type: ignore[arg-type]
            found = torch.autograd.grad(loss, [leaves[n] for n in trained], allow_unused=True)
        missing = [n for n, g in zip(trained, found, strict=True) if g is None or g.layout != torch.strided]
        if missing:
            raise NotTraceable(f"the parameter `{missing[0]}` has no gradient of its own in the trace")
        gradients: dict[str, Tensor] = dict(zip(trained, found, strict=True))
        with torch.no_grad():
            norm = _limited(gradients, leaves, penalised, parts)
            _update(tensors, gradients, leaves, states, rates, count)
            for own in counts:
                own.add_(1)
        return loss.detach(), norm

    return step


def _limited(
    gradients: dict[str, Tensor], leaves: Mapping[str, Tensor], penalised: set[str], parts: Ingredients
) -> Tensor:
    """Add penalties and limit the gradients, which are replaced; returns the norm before the limit."""
    if parts.l1 or parts.l2:
        chosen = [n for n in gradients if n in penalised]
        for n in chosen:
            gradients[n] = gradients[n].clone()
        add_penalty_gradient([gradients[n] for n in chosen], [leaves[n] for n in chosen], parts.l1, parts.l2)
    norms = [torch.linalg.vector_norm(g) for g in gradients.values()]
    norm: Tensor = torch.linalg.vector_norm(torch.stack([n.float() for n in norms]))
    limit = parts.clipping.limit
    for n, g in gradients.items():
        if parts.clipping.name == "norm":
            gradients[n] = g * (limit / (norm + _EPS)).clamp(max=1.0).to(g.dtype)
        elif parts.clipping.name == "value":
            gradients[n] = g.clamp(-limit, limit)
    return norm


def _update(
    tensors: StepTensors,
    gradients: Mapping[str, Tensor],
    leaves: Mapping[str, Tensor],
    states: Sequence[Tensor],
    rates: Sequence[Tensor],
    count: Tensor,
) -> None:
    rest = iter(states)
    for (members, columns), (rule, hyper), rate in zip(tensors.groups, tensors.rules, rates, strict=True):
        state = {name: [next(rest) for _ in column] for name, column in columns.items()}
        if not members:
            continue
        rule.update_([gradients[n] for n in members], state, [leaves[n] for n in members], {**hyper, "lr": rate}, count)
        for product in state.get("mu_product", [])[1:]:  # NAdam's rule keeps one for all, torch one a parameter
            product.copy_(state["mu_product"][0])


def _rule(spec: specs.Optimizer, group: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
    """The rule of a parameter group, and its hyper-parameters without the rate."""
    if isinstance(spec, specs.Muon) and group.get("rule") == "adamw":
        spec = specs.AdamW(betas=group["betas"], eps=group["eps"])
    return rule_of(spec), {**hyper_of([spec]), "weight_decay": group["weight_decay"]}


def _has_state(rule: Rule, hyper: Mapping[str, Any]) -> bool:
    return bool(rule.init([torch.zeros(1, 1)], hyper))


def _number_buffers(dtypes: Sequence[torch.dtype]) -> tuple[tuple[int, Any, tuple[Tensor, ...]], ...]:
    """An array for each run of equal dtypes, and a view of each of its numbers."""
    buffers = []
    start = 0
    while start < len(dtypes):
        stop = start
        while stop < len(dtypes) and dtypes[stop] == dtypes[start]:
            stop += 1
        array = np.zeros(stop - start, np.float32 if dtypes[start] == torch.float32 else np.float64)
        buffers.append((start, array, torch.from_numpy(array).unbind(0)))
        start = stop
    return tuple(buffers)


def _key(module: fx.GraphModule, constants: Sequence[Tensor]) -> str:
    digest = hashlib.sha256(module.code.encode())
    for node in module.graph.nodes:
        if node.op == "placeholder":
            value = node.meta["val"]
            digest.update(str((value.shape, value.stride(), value.dtype, value.device)).encode())
    for constant in constants:
        digest.update(constant.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    digest.update(str((torch.get_num_threads(), torch.get_float32_matmul_precision())).encode())
    return digest.hexdigest()
