"""Optimizers: creation, clears, steps; clipping; loss scaling."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from trainwell.probes import watch_replicas
from trainwell.probes.place import site, user_frames
from trainwell.probes.state import ClipState, OptimizerState, ScalerState, keep

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.tracer import Tracer

_NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")
# Steps. The last look counts: a head that begins at zero passes nothing back at first.
_LOOKS_AT_ROWS = (0, 2, 7, 32, 128)


def install(tracer: Tracer) -> None:
    """Watch optimizers, clipping and scalers."""
    is_compiling = torch.compiler.is_compiling

    def made(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if tracer.here:
                try:
                    find(tracer, self, made_now=True)
                except Exception as error:
                    tracer.failed("optimizer", error)
            return result

        return wrapper

    def zero_grad(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if tracer.here and not is_compiling():
                _note_clear(find(tracer, self))
            return result

        return wrapper

    def module_zero_grad(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if tracer.here and not is_compiling():
                try:
                    for state in tracer.optimizers.values():
                        if _empty(state):
                            _note_clear(state)
                except Exception as error:
                    tracer.failed("zero_grad", error)
            return result

        return wrapper

    def before(optimizer: Any, args: Any, kwargs: Any) -> None:
        if tracer.here and not is_compiling():
            try:
                _before_step(tracer, optimizer, args, kwargs)
            except Exception as error:
                tracer.failed("step", error)

    def after(optimizer: Any, args: Any, kwargs: Any) -> None:
        if tracer.here and not is_compiling():
            try:
                _after_step(tracer, optimizer)
            except Exception as error:
                tracer.failed("step", error)
            tracer.tick()

    def clip_norm(original: Function) -> Function:
        def wrapper(parameters: Any, max_norm: Any, *args: Any, **kwargs: Any) -> Any:
            if not tracer.here or is_compiling():
                return original(parameters, max_norm, *args, **kwargs)
            if not isinstance(parameters, torch.Tensor | list | tuple):
                parameters = list(parameters)
            norm = original(parameters, max_norm, *args, **kwargs)
            try:
                _clip(tracer, "clip_grad_norm_", parameters, norm, max_norm)
            except Exception as error:
                tracer.failed("clip", error)
            return norm

        return wrapper

    def clip_value(original: Function) -> Function:
        def wrapper(parameters: Any, clip_value: Any, *args: Any, **kwargs: Any) -> Any:
            if not tracer.here or is_compiling():
                return original(parameters, clip_value, *args, **kwargs)
            if not isinstance(parameters, torch.Tensor | list | tuple):
                parameters = list(parameters)
            result = original(parameters, clip_value, *args, **kwargs)
            try:
                _clip(tracer, "clip_grad_value_", parameters, None, clip_value)
            except Exception as error:
                tracer.failed("clip", error)
            return result

        return wrapper

    tracer.patches.wrap(torch.optim.Optimizer, "__init__", made)
    tracer.patches.wrap(torch.optim.Optimizer, "zero_grad", zero_grad)
    tracer.patches.wrap(torch.nn.Module, "zero_grad", module_zero_grad)
    tracer.patches.wrap(torch.nn.utils, "clip_grad_norm_", clip_norm)
    tracer.patches.wrap(torch.nn.utils, "clip_grad_value_", clip_value)
    for module in (torch.nn.utils.clip_grad,):
        tracer.patches.wrap(module, "clip_grad_norm_", clip_norm)
        tracer.patches.wrap(module, "clip_grad_value_", clip_value)
    for handle in (register_optimizer_step_pre_hook(before), register_optimizer_step_post_hook(after)):
        tracer.patches.later(handle.remove)
    _install_scaler(tracer)


def _install_scaler(tracer: Tracer) -> None:
    def method(name: str) -> Any:
        def make(original: Function) -> Function:
            def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
                if not tracer.here or not self.is_enabled():
                    return original(self, *args, **kwargs)
                state = tracer.scalers.get(id(self))
                if state is None or state.scaler() is not self:
                    state = tracer.scalers[id(self)] = ScalerState(site(2), weakref.ref(self))
                if name == "scale":
                    state.scale_calls += 1
                    state.scaled = True
                elif name == "unscale_":
                    state.unscales += 1
                    state.unscaled = True
                    _letter(tracer, args[0] if args else kwargs.get("optimizer"), "u")
                elif name == "update":
                    state.updates += 1
                    state.unscaled = False
                    for optimizer in tracer.optimizers.values():
                        if len(optimizer.cycle) < 40:
                            optimizer.cycle.append("k")
                elif name == "step":
                    state.steps += 1
                    state.step_site = site(2)
                    counted = tracer.steps
                    state.stepped_inside = True
                    try:
                        result = original(self, *args, **kwargs)
                    finally:
                        state.stepped_inside = False
                    if tracer.steps == counted:
                        state.skipped += 1
                    return result
                return original(self, *args, **kwargs)

            return wrapper

        return make

    for name in ("scale", "unscale_", "step", "update"):
        tracer.patches.wrap(torch.amp.GradScaler, name, method(name))


def _note_clear(state: OptimizerState) -> None:
    state.cleared = True
    if state.discard_site is None and state.cycle and state.cycle[-1] in "bB":
        state.discard_site = site(3)
    if len(state.cycle) < 40:
        state.cycle.append("z")
    if state.clear_site is None:
        state.clear_site = site(3)


def _letter(tracer: Tracer, optimizer: Any, letter: str) -> None:
    if optimizer is not None:
        state = find(tracer, optimizer)
        if len(state.cycle) < 40:
            state.cycle.append(letter)


def find(tracer: Tracer, optimizer: Any, *, made_now: bool = False) -> OptimizerState:
    """The state of an optimizer; made at first sight."""
    state = tracer.optimizers.get(id(optimizer))
    if state is not None and state.optimizer() is optimizer:
        return state
    if state is not None:
        tracer.past_optimizers.append(tracer.optimizers.pop(id(optimizer)))
    with tracer.governor:
        sites = [(f.f_code.co_filename, f.f_lineno) for f in user_frames(3)]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        for parameter in parameters:
            tracer.since(parameter)
        state = OptimizerState(
            key=tracer.next_key(),
            kind=type(optimizer).__name__,
            site=sites[0] if sites else None,
            stack=tuple(sites[:6]),
            optimizer=weakref.ref(optimizer),
            ids=frozenset(map(id, parameters)),
            tensors=len(parameters),
            made_at_step=tracer.steps,
        )
        if not made_now and tracer.steps:
            state.made_at_step = 0
        state.optimizer = weakref.ref(optimizer, partial(_gone, tracer, state))
        state.witnesses = [weakref.ref(p) for p in _witnesses(parameters)]
        matrices = [p for p in parameters if p.ndim > 1 and not any(ref() is p for ref in state.witnesses)]
        state.measured = [weakref.ref(p) for p in _witnesses(matrices)[-3:]]
        mine = {id(p): p for p in parameters}
        for other in [*tracer.past_optimizers, *tracer.optimizers.values()]:
            if any((p := ref()) is not None and mine.get(id(p)) is p for ref in other.witnesses):
                state.shares_with = other.key
                state.live_shares = other.steps > 0
        tracer.optimizers[id(optimizer)] = state
        _describe(tracer, state, optimizer)
    return state


def _gone(tracer: Tracer, state: OptimizerState, _: Any) -> None:
    """Note when an optimizer was freed, and its parameters with it, for all it knows."""
    state.until = tracer.next_key()


def _witnesses(parameters: list[Any]) -> list[Any]:
    """A few parameters that stand for all: small ones, spread over the model, the last among them."""
    trainable = [p for p in parameters if p.requires_grad] or parameters
    if len(trainable) <= 4:
        return trainable
    order = sorted(range(len(trainable)), key=lambda i: (trainable[i].numel(), -i))[: max(4, len(trainable) // 3)]
    order.sort()
    return [trainable[order[i * (len(order) - 1) // 3]] for i in range(4)]


def _describe(tracer: Tracer, state: OptimizerState, optimizer: Any) -> None:
    kinds: dict[int, str] = {}
    for model in tracer.models.values():
        if model is not None:
            for identity, info in model.parameters.items():
                kinds[identity] = info["kind"]
    state.groups = []
    for group in optimizer.param_groups:
        entry: dict[str, Any] = {"parameters": len(group["params"])}
        for name, value in group.items():
            if isinstance(value, int | float | bool | str) and not name.startswith("_"):
                entry[name] = value
            elif isinstance(value, tuple) and all(isinstance(v, int | float) for v in value):
                entry[name] = list(value)
        counted: dict[str, int] = {}
        for parameter in group["params"]:
            kind = kinds.get(id(parameter)) or ("vector" if parameter.ndim <= 1 else "weight")
            counted[kind] = counted.get(kind, 0) + 1
        entry["kinds"] = counted
        state.groups.append(entry)


def _alive(state: OptimizerState) -> list[Any]:
    return [p for ref in state.witnesses if (p := ref()) is not None]


def _empty(state: OptimizerState) -> bool:
    """Whether the few parameters looked at hold no gradient, or a zero one."""
    for parameter in _alive(state):
        gradient = parameter.grad
        if gradient is None:
            continue
        if gradient.is_sparse or bool(gradient.any()):
            return False
    return True


def note_backward(state: OptimizerState, *, early: bool, again: bool) -> None:
    """Note a backward pass: onto empty gradients, or onto those of an earlier one.

    Args:
        again: Whether it comes from the same forward pass as the one before.
    """
    if len(state.cycle) >= 40:
        return
    if state.cleared:
        state.cleared = False
        state.discarded += again and len(state.cycle) > 1 and state.cycle[-1] == "z" and state.cycle[-2] in "bB"
        state.cycle.append("b")
        return
    held = [p for p in _alive(state) if p.grad is not None]
    if not held:
        state.cycle.append("b")
    elif early or held[0].device.type == "cpu":
        state.cycle.append("b" if _empty(state) else "B")
    else:
        state.cycle.append("B")


def _before_step(tracer: Tracer, optimizer: Any, args: Any, kwargs: Any) -> None:
    state = find(tracer, optimizer)
    if state.step_site is None:
        state.step_site = site(3)
    rate = optimizer.param_groups[0].get("lr")
    if rate is not None:
        if isinstance(rate, torch.Tensor):
            rate = rate.item() if rate.device.type == "cpu" else state.last_lr or 0.0
        if rate != state.last_lr:
            state.last_lr = rate
            keep(state.lr, (state.steps, float(rate)))
    closure = kwargs.get("closure") or (args[1] if len(args) > 1 else args[0] if args else None)
    if callable(closure):
        state.closure = True
    if not state.steps:
        state.weights_from = _loaded_from(tracer, optimizer)
    early = state.steps < 24
    if early:
        count = sum(len(group["params"]) for group in optimizer.param_groups)
        if count != state.tensors:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            state.ids = frozenset(map(id, parameters))
            state.tensors = count
    inside = False
    if tracer.scalers:
        for scaler in tracer.scalers.values():
            if scaler.stepped_inside:
                inside = True
                state.scaled_steps += 1
            elif scaler.scale_calls:
                pass
        if not inside and any(s.scale_calls > s.steps + state.direct_under_scaler for s in tracer.scalers.values()):
            state.direct_under_scaler += 1
    due = state.steps < 8 or (state.steps & (state.steps - 1)) == 0 or state.steps % 50 == 0
    if state.slopes_at == state.steps - 1:
        with tracer.governor:
            _pair(state)
    if due and tracer.governor.allows(1.5):
        with tracer.governor:
            _look_before(tracer, state, optimizer)
    if early and not state.closure and "b" not in state.cycle and "B" not in state.cycle and "p" not in state.cycle:
        state.cycle.append("e" if _empty(state) else "s")
    elif early and not state.closure and "z" in state.cycle and _empty(state):
        state.cycle.append("e")
    else:
        state.cycle.append("s")


def _loaded_from(tracer: Tracer, optimizer: Any) -> int | None:
    """The load that last wrote one of the parameters."""
    known = tracer.loaded_weights
    found = ((*known.get(id(p), (None, 0)), p) for group in optimizer.param_groups for p in group["params"])
    return max((key for ref, key, p in found if ref is not None and ref() is p), default=None)


def _look_before(tracer: Tracer, state: OptimizerState, optimizer: Any) -> None:
    if state.steps in (1, 4):
        _describe(tracer, state, optimizer)
    state.before = [
        (ref, p.detach().clone())
        for ref in (*state.witnesses, *state.measured)
        if (p := ref()) is not None and p.numel() < 2e6
    ]
    if state.steps >= 8:
        state.slopes_at = state.steps
        state.slopes = [None if p.grad is None or p.numel() > 1e6 else p.grad.detach().clone() for p in _alive(state)]
    for group in optimizer.param_groups[:50]:
        for parameter in group["params"][:2000]:
            if parameter.grad is not None:
                state.reached_ids.add(id(parameter))
    grads = [p.grad for g in optimizer.param_groups for p in g["params"] if p.grad is not None and not p.grad.is_sparse]
    total = sum(g.numel() for g in grads)
    if grads and total < 20_000_000:
        norms = torch._foreach_norm([g.detach().float() for g in grads[:400]])
        keep(state.gradient_norm, (state.steps, float(torch.linalg.vector_norm(torch.stack(norms)))))
    for model in tracer.models.values():
        if model is None or state.ids.isdisjoint(model.parameters):
            continue
        model.optimized = True
        for identity, info in model.parameters.items():
            parameter = info["ref"]()
            if parameter is None:
                continue
            if parameter.grad is not None:
                info["had_gradient"] = True
            if identity not in state.ids and info.setdefault("version", parameter._version) != parameter._version:
                info["changed"] = True
        if state.steps in _LOOKS_AT_ROWS and total < 5_000_000:
            _look_at_rows(model)


def _pair(state: OptimizerState) -> None:
    """Compare the gradients of the step before with those of this one."""
    dot = square = 0.0
    for old, parameter in zip(state.slopes, _alive(state), strict=False):
        if old is None or parameter.grad is None or parameter.grad.shape != old.shape or parameter.grad.is_sparse:
            continue
        new = parameter.grad.detach()
        dot += float((old.float() * new.float()).sum())
        square += float(old.float().pow(2).sum() + new.float().pow(2).sum()) / 2
    state.slopes = []
    if square > 0:
        keep(state.gradient_pairs, (state.steps, dot, square))


def _look_at_rows(model: Any) -> None:
    """Equal rows of weight matrices, and the size of gradients against weights."""
    for info in list(model.parameters.values())[:120]:
        parameter = info["ref"]()
        if parameter is None or parameter.ndim < 2 or parameter.numel() > 2_000_000 or parameter.shape[0] < 3:
            continue
        gradient = parameter.grad
        weight = parameter.detach()
        if gradient is None or gradient.is_sparse:
            continue
        flat, slope = weight.reshape(len(weight), -1), gradient.detach().reshape(len(weight), -1)
        info["weight_rms"] = float(flat.float().pow(2).mean().sqrt())
        info["gradient_rms"] = float(slope.float().pow(2).mean().sqrt())
        for weights, slopes in ((flat, slope), (flat.T, slope.T)):  # units along the first or the last dimension
            if len(weights) < 3:
                continue
            same = (weights == weights[:1]).all(dim=1).float().mean()
            largest = slopes.abs().amax()
            close = largest > 0 and (slopes - slopes[:1]).abs().amax() <= 1e-6 * largest
            info["equal_rows"] = max(info.get("equal_rows", 0.0), float(same) if bool(close) else 0.0)


def _after_step(tracer: Tracer, optimizer: Any) -> None:
    state = find(tracer, optimizer)
    pattern = "".join(state.cycle)
    state.cycle.clear()
    state.cleared = False
    state.cycles[pattern] += 1
    if len(state.first_cycles) < 40:
        state.first_cycles.append(pattern)
    state.steps += 1
    tracer.steps += 1
    tracer.run_length = 0
    if not state.steps & (state.steps - 1):
        watch_replicas.note_step(tracer, state, optimizer)
    if state.before is not None:
        with tracer.governor:
            changed, ratios = False, []
            for ref, old in state.before:
                parameter = ref()
                if parameter is None:
                    continue
                difference = parameter.detach() - old
                if bool((difference != 0).any()):
                    changed = True
                    size = float(old.float().norm())
                    if size > 0 and parameter.ndim > 1:
                        ratios.append(float(difference.float().norm()) / size)
            state.looks += 1
            state.unchanged_looks += not changed
            if ratios:
                keep(state.update_ratio, (state.steps - 1, sorted(ratios)[len(ratios) // 2]))
            state.before = None


def _clip(tracer: Tracer, function: str, parameters: Any, norm: Any, limit: Any) -> None:
    where = site(3)
    key = (function, where)
    state = tracer.clips.get(key)
    if state is None:
        state = tracer.clips[key] = ClipState(function, where)
    state.calls += 1
    listed = [parameters] if isinstance(parameters, torch.Tensor) else parameters
    if norm is not None and (norm.device.type == "cpu" or state.calls % 32 == 1):
        keep(state.norms, (tracer.steps, float(norm), float(limit)))
    if not any(p.grad is not None for p in listed[:50]):
        state.empty += 1
    ids = {id(p) for p in listed[:200]}
    for optimizer in tracer.optimizers.values():
        if not optimizer.ids.isdisjoint(ids) and len(optimizer.cycle) < 40:
            optimizer.cycle.append("c")
    for scaler in tracer.scalers.values():
        if scaler.scale_calls and not scaler.unscaled:
            scaler.clips_before_unscale += 1
            scaler.clip_site = where
