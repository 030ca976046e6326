"""Learning-rate schedulers: creation and steps."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from torch.optim import lr_scheduler

from trainwell.probes import watch_steps
from trainwell.probes.place import site
from trainwell.probes.state import SchedulerState

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.tracer import Tracer


def install(tracer: Tracer) -> None:
    """Watch every scheduler class of torch."""

    def made(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not tracer.here or tracer.scheduler_depth:
                return original(self, *args, **kwargs)
            tracer.scheduler_depth += 1
            try:
                result = original(self, *args, **kwargs)
            finally:
                tracer.scheduler_depth -= 1
            try:
                _register(tracer, self)
            except Exception as error:
                tracer.failed("scheduler", error)
            return result

        return wrapper

    def step(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not tracer.here or tracer.scheduler_depth:
                return original(self, *args, **kwargs)
            tracer.scheduler_depth += 1
            try:
                try:
                    state = _register(tracer, self)
                    state.steps += 1
                    if state.step_site is None:
                        state.step_site = site(2)
                    if state.optimizer is not None:
                        if state.steps == 1 and state.optimizer.steps == state.made_at_optimizer_step:
                            state.before_first_step = True
                        if len(state.optimizer.cycle) < 40:
                            state.optimizer.cycle.append("l")
                except Exception as error:
                    tracer.failed("scheduler", error)
                return original(self, *args, **kwargs)
            finally:
                tracer.scheduler_depth -= 1

        return wrapper

    classes = [c for c in vars(lr_scheduler).values() if isinstance(c, type) and c.__module__ == lr_scheduler.__name__]
    for kind in dict.fromkeys(classes):
        if "step" in kind.__dict__:
            tracer.patches.wrap(kind, "step", step)
        if "__init__" in kind.__dict__:
            tracer.patches.wrap(kind, "__init__", made)


def _register(tracer: Tracer, scheduler: Any) -> SchedulerState:
    state = tracer.schedulers.get(id(scheduler))
    if state is not None and state.scheduler() is scheduler:
        return state
    if state is not None:
        tracer.past_schedulers.append(tracer.schedulers.pop(id(scheduler)))
    state = SchedulerState(
        key=tracer.next_key(),
        kind=type(scheduler).__name__,
        site=site(3),
        scheduler=weakref.ref(scheduler),
        made_at_step=tracer.steps,
    )
    for name, value in vars(scheduler).items():
        if not name.startswith("_") and isinstance(value, int | float) and not isinstance(value, bool):
            state.options[name] = value
    inner = [s for s in getattr(scheduler, "_schedulers", ()) if s is not None]
    state.options["parts"] = [type(s).__name__ for s in inner]
    for part in inner:
        known = tracer.schedulers.get(id(part))
        if known is not None:
            known.options["part_of"] = state.kind
    optimizer = getattr(scheduler, "optimizer", None)
    if optimizer is None and inner:
        optimizer = getattr(inner[0], "optimizer", None)
    if optimizer is not None:
        state.optimizer = watch_steps.find(tracer, optimizer)
        state.made_at_optimizer_step = state.optimizer.steps
    tracer.schedulers[id(scheduler)] = state
    return state
