"""The torch optimizer that a recipe means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from trainwell.errors import MissingExtraError, RecipeError
from trainwell.optim.custom import build_custom
from trainwell.optim.groups import Treatment, divide, freeze, parameter_groups, trained, treatments
from trainwell.optim.lion import Lion
from trainwell.optim.muon import Muon
from trainwell.recipe import optimizers as specs
from trainwell.recipe.parts import Parameters

Implementation = Literal["auto", "loop", "foreach", "fused"]

_CLASSES: dict[str, Any] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "adafactor": torch.optim.Adafactor,
}
_TORCH_NAMES = {
    "decoupled": "decoupled_weight_decay",
    "initial_accumulator": "initial_accumulator_value",
    "clip_threshold": "d",
}
_FUSED = {"sgd", "adam", "adamw", "adagrad"}
_FUSED_DEVICES = {"cpu", "cuda", "mps"}
_SPARSE = {"sgd", "adagrad"}


def build_optimizer(
    spec: specs.Optimizer,
    parameters: Parameters,
    model: nn.Module,
    *,
    implementation: Implementation = "auto",
    capturable_lr: bool = False,
) -> torch.optim.Optimizer:
    """Build the optimizer of a recipe for a model.

    Every group has `base_lr`, the rate at multiplier 1; `set_lr` sets the rate of a step from it.

    Args:
        spec: `recipe.optimizer`.
        parameters: `recipe.parameters`. What it freezes needs no gradient afterwards.
        model: The model, on its device.
        implementation: How torch runs the update; auto takes what was quickest here, see `chosen_implementation`.
        capturable_lr: Keep rates as tensors where the optimizer takes them, so that a compiled step is not
            compiled anew for every rate.

    Raises:
        RecipeError: If the optimizer and the model, or the optimizer and the groups, do not go together.
        MissingExtraError: If the optimizer needs a package that is not installed.
    """
    treated = treatments(model, parameters)
    freeze(treated)
    kept = trained(treated)
    _check_sparse(spec, model)
    if implementation == "auto":
        implementation = chosen_implementation(spec, [t.parameter for t in kept])
    optimizer = _build(spec, kept, implementation)
    optimizer.register_load_state_dict_post_hook(_match_layout)
    if capturable_lr and isinstance(optimizer, (*_CLASSES.values(), Lion, Muon)):
        for group in optimizer.param_groups:
            group["lr"] = torch.tensor(group["lr"], dtype=torch.float32, device=group["params"][0].device)
    return optimizer


def chosen_implementation(spec: specs.Optimizer, params: Sequence[Tensor]) -> Literal["loop", "foreach", "fused"]:
    """Choose how torch runs the update, by what was quickest in measurements.

    One CPU thread, microseconds a step (for-loop / foreach / fused), 64-128-10 MLP, then a CNN with 12 tensors:
    SGD with Nesterov 43/41/18 and 1660/376/109, Adam 83/77/33 and 888/779/237, AdamW 123/126/37 and 1179/1050/303,
    Adagrad 85/103/45 and 509/558/210; without a fused kernel NAdam 125/121 and 812/799, RAdam 141/109 and 5383/850,
    Adadelta 143/110 and 1173/1253, RMSprop 95/93 and 556/518, Adafactor 243/295 and 1689/1850.
    """
    plain = all(p.is_floating_point() and p.device.type in _FUSED_DEVICES for p in params)
    if spec.name in _FUSED and plain and not (spec.name == "adagrad" and any(not p.is_cpu for p in params)):
        return "fused"
    if spec.name == "adafactor" and all(p.is_cpu for p in params):
        return "loop"
    return "foreach"


def set_lr(optimizer: torch.optim.Optimizer, multiplier: float) -> None:
    """Set the rate of every group to its `base_lr` times a multiplier."""
    for group in optimizer.param_groups:
        rate = group["base_lr"] * multiplier
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def to_training(optimizer: torch.optim.Optimizer) -> None:
    """Put the weights of a schedule-free optimizer where gradients are taken; nothing for others."""
    if hasattr(optimizer, "train"):
        optimizer.train()


def to_evaluation(optimizer: torch.optim.Optimizer) -> None:
    """Put the weights of a schedule-free optimizer where the model is evaluated; nothing for others.

    There and back rounds: a training that is to stay the same to the bit copies its weights before and restores them.
    """
    if hasattr(optimizer, "eval"):
        optimizer.eval()


def _match_layout(optimizer: torch.optim.Optimizer) -> None:
    """Give loaded state the strides of its parameter: fused CPU kernels ignore strides and would mix up elements."""
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _build(spec: specs.Optimizer, kept: Sequence[Treatment], implementation: Implementation) -> torch.optim.Optimizer:
    if isinstance(spec, specs.LBFGS):
        return _lbfgs(spec, kept)
    if isinstance(spec, specs.Muon):
        return _muon(spec, kept)
    groups = parameter_groups(kept, spec.lr, spec.weight_decay)
    if isinstance(spec, specs.ScheduleFree):
        return _schedule_free(spec, groups)
    if isinstance(spec, specs.Custom):
        return build_custom(spec, groups)
    if isinstance(spec, specs.Lion):
        return Lion(groups, lr=spec.lr, betas=spec.betas)
    fields = {_TORCH_NAMES.get(k, k): v for k, v in spec if k not in ("name", "weight_decay")}
    flags = {"foreach": implementation == "foreach"}
    if spec.name in _FUSED:
        flags["fused"] = implementation == "fused"
    optimizer: torch.optim.Optimizer = _CLASSES[spec.name](groups, **fields, **flags)
    return optimizer


def _muon(spec: specs.Muon, kept: Sequence[Treatment]) -> Muon:
    groups: list[dict[str, Any]] = []
    for part, members in divide(spec, kept):
        shared: dict[str, Any]
        if isinstance(part, specs.Muon):
            shared = {"momentum": spec.momentum, "nesterov": spec.nesterov, "ns_steps": spec.ns_steps}
        else:
            assert isinstance(part, specs.AdamW)
            fused = chosen_implementation(part, [t.parameter for t in members]) == "fused"
            shared = {"betas": part.betas, "eps": part.eps, "fused": fused, "foreach": not fused}
        plain = parameter_groups(members, part.lr, part.weight_decay)
        groups += [{**group, **shared, "rule": part.name} for group in plain]
    return Muon(groups)


def _lbfgs(spec: specs.LBFGS, kept: Sequence[Treatment]) -> torch.optim.LBFGS:
    if any(t.lr_factor != 1 or t.weight_decay for t in kept):
        raise RecipeError(
            "`parameters` must not set rates or decays with optimizer lbfgs, which treats all parameters alike, got "
            "layer_lr_decay, lr_factor or weight_decay. Remove them or use another optimizer"
        )
    return torch.optim.LBFGS(
        [{"params": [(t.name, t.parameter) for t in kept], "base_lr": spec.lr}],
        lr=spec.lr,
        max_iter=spec.max_iter,
        history_size=spec.history_size,
        line_search_fn=None if spec.line_search == "none" else spec.line_search,
    )


def _schedule_free(spec: specs.ScheduleFree, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    try:
        import schedulefree
    except ImportError:
        raise MissingExtraError("schedulefree", "schedulefree") from None
    optimizer: torch.optim.Optimizer
    if spec.base == "sgd":
        optimizer = schedulefree.SGDScheduleFree(groups, momentum=spec.momentum, warmup_steps=spec.warmup_steps)
    else:
        optimizer = schedulefree.AdamWScheduleFree(
            groups, betas=(spec.momentum, spec.beta2), warmup_steps=spec.warmup_steps
        )
    to_training(optimizer)
    return optimizer


def _check_sparse(spec: specs.Optimizer, model: nn.Module) -> None:
    sparse = [n for n, m in model.named_modules() if isinstance(m, nn.Embedding | nn.EmbeddingBag) and m.sparse]
    if sparse and spec.name not in _SPARSE:
        raise RecipeError(
            f"`optimizer.name` must be one of {', '.join(sorted(_SPARSE))} for sparse gradients (module "
            f"`{sparse[0]}`), got {spec.name}. Build the embedding with sparse=False"
        )
