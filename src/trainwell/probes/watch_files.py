"""Saves, loads and seeds."""

from __future__ import annotations

import math
import random
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from trainwell.probes import watch_steps
from trainwell.probes.place import place, site
from trainwell.records import FileTrace

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.tracer import Tracer


_MOST_SNAPSHOTS = 64


def install(tracer: Tracer) -> None:
    """Watch `torch.save`, `torch.load`, `load_state_dict` and seeding."""

    def note(what: str, path: Any = "", holds: Any = None, target: int | None = None) -> None:
        if tracer.here and len(tracer.files) < 500:
            try:
                tracer.files.append(FileTrace(what, place(site(3)), tracer.steps, _path(path), _holds(holds), target))
            except Exception as error:
                tracer.failed("files", error)

    def save(original: Function) -> Function:
        def wrapper(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
            _note_stale(tracer, obj)
            note("save", f, obj)
            return original(obj, f, *args, **kwargs)

        return wrapper

    def load(original: Function) -> Function:
        def wrapper(f: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(f, *args, **kwargs)
            note("load", f, result)
            return result

        return wrapper

    def into_module(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            _note_stale(tracer, args[0] if args else None)
            result = original(self, *args, **kwargs)
            if tracer.here:
                state = tracer.models.get(id(self))
                if state is not None and not tracer.steps:
                    state.loaded = True
                tracer.loaded_modules.update(id(m) for m in self.modules())
                if len(tracer.files) < 500:
                    key = tracer.next_key()
                    tracer.loaded_weights.update({id(p): (weakref.ref(p), key) for p in self.parameters()})
                    note("model-load", "", args[0] if args else None, key)
            return result

        return wrapper

    def snapshot(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if tracer.here and not args and not kwargs and isinstance(result, dict) and tracer.steps:
                try:
                    tracer.copied_at = min(tracer.copied_at, tracer.steps)
                    if len(tracer.snapshots) >= _MOST_SNAPSHOTS:  # states that are gone
                        tracer.snapshots = {i: kept for i, kept in tracer.snapshots.items() if kept[0]() is not None}
                    tracer.snapshots[id(result)] = (weakref.ref(result), weakref.ref(self), tracer.steps, site(2))
                except Exception as error:
                    tracer.failed("state_dict", error)
            return result

        return wrapper

    def copied(original: Function) -> Function:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            tracer.copied_at = min(tracer.copied_at, tracer.steps or math.inf)
            return original(*args, **kwargs)

        return wrapper

    def into_optimizer(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if tracer.here:
                state = watch_steps.find(tracer, self)
                state.state_loaded = True
                note("optimizer-load", "", None, state.key)
            return result

        return wrapper

    def seed(name: str) -> Any:
        def make(original: Function) -> Function:
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                if tracer.here:
                    tracer.seeds[name] = None
                return original(*args, **kwargs)

            return wrapper

        return make

    tracer.patches.wrap(torch, "save", save)
    tracer.patches.wrap(torch, "load", load)
    tracer.patches.wrap(nn.Module, "state_dict", snapshot)
    tracer.patches.wrap(nn.Parameter, "__deepcopy__", copied)
    tracer.patches.wrap(nn.Module, "load_state_dict", into_module)
    tracer.patches.wrap(torch.optim.Optimizer, "load_state_dict", into_optimizer)
    tracer.patches.wrap(torch, "manual_seed", seed("torch"))
    tracer.patches.wrap(np.random, "seed", seed("numpy"))
    tracer.patches.wrap(random, "seed", seed("random"))


def _note_stale(tracer: Tracer, value: Any) -> None:
    """A state that was taken several steps ago and is used now: does it hold the present weights, not those of then?"""
    if not tracer.here or not tracer.snapshots or tracer.stale is not None or not isinstance(value, dict):
        return
    try:
        for part in (value, *value.values()):
            ref, owner, step, where = tracer.snapshots.get(id(part), (None, None, 0, None))
            module = None if owner is None else owner()
            if ref is None or ref() is not part or module is None or tracer.steps - step < 2:
                continue
            own = {name: p.data_ptr() for name, p in module.named_parameters() if p.numel() and p.requires_grad}
            if own and all(isinstance(part.get(n), torch.Tensor) and part[n].data_ptr() == a for n, a in own.items()):
                tracer.stale = (where, tracer.steps - step)
    except Exception as error:
        tracer.failed("state_dict", error)


def _path(value: Any) -> str:
    return str(value)[:300] if isinstance(value, str) or hasattr(value, "__fspath__") else ""


def _holds(value: Any) -> tuple[str, ...]:
    """Keys of a saved dictionary; `weights`, `optimizer-state` (with tensors and rate) for what they hold."""
    if not isinstance(value, dict):
        return (type(value).__name__,)
    found = [str(k)[:60] for k in list(value)[:40]]
    for part in value.values():
        if isinstance(part, dict) and {"state", "param_groups"} <= part.keys():
            groups = part["param_groups"]
            count = sum(len(group["params"]) for group in groups)
            rates = {float(groups[0][name]) for name in ("lr", "initial_lr") if name in groups[0]}
            found += ["optimizer-state", *(f"optimizer-state {count} {rate:g}" for rate in sorted(rates))]
    if value and all(isinstance(v, torch.Tensor) for v in value.values()):
        return ("weights",)
    return tuple(found)
