"""Backward passes: events, loss values, walks of the graph."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import torch

from trainwell.probes import graph, holes, watch_steps
from trainwell.probes.place import place, site, user_frames
from trainwell.probes.state import ActivationState, BackwardState, Tag, keep
from trainwell.records import GraphTrace

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.tracer import Tracer

FIRST_WALKS = 4
_SINCE = 10  # steps without one on parameters that were frozen
MOST_GRAPHS = 8


def install(tracer: Tracer) -> None:
    """Watch `backward`, `autograd.grad`, saved-tensor hooks."""
    is_compiling = torch.compiler.is_compiling

    def backward(original: Function) -> Function:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if tracer.here and not is_compiling() and not tracer.depth_backward:
                tensors = args[0] if args else kwargs.get("tensors")
                tracer.depth_backward += 1
                try:
                    try:
                        _before(tracer, tensors, kwargs.get("inputs"))
                    except Exception as error:
                        tracer.failed("backward", error)
                    return original(*args, **kwargs)
                finally:
                    tracer.depth_backward -= 1
            return original(*args, **kwargs)

        return wrapper

    def grad(original: Function) -> Function:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if tracer.here and not is_compiling():
                try:
                    outputs = args[0] if args else kwargs.get("outputs")
                    _through_grad(tracer, outputs)
                except Exception as error:
                    tracer.failed("grad", error)
            return original(*args, **kwargs)

        return wrapper

    def enter(original: Function) -> Function:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not is_compiling():
                tracer.saved_hooks = True
            return original(*args, **kwargs)

        return wrapper

    tracer.depth_backward = 0
    tracer.patches.wrap(torch.autograd, "backward", backward)
    tracer.patches.wrap(torch.autograd, "grad", grad)
    tracer.patches.wrap(torch.autograd.graph.saved_tensors_hooks, "__enter__", enter)


def _state(tracer: Tracer) -> BackwardState:
    where = site(4)
    state = tracer.backwards.get(where)
    if state is None:
        state = tracer.backwards[where] = BackwardState(where)
    return state


def _before(tracer: Tracer, tensors: Any, inputs: Any) -> None:
    state = _state(tracer)
    state.calls += 1
    tracer.backward_calls += 1
    first = tensors if isinstance(tensors, torch.Tensor) else next(iter(tensors), None) if tensors is not None else None
    if not isinstance(first, torch.Tensor):
        return
    again = not tracer.run_length and tracer.steps < 64 and not _reads_gradients()
    for optimizer in tracer.optimizers.values():
        watch_steps.note_backward(optimizer, early=optimizer.steps < 40, again=again)
    tracer.run_length = 0
    if not first.requires_grad:
        state.without_graph += 1
        return
    if first.numel() == 1:
        if first.is_cpu:
            value = first.item()
            keep(state.losses, (tracer.steps, value))
            if not math.isfinite(value):
                holes.look(tracer)
        else:
            _later(tracer, state, first)
    for scaler in tracer.scalers.values():
        if scaler.scaled:
            state.scaled += 1
            scaler.scaled = False
            break
    due = state.calls <= FIRST_WALKS or (state.calls & (state.calls - 1)) == 0 or tracer.steps >= tracer.walk_again
    if due:
        tracer.walk_again = math.inf
    if not due:
        for call, _ in tracer.pending:
            if call.walks < 3:
                due = True
                break
    if first.is_leaf:
        state.walks += 1
        if not _known(tracer, first):
            state.no_parameters += 1
    elif due or state.calls <= 64 or state.calls % 16 == 0:
        root: Any = first.grad_fn
        tag = Tag("loss")
        root.metadata.setdefault("trainwell_loss", tag)
        state.tags.append(weakref.ref(tag))
        del tag
        if due or state.calls % 64 == 0:
            state.stored_looks += 1
            state.stored_history.append(sum(1 for ref in state.tags if ref() is not None) - 1)
        if due and tracer.governor.allows(2.0 if state.calls <= FIRST_WALKS else 1.0):
            with tracer.governor:
                _walk(tracer, state, root, first)
                return
    _settle(tracer)


def _reads_gradients() -> bool:
    """Whether the user's code around looks at gradients itself: several tasks' are put together by hand there."""
    return any("grad" in frame.f_code.co_names for frame in user_frames(5))


def _settle(tracer: Tracer) -> None:
    """Without a walk: this backward came from the forwards that walks have seen it come from."""
    for call, loader in tracer.pending:
        if call.walk_says:
            call.trained += 1
            if loader is not None:
                loader.train += 1
        else:
            call.untrained += 1
            if loader is not None:
                loader.evaluate += 1
    tracer.pending.clear()


def _walk(tracer: Tracer, state: BackwardState, root: Any, loss: torch.Tensor) -> None:
    names: dict[int, str] = {}

    def name_of(variable: torch.Tensor) -> str | None:
        for model in tracer.models.values():
            if model is None:
                continue
            info = model.parameters.get(id(variable))
            if info is not None and info["ref"]() is variable:
                name = names[id(variable)] = f"{model.kind}.{info['name']}"
                return name
        return None

    for model in tracer.models.values():
        if model is not None:
            tracer.refresh_parameters(model)
    _note_updates_by_hand(tracer, state)
    found = graph.walk(root, name_of, saved=not tracer.saved_hooks)
    state.walks += 1
    state.half = state.half or found.half
    reached = set(found.leaves)
    optimized: set[int] = set()
    for optimizer in tracer.optimizers.values():
        optimizer.walks += 1
        optimizer.reached_ids |= reached & optimizer.ids
        optimized |= optimizer.ids
    trained = {id(tag.call): tag.call for tag in found.tags if tag.call is not None}
    for call, _ in tracer.pending:
        call.walks += 1
        call.walk_says = found.opaque or id(call) in trained
    last = {id(call): position for position, (call, _) in enumerate(tracer.pending)}
    for position, (call, loader) in enumerate(tracer.pending):
        came = call.walk_says and (position == last[id(call)] or call.training or found.opaque)
        call.trained += came
        call.untrained += not came
        if loader is not None:
            loader.train += came
            loader.evaluate += not came
    tracer.pending.clear()
    for model in tracer.models.values():
        if model is None:
            continue
        mine = reached & model.parameters.keys()
        if mine:
            model.walks += 1
        for identity in mine:
            model.parameters[identity]["reached"] = model.parameters[identity].get("reached", 0) + 1
        _note_frozen(tracer, model.parameters, mine)
    by_hand = any(_updated(tracer, leaf) for leaf in found.leaves.values())
    state.unknown_leaves = max(
        state.unknown_leaves,
        sum(1 for i, v in found.leaves.items() if name_of(v) is None and i not in optimized and _persistent(tracer, v)),
    )
    known = reached & optimized or any(reached & m.parameters.keys() for m in tracer.models.values() if m is not None)
    if not known and not found.opaque and not by_hand:
        state.no_parameters += 1
    if not tracer.steps:
        some = sorted(found.leaves.values(), key=torch.Tensor.numel)[:3]
        tracer.leaves = (tracer.backward_calls, [(weakref.ref(leaf), float(leaf.detach().sum())) for leaf in some])
    _keep_graph(tracer, state, found)
    if not tracer.saved_hooks:
        _look_at_activations(tracer, found)


def _note_frozen(tracer: Tracer, parameters: dict[int, dict[str, Any]], reached: set[int]) -> None:
    """Parameters that were frozen and get gradients again: has any optimizer stepped on them since?"""
    if all(info["requires_grad"] and "frozen" not in info for info in parameters.values()):
        return
    optimizers = [*tracer.past_optimizers, *tracer.optimizers.values()]
    for identity, info in parameters.items():
        if not info["requires_grad"]:
            info["frozen"] = True
            info.pop("thawed", None)
        elif identity in reached and "frozen" in info:
            mine = sum(o.steps for o in optimizers if identity in o.ids)
            then, steps = info.setdefault("thawed", (tracer.steps, mine))
            if tracer.steps - then < _SINCE:
                tracer.walk_again = then + _SINCE
            elif mine == steps:
                info["thawed_alone"] = info.get("thawed_alone", 0) + 1


def _note_updates_by_hand(tracer: Tracer, state: BackwardState) -> None:
    """Between two successive backward passes without any optimizer: were leaves written to, their gradients cleared?"""
    before, leaves = tracer.leaves
    if tracer.steps or before != tracer.backward_calls - 1:
        return
    for ref, total in leaves:
        leaf = ref()
        if leaf is not None and float(leaf.detach().sum()) != total:
            state.updated_by_hand += 1
            state.uncleared_by_hand += leaf.grad is not None and bool(leaf.grad.any())
            return


def _updated(tracer: Tracer, leaf: torch.Tensor) -> bool:
    """Whether an unnamed leaf of an earlier walk was written to since, as a parameter that is updated by hand."""
    known = tracer.unnamed.get(id(leaf))
    return known is not None and known[0]() is leaf and bool(known[1] != leaf._version)


def _persistent(tracer: Tracer, leaf: torch.Tensor) -> bool:
    """Whether an unnamed leaf was already a leaf in an earlier walk, never written to in between."""
    known = tracer.unnamed.get(id(leaf))
    if known is not None and known[0]() is leaf:
        return bool(known[1] == leaf._version and known[2] < tracer.steps and leaf.numel() > 1)
    tracer.unnamed[id(leaf)] = (weakref.ref(leaf), leaf._version, tracer.steps)
    return False


def _keep_graph(tracer: Tracer, state: BackwardState, found: graph.Walk) -> None:
    shape = hash(tuple((n.op, n.inputs) for n in found.nodes[:60]))
    if (state.site, shape) in tracer.graph_shapes or len(tracer.graphs) >= MOST_GRAPHS:
        return
    tracer.graph_shapes.add((state.site, shape))
    tracer.graphs.append(GraphTrace(place(state.site), tracer.steps, tuple(found.nodes), found.complete))


def _look_at_activations(tracer: Tracer, found: graph.Walk) -> None:
    for position, (op, node) in enumerate(found.activations[:60]):
        if not tracer.governor.allows(2.0):
            return
        try:
            result = node._saved_result
        except RuntimeError:
            return
        if result is None or result.ndim < 2 or result.numel() > 4_000_000 or result.numel() == 0:
            continue
        result = result.detach()
        entry = tracer.activations.get((op, position))
        if entry is None:
            entry = tracer.activations[(op, position)] = ActivationState(op, position, "")
        entry.looks += 1
        entry.rows += len(result)
        dimension = 1 if result.ndim != 3 else 2
        reduce = [d for d in range(result.ndim) if d != dimension]
        if op == "ReluBackward0":
            alive = (result > 0).any(dim=reduce[0])
            for _ in reduce[1:]:
                alive = alive.any(dim=-1) if dimension == 1 else alive.any(dim=0)
            alive = alive.cpu()
            if entry.alive is None or len(entry.alive) != len(alive):
                entry.alive = alive
            else:
                entry.alive |= alive
            entry.units = len(alive)
        else:
            beyond = (result.abs() > 0.97) if op == "TanhBackward0" else ((result > 0.985) | (result < 0.015))
            entry.units = result.shape[dimension]
            keep(entry.limit_share, (tracer.steps, float(beyond.float().mean())))


def _known(tracer: Tracer, leaf: torch.Tensor) -> bool:
    return any(id(leaf) in m.parameters for m in tracer.models.values() if m is not None) or any(
        id(leaf) in o.ids for o in tracer.optimizers.values()
    )


def _later(tracer: Tracer, state: BackwardState, loss: torch.Tensor) -> None:
    """On an accelerator: keep a copy of the scalar and read many at once."""
    if state.calls > 256 and state.calls % 16:
        return
    state.waiting.append((tracer.steps, loss.detach().reshape(()).float().clone()))
    if len(state.waiting) >= 32 or state.calls in (2, 8):
        values = torch.stack([value for _, value in state.waiting]).tolist()
        for (step, _), value in zip(state.waiting, values, strict=True):
            keep(state.losses, (step, value))
        state.waiting.clear()


def _through_grad(tracer: Tracer, outputs: Any) -> None:
    state = _state(tracer)
    state.through_grad += 1
    tracer.run_length = 0
    for call, loader in tracer.pending:
        call.trained += 1
        if loader is not None:
            loader.train += 1
    tracer.pending.clear()
    for optimizer in tracer.optimizers.values():
        if len(optimizer.cycle) < 40:
            optimizer.cycle.append("p")
    del outputs
