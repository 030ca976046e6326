"""Which runs can be trained as one stack, and why the others cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.data import Examples, count
from trainwell.errors import ProblemError, RecipeError
from trainwell.optim.rules.families import family_of
from trainwell.problem import Problem
from trainwell.train.fused.dropping import is_dropout
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.losses import plain_classes
from trainwell.train.update import Update

_MIXING = ("mixup", "cutmix")


def why_alone(lane: Lane) -> str:
    """Why a run cannot be part of any stack; empty where it can."""
    recipe = lane.recipe
    if not isinstance(lane.parts.update, Update):
        return "it makes its steps by a function of the problem"
    try:
        family_of(recipe.optimizer)
    except RecipeError:
        return f"the optimizer {recipe.optimizer.name} has no update rule for stacks"
    reasons = {
        "sharpness-aware minimisation takes two passes a step": recipe.regularization.sam_rho > 0,
        "float16 needs a gradient scaler for each run": recipe.precision.dtype == "fp16",
        "its limit in seconds is for a run alone": recipe.stopping.seconds is not None,
        "it leaves non-finite updates out": recipe.stopping.on_nonfinite != "stop",
        "its recipe compiles the step": recipe.precision.compile != "off",
        "its training data are streamed": not isinstance(lane.parts.feed.source, Examples),
        "its validation data are streamed": not all(isinstance(s, Examples) for s in lane.parts.evaluated.values()),
        "its model has sparse gradients": any(
            isinstance(m, nn.Embedding | nn.EmbeddingBag) and m.sparse for m in lane.model.modules()
        ),
        "its model keeps state beside tensors": any(
            type(m).get_extra_state is not nn.Module.get_extra_state for m in lane.model.modules()
        ),
        "it has begun": lane.step > 0 or lane.status != "running",
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def key_of(lane: Lane) -> Hashable:
    """What runs must have in common to be trained as one stack."""
    recipe, parts = lane.recipe, lane.parts
    loss = recipe.loss.model_copy(update={"label_smoothing": 0.0, "class_weights": "none"})
    return (
        kin(lane.problem),
        count(lane.problem.train),
        plain_classes(parts.feed.source),
        family_of(recipe.optimizer),
        tuple(sorted(lane.trained_names)),
        (parts.plan.batch_size, parts.plan.accumulate, parts.plan.batches_per_epoch),
        loss.model_dump_json(),
        any(part.name in _MIXING for part in recipe.augmentation),  # these make soft targets of classes
        recipe.inputs.scaling,
        recipe.targets.scaling,
        recipe.precision.model_dump_json(),
        recipe.recording.gradients_every,
        str(parts.device),
        signature(lane.model),
    )


def kin(problem: Problem) -> Hashable:
    """What problems have in common that differ in their data at most, as folds do."""
    return (id(problem.factory), problem.task, problem.classes, problem.loss, tuple(map(id, problem.metrics)))


def groups(lanes: Sequence[Lane]) -> list[list[Lane]]:
    """Runs by `key_of`, in order of first appearance."""
    found: dict[Hashable, list[Lane]] = {}
    for lane in lanes:
        found.setdefault(key_of(lane), []).append(lane)
    return list(found.values())


def signature(model: nn.Module) -> str:
    """A hash of all that is fixed in a model: modules, their plain attributes, names and shapes of tensors.

    Models with equal signatures compute the same function of their parameters, buffers, inputs and probabilities of
    dropout, as far as attributes can tell: functions that a module holds are compared by name.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name, module in model.named_modules(remove_duplicate=False):
        digest.update(f"{name}:{type(module).__module__}.{type(module).__qualname__}".encode())
        for attribute, value in sorted(vars(module).items()):
            if not (attribute.startswith("_") or attribute == "training" or (attribute == "p" and is_dropout(module))):
                digest.update(f"{attribute}={_plain(value)};".encode())
    for kind, named in (("p", model.named_parameters()), ("b", model.named_buffers())):
        for name, tensor in named:
            digest.update(f"{kind}{name}{tuple(tensor.shape)}{tensor.dtype}{tensor.requires_grad}".encode())
    return digest.hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, Tensor):
        content = value.detach().cpu().contiguous().view(torch.uint8) if value.ndim else value.detach().cpu()
        return f"tensor {tuple(value.shape)} {hashlib.blake2b(content.numpy().tobytes(), digest_size=8).hexdigest()}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"{type(value).__name__}[{','.join(map(_plain, value))}]"
    if isinstance(value, dict):
        return f"dict[{','.join(f'{_plain(k)}:{_plain(v)}' for k, v in value.items())}]"
    if value is None or isinstance(value, bool | int | float | str | complex | torch.dtype | torch.device | torch.Size):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__)


def refuse_shared(lanes: Sequence[Lane]) -> None:
    """Refuse runs whose models hold the same tensors: each would train the others' weights.

    Raises:
        ProblemError: If the factory returns a model, or a part of one, that it returned before.
    """
    owner: dict[int, int] = {}
    for number, lane in enumerate(lanes):
        for name, parameter in lane.model.named_parameters():
            if owner.setdefault(id(parameter), number) != number:
                raise ProblemError(
                    f"`model` must build new parameters at each call, got `{name}` of an earlier run again. "
                    "Create the layers inside the factory"
                )
