"""Calls of models: in which mode, with which data, from where."""

from __future__ import annotations

import sys
import weakref
from functools import partial
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from trainwell.probes import inside, watch_data, watch_evaluations, watch_places
from trainwell.probes.inside import NORM, first_tensor
from trainwell.probes.place import is_user, site, user_frame, words
from trainwell.probes.state import CallState, ModelState, Tag

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.tracer import Tracer


def install(tracer: Tracer) -> None:
    """Watch outermost module calls and functional dropout."""
    is_compiling = torch.compiler.is_compiling
    is_grad_enabled = torch.is_grad_enabled

    def call(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if tracer.depth or not tracer.here or is_compiling():
                return original(self, *args, **kwargs)
            model = tracer.models.get(id(self), 0)
            if model is None:
                return original(self, *args, **kwargs)
            known = _again(tracer, self) if is_grad_enabled() else None
            if known is not None:
                tracer.depth = 1
                try:
                    return original(self, *args, **kwargs)
                finally:
                    tracer.depth = 0
            try:
                state = _enter(tracer, self, model, args, kwargs, is_grad_enabled())
            except Exception as error:
                tracer.failed("call", error)
                state = None
            if state is None:
                return original(self, *args, **kwargs)
            tracer.depth = 1
            try:
                if inside.due(tracer, state):
                    result = inside.look(tracer, state, original, self, args, kwargs)
                else:
                    result = original(self, *args, **kwargs)
            finally:
                tracer.depth = 0
            try:
                _leave(tracer, state, result)
            except Exception as error:
                tracer.failed("call", error)
            tracer.tick()
            return result

        return wrapper

    def dropout(original: Function) -> Function:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not is_compiling() and tracer.here:
                p = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
                training = args[2] if len(args) > 2 else kwargs.get("training", True)
                if training and p:
                    _note_functional_dropout(tracer)
            return original(*args, **kwargs)

        return wrapper

    def attention(original: Function) -> Function:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not is_compiling() and tracer.here and (args[4] if len(args) > 4 else kwargs.get("dropout_p", 0.0)):
                _note_functional_dropout(tracer)
            return original(*args, **kwargs)

        return wrapper

    tracer.patches.wrap(nn.Module, "__call__", call)
    tracer.patches.wrap(torch.nn.functional, "scaled_dot_product_attention", attention)
    for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"):
        tracer.patches.wrap(torch.nn.functional, name, dropout)


def _note_functional_dropout(tracer: Tracer) -> None:
    """Dropout that a function made, in a model in eval mode."""
    state = tracer.current
    if state is None or state.training:
        return
    if not state.functional_dropout:
        state.functional_dropout_site = site(3)
    if not state.noise_now[0]:
        state.functional_dropout += 1


def _again(tracer: Tracer, module: Any) -> CallState | None:
    """Count one more training call from a line that is known well; None where it is time for a closer look.

    Seven of eight calls past the first 64 take this way: it is what keeps the overhead of small models low.
    """
    frame = sys._getframe(2)
    back = frame.f_back
    key = (id(module), frame.f_code, frame.f_lasti, 0 if back is None else back.f_lasti, module.training)
    state: CallState | None = tracer.known_calls.get(key)
    if state is None or state.calls < 64 or state.calls & 7 == 7 or state.model.module() is not module:
        tracer.call_key = key
        return None
    state.calls += 1
    tracer.run_length += 1
    if tracer.run_length > state.run:
        state.run = tracer.run_length
    state.after_first_step += 1
    dropout, norm = state.noise_now
    state.dropout_on += dropout
    state.batch_norm_on += norm
    if dropout or norm:
        state.noisy += 1
    elif state.model.noisy:
        state.still += 1
    loader, tracer.fresh_loader = tracer.fresh_loader, None
    if len(tracer.pending) < 500:
        tracer.pending.append((state, loader))
    return state


def _model(tracer: Tracer, module: nn.Module) -> ModelState | None:
    """State of a module that is called from outside; None for losses, activations and the like."""
    identity = id(module)
    old = tracer.models.pop(identity, None)
    if old is not None:
        tracer.past_models.append(old)
    inner = getattr(module, "_orig_mod", None)
    has_parameters = next(iter(module.parameters()), None) is not None
    has_children = next(iter(module.children()), None) is not None
    if (not has_parameters and not has_children) or isinstance(module, nn.modules.loss._Loss):
        tracer.models[identity] = None
        weakref.finalize(module, tracer.models.pop, identity, None).atexit = False
        return None
    with tracer.governor:
        shown = inner if isinstance(inner, nn.Module) else module
        state = ModelState(
            key=tracer.next_key(),
            kind=type(shown).__name__,
            module=weakref.ref(module),
            site=watch_places.made_at(tracer, id(shown)),
            compiled=inner is not None or isinstance(module, torch.jit.ScriptModule),
        )
        for name, layer in module.named_modules():
            if isinstance(layer, _DropoutNd):
                state.dropout += 1
                state.noisy.append((weakref.ref(layer), "d"))
                state.largest_dropout = max(state.largest_dropout, layer.p)
                if layer.p == 0:
                    state.noisy.pop()
                    state.dropout -= 1
            elif isinstance(layer, _BatchNorm):
                state.batch_norm += 1
                if layer.track_running_stats:
                    state.noisy.append((weakref.ref(layer), "n"))
            elif (isinstance(layer, nn.RNNBase) and layer.dropout and layer.num_layers > 1) or (
                isinstance(layer, nn.MultiheadAttention) and layer.dropout
            ):
                state.dropout += 1
                state.noisy.append((weakref.ref(layer), "d"))
            state.layers[name] = type(layer).__name__
        tracer.models[identity] = state
        if id(module) in tracer.loaded_modules:
            state.loaded = True
        _parameters(tracer, state, module)
    return state


def know(tracer: Tracer, module: nn.Module) -> None:
    """Take up a model before its first call."""
    _model(tracer, module)


def _parameters(tracer: Tracer, state: ModelState, module: nn.Module) -> None:
    fresh: dict[int, dict[str, Any]] = {}
    for prefix, layer in module.named_modules():
        kind = "norm" if isinstance(layer, NORM) else "embedding" if isinstance(layer, nn.Embedding) else ""
        for name, parameter in layer.named_parameters(recurse=False):
            known = state.parameters.get(id(parameter)) or fresh.get(id(parameter))
            if known is not None and known["ref"]() is parameter:
                known["requires_grad"] = parameter.requires_grad
                fresh[id(parameter)] = known
                continue
            info = fresh[id(parameter)] = {"since": tracer.since(parameter)}
            info |= {
                "ref": weakref.ref(parameter, partial(_gone, tracer, info)),
                "name": f"{prefix}.{name}" if prefix else name,
                "shape": tuple(parameter.shape) if not nn.parameter.is_lazy(parameter) else (),
                "kind": kind or ("bias" if name.startswith("bias") else "weight"),
                "requires_grad": parameter.requires_grad,
                "module": id(layer),
                "made": watch_places.made_at(tracer, id(layer)) or state.site,
                "initialised": tracer.made_weights.get(_address(parameter)),
            }
    state.parameters = fresh


def _address(parameter: nn.Parameter) -> int:
    """Where its numbers lie; 0 if they are not there yet, or not there at all (a tensor of a transformation)."""
    if nn.parameter.is_lazy(parameter) or torch._C._functorch.is_functorch_wrapped_tensor(parameter):
        return 0
    return parameter.data_ptr()


def _gone(tracer: Tracer, info: dict[str, Any], _: Any) -> None:
    """Note when a parameter was freed: its identity may be that of another one from now on."""
    info["until"] = tracer.next_key()


def refresh_parameters(tracer: Tracer, model: ModelState) -> None:
    """Look again at which parameters a model registers (layers can be replaced)."""
    module = model.module()
    if module is not None:
        _parameters(tracer, model, module)


def _enter(
    tracer: Tracer, module: Any, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], grad: bool
) -> CallState | None:
    if model == 0 or model.module() is not module:
        model = _model(tracer, module)
        if model is None:
            return None
    frame = user_frame(3)
    outer = None
    if frame is None:
        where = None
    else:
        where = (frame.f_code.co_filename, frame.f_lineno)
        back = frame.f_back
        if back is not None and is_user(back.f_code):
            outer = (back.f_code.co_filename, back.f_lineno)
    key = (where, outer, grad, module.training)
    state = model.calls.get(key)
    if state is None:
        with tracer.governor:
            state = model.calls[key] = CallState(model, where, outer, grad, module.training)
            frames: list[FrameType] = []
            inner = frame
            while inner is not None and len(frames) < 5:
                if is_user(inner.f_code):
                    frames.append(inner)
                inner = inner.f_back
            state.words = words(frames)
            state.recalibration = state.recalibration or "update_bn" in state.words
    state.calls += 1
    if grad and not module.training and model.still_site is None:
        model.still_site = tracer.made_still.get(id(module))
    tracer.run_length += 1
    if tracer.run_length > state.run:
        state.run = tracer.run_length
    if tracer.steps:
        state.after_first_step += 1
    if model.noisy and (state.calls <= 6 or state.calls % 8 == 0):
        dropout = norm = False
        for ref, kind in model.noisy:
            layer = ref()
            if layer is not None and layer.training:
                if kind == "d":
                    dropout = True
                else:
                    norm = True
        state.noise_now = (dropout, norm)
    dropout, norm = state.noise_now
    state.dropout_on += dropout
    state.batch_norm_on += norm
    if dropout or norm:
        state.noisy += 1
    elif model.noisy:
        state.still += 1
    tensor = first_tensor(args, kwargs)
    if tensor is not None:
        last = state.last_input
        if last is not None and last() is tensor:
            state.repeated += 1
        state.last_input = weakref.ref(tensor)
        if tensor.ndim:
            state.rows += tensor.shape[0]
        if tracer.untouched and id(tensor) in tracer.untouched:
            ref, source = tracer.untouched[id(tensor)]
            if ref() is tensor and source.model is not model:
                source.fed_on += 1
                source.fed_to_still += not (grad or module.training)
                if tracer.evaluation is not None and tracer.evaluation.key[0] == id(source):
                    tracer.evaluation = None  # features for another model are no scores
    watch_data.note_input(tracer, state, tensor, frame)
    if grad and sum(isinstance(value, torch.Tensor) for value in (*args, *kwargs.values())) > 1:
        tracer.train_input = None  # a label belongs to all of them together
    if not grad and not state.fed_on:
        watch_evaluations.follow(tracer, state)
    if grad and state.training and state.calls == 64 and tracer.call_key is not None:
        tracer.known_calls[tracer.call_key] = state
    tracer.call_key = None
    tracer.current = state
    entered: CallState = state
    return entered


def _outputs(result: Any) -> list[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, dict):
        return [v for v in result.values() if isinstance(v, torch.Tensor)]
    if isinstance(result, tuple | list):
        return [v for v in islice(result, 8) if isinstance(v, torch.Tensor)]
    return [v for v in getattr(result, "__dict__", {}).values() if isinstance(v, torch.Tensor)][:8]


def _leave(tracer: Tracer, state: CallState, result: Any) -> None:
    tracer.current = None
    outputs = _outputs(result)
    if not outputs:
        return
    if not state.output_shape:
        state.output_shape = tuple(outputs[0].shape)
    if state.grad:
        state.graphless += not any(output.requires_grad for output in outputs)
        if state.calls <= 64 or state.calls % 16 == 0:
            for output in outputs:
                node: Any = output.grad_fn
                if node is not None and "trainwell" not in node.metadata:
                    node.metadata["trainwell"] = Tag("model", state)
    else:
        if len(tracer.untouched) > 64:
            tracer.untouched.clear()
        for output in outputs[:2]:
            tracer.untouched[id(output)] = (weakref.ref(output), state)
        if not state.fed_on:
            watch_evaluations.judge(tracer, state, outputs[0])
