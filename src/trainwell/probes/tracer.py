"""The tracer: watches torch at work in this process and keeps what it saw as a `TraceRecord`.

It replaces a few functions of torch by wrappers that note the event and call the original. It reads values, never
writes them, draws no random number, and keeps no tensor alive.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from threading import get_ident
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any

import torch

from trainwell.probes import (
    data_summary,
    origin,
    pairs,
    source,
    watch_backward,
    watch_calls,
    watch_data,
    watch_evaluations,
    watch_files,
    watch_losses,
    watch_places,
    watch_replicas,
    watch_schedules,
    watch_steps,
    watch_waits,
)
from trainwell.probes.governor import Governor
from trainwell.probes.patch import Patches
from trainwell.probes.place import Site, place
from trainwell.records import TraceRecord

if TYPE_CHECKING:
    from trainwell.probes.state import (
        ActivationState,
        BackwardState,
        CallState,
        ClipState,
        DatasetState,
        EvaluationState,
        LoaderState,
        LossState,
        ModelState,
        OptimizerState,
        ScalerState,
        SchedulerState,
    )
    from trainwell.records import FileTrace, GraphTrace


TURNS = ("rot90", "RandomVerticalFlip", "RandomRotation", "flip", "flipud", "fliplr", "vflip", "hflip", "rotate")


class BudgetReached(BaseException):
    """Raised in the observed program when its budget of time or steps is used up; `finally` blocks run."""


class Tracer:
    """Observes training in this process from `install` to `close`.

    Args:
        seconds: Time after which `BudgetReached` is raised at the next event; None for no limit.
        steps: Optimizer steps after which it is raised; None for no limit.
        save: Called with the record now and then, so that a killed program leaves what was seen.
    """

    def __init__(
        self,
        *,
        seconds: float | None = None,
        steps: int | None = None,
        save: Callable[[TraceRecord], None] | None = None,
    ) -> None:
        self.limit_seconds, self.limit_steps, self.save = seconds, steps, save
        self.patches = Patches()
        self.active = False
        self.stopped = ""
        self.thread = threading.get_ident()
        self.pid = os.getpid()
        self._reset()

    def _reset(self) -> None:
        self.governor = Governor()
        self.depth = 0
        self.steps = 0
        self.backward_calls = 0
        self.optimizers: dict[int, OptimizerState] = {}
        self.schedulers: dict[int, SchedulerState] = {}
        self.models: dict[int, ModelState | None] = {}
        self.past_models: list[ModelState] = []
        self.first_seen: dict[int, tuple[weakref.ref[Any], int]] = {}
        self.past_optimizers: list[OptimizerState] = []
        self.past_schedulers: list[SchedulerState] = []
        self.past_loaders: list[LoaderState] = []
        self.losses: dict[Any, LossState] = {}
        self.backwards: dict[Site | None, BackwardState] = {}
        self.clips: dict[Any, ClipState] = {}
        self.scalers: dict[int, ScalerState] = {}
        self.loaders: dict[int, LoaderState] = {}
        self.datasets: dict[int, DatasetState] = {}
        self.past_datasets: list[DatasetState] = []
        self.evaluation: EvaluationState | None = None
        self.evaluations: list[Any] = []
        self.sources: dict[Any, Any] = {}
        self.rank = 0
        self.replicas: Counter[str] = Counter()
        self.weight_sums: list[tuple[int, float]] = []
        self.waits: Counter[Site | None] = Counter()
        self.known_calls: dict[Any, CallState] = {}
        self.known_losses: dict[Any, int] = {}
        self.call_key: Any = None
        self.input_name = ""
        self.final = False
        self.named_inputs: dict[tuple[int, int], tuple[Any, tuple[str, ...]]] = {}
        self.activations: dict[tuple[str, int], ActivationState] = {}
        self.graphs: list[GraphTrace] = []
        self.files: list[FileTrace] = []
        self.seeds: dict[str, None] = {}
        self.trouble: Counter[str] = Counter()
        self.pending: list[tuple[CallState, LoaderState | None]] = []
        self.run_length = 0
        self.last_loader: LoaderState | None = None
        self.last_batch: Any = None
        self.saved_hooks = False
        self.made_modules: dict[int, tuple[Any, Site | None]] = {}
        self.made_weights: dict[int, Site] = {}
        self.made_still: dict[int, Site] = {}
        self.compiles = False
        self.train_input: Any = None
        self.pairs = pairs.Pairs()
        self.leaves: tuple[int, list[Any]] = (-1, [])
        self.key = 0
        self.depth_backward = 0
        self.loss_depth = 0
        self.looks_for_holes = 0
        self.copied_at = math.inf  # the first step after which weights were copied
        self.snapshots: dict[int, Any] = {}
        self.stale: tuple[Site | None, int] | None = None
        self.walk_again = math.inf  # step
        self.scheduler_depth = 0
        self.current: CallState | None = None
        self.untouched: dict[int, Any] = {}
        self.loaded_modules: set[int] = set()
        self.loaded_weights: dict[int, tuple[Any, int]] = {}
        self.fresh_loader: LoaderState | None = None
        self.iterators: Any = {}
        self.unnamed: dict[int, Any] = {}
        self.graph_shapes: set[Any] = set()
        self.train_inputs: dict[str, Any] = {}
        self._last_save = perf_counter()
        self._saves = 0
        self._save_cost = 0.0
        self.finished = False
        self.exit_status: int | None = None

    def next_key(self) -> int:
        """A number that was not given before."""
        self.key += 1
        return self.key

    def since(self, parameter: Any) -> int:
        """When a tensor was first seen: a number below those of what came later."""
        ref, key = self.first_seen.get(id(parameter), (None, 0))
        if ref is None or ref() is not parameter:
            key = self.next_key()
            self.first_seen[id(parameter)] = weakref.ref(parameter), key
        return key

    @property
    def here(self) -> bool:
        """Whether this thread is the one under observation and torch is not compiling or transforming."""
        return self.active and get_ident() == self.thread

    # -- life ---------------------------------------------------------------------------------------------------

    def install(self) -> Tracer:
        """Start observing."""
        self.active = True
        for part in (
            watch_backward,
            watch_steps,
            watch_calls,
            watch_losses,
            watch_data,
            watch_schedules,
            watch_files,
            watch_places,
            watch_replicas,
            watch_waits,
        ):
            part.install(self)
        os.register_at_fork(after_in_child=self._after_fork)
        return self

    def know(self, model: torch.nn.Module | None, optimizers: list[torch.optim.Optimizer]) -> None:
        """Take up objects that were made before observation began."""
        if model is not None:
            watch_calls.know(self, model)
        for optimizer in optimizers:
            watch_steps.find(self, optimizer, made_now=True)

    def finish(self) -> None:
        """The program is over: settle what is still open."""
        for call, loader in self.pending:
            call.untrained += 1
            if loader is not None and not call.trained:
                loader.evaluate += 1
        self.pending.clear()
        self.final = True
        watch_evaluations.close(self)

    def close(self) -> None:
        """Stop observing and put torch back."""
        self.active = False
        self.patches.restore()

    def _after_fork(self) -> None:
        if self.active:
            self._reset()
            self.pid = os.getpid()
            self.limit_seconds = None
            self.thread = threading.get_ident()

    def refresh_parameters(self, model: ModelState) -> None:
        """Look again at which parameters a model registers."""
        watch_calls.refresh_parameters(self, model)

    def failed(self, where: str, error: Exception) -> None:
        """Note that a look failed, unless inside a transformation; the observed program never hears of it."""
        if torch._C._functorch.peek_interpreter_stack() is not None:
            return
        self.trouble[f"{where}: {type(error).__name__}: {str(error)[:120]}"] += 1

    # -- budget and saving --------------------------------------------------------------------------------------

    def tick(self) -> None:
        """At safe points: save now and then, stop when the budget is used up."""
        now = perf_counter()
        rarely = 400 * self._save_cost if self._saves > 3 else 0.0  # a short program that is killed leaves something
        if self.save is not None and now - self._last_save > max(1.0, rarely):
            self.write()
        if self.stopped or not self.here:
            return
        if self.limit_seconds is not None and now - self.governor.start > self.limit_seconds:
            self.stopped = f"the budget of {self.limit_seconds:g} seconds was used up"
            raise BudgetReached(self.stopped)
        if self.limit_steps is not None and self.steps >= self.limit_steps:
            self.stopped = f"the budget of {self.limit_steps} steps was used up"
            raise BudgetReached(self.stopped)

    def write(self) -> None:
        """Save the record now."""
        if self.save is None:
            return
        begin = thread_time()
        try:
            self.save(self.record())
        except Exception as error:
            self.failed("save", error)
        self._saves += 1
        self._last_save = perf_counter()
        self._save_cost = thread_time() - begin
        self.governor.own += self._save_cost

    # -- record -------------------------------------------------------------------------------------------------

    def record(self) -> TraceRecord:
        """What was seen so far."""
        optimizers = [*self.past_optimizers, *self.optimizers.values()]
        models = [*self.past_models, *(m for m in self.models.values() if m is not None)]
        loaders = [*self.past_loaders, *self.loaders.values()]
        overlaps, train_data, eval_data = data_summary.summary(self)
        sites = self._sites()
        return TraceRecord(
            places={role: found for role, where in sites.items() if (found := place(where)) is not None},
            optimizers=tuple(o.record(self) for o in sorted(optimizers, key=lambda o: o.key)),
            schedulers=tuple(s.record() for s in [*self.past_schedulers, *self.schedulers.values()]),
            losses=tuple(entry.record() for entry in self.losses.values()),
            models=tuple(m.record(self) for m in sorted(models, key=lambda m: m.key)),
            calls=tuple(c.record() for m in models for c in m.calls.values()),
            graphs=tuple(self.graphs),
            backwards=tuple(b.record() for b in self.backwards.values()),
            clips=tuple(c.record() for c in self.clips.values()),
            scalers=tuple(s.record() for s in self.scalers.values()),
            loaders=tuple(entry.record() for entry in sorted(loaders, key=lambda e: e.key)),
            datasets=tuple(d.record() for d in [*self.past_datasets, *self.datasets.values()]),
            overlaps=overlaps,
            files=tuple(self.files),
            evaluations=tuple(self.evaluations),
            activations=tuple(a.record() for a in self.activations.values()),
            train_data=train_data,
            eval_data=eval_data,
            rare_metrics=self._rare_metrics(),
            random_labels=(where := sites.get("train_labels")) is not None and source.draws_at_random(where),
            seeds=tuple(self.seeds),
            seconds=self.governor.elapsed,
            own_seconds=self.governor.own,
            steps=self.steps,
            backward_calls=self.backward_calls,
            rank=self.rank,
            averaged=dict(self.replicas),
            weight_sums=tuple(self.weight_sums),
            waits=tuple((p, n) for s, n in self.waits.most_common(20) if (p := place(s)) is not None),
            device=_device(models),
            finished=self.finished,
            copies_weights=self.copied_at < (self.evaluations[-1].step if self.evaluations else math.inf),
            stale_steps=0 if self.stale is None else self.stale[1],
            stopped=self.stopped,
            exit_status=self.exit_status,
            trouble=dict(self.trouble),
        )

    def _rare_metrics(self) -> bool:
        """Whether the source of the places seen speaks of metrics for rare classes."""
        sites = [o.site for o in [*self.past_optimizers, *self.optimizers.values()]]
        return any(source.speaks_of_rare_classes(name) for name in {where[0] for where in sites if where is not None})

    def _sites(self) -> dict[str, Site | None]:
        """Lines of the program by role."""
        sites: dict[str, Site | None] = {} if self.stale is None else {"stale": self.stale[0]}
        for optimizer in [*self.past_optimizers, *self.optimizers.values()]:
            if optimizer.steps:
                sites["optimizer"] = optimizer.site
                sites["step"] = optimizer.step_site
        for site, backward in self.backwards.items():
            if backward.calls:
                sites.setdefault("backward", site)
        for loss in self.losses.values():
            if loss.grad:
                sites.setdefault("loss", loss.site)
        for loader in [*self.past_loaders, *self.loaders.values()]:
            if loader.train:
                sites.setdefault("train_loader", loader.site)
            elif loader.evaluate:
                sites.setdefault("eval_loader", loader.site)
        for model in [*self.past_models, *(m for m in self.models.values() if m is not None)]:
            for call in model.calls.values():
                if call.trained:
                    sites.setdefault("model_call", call.site)
                    sites.setdefault("model", model.site)
                    weights = [p for p in model.parameters.values() if p["kind"] == "weight"]
                    if weights:
                        last = weights[-1]
                        sites.setdefault("output_layer", last.get("initialised") or last.get("made"))
                elif call.is_evaluation():
                    sites.setdefault("evaluation", call.site)
        for scheduler in [*self.past_schedulers, *self.schedulers.values()]:
            sites.setdefault("scheduler", scheduler.site)
        if "loss" not in sites and "backward" in sites:
            sites["loss"] = sites["backward"]
        try:
            self._origins(sites)
        except Exception as error:
            self.failed("origins", error)
        return sites

    def _origins(self, sites: dict[str, Site | None]) -> None:
        """Add where the data, the splits and the loss were made."""
        loss = next((entry for entry in self.losses.values() if entry.grad), None)
        if loss is not None and loss.made_site is not None:
            sites["loss_made"] = loss.made_site
        elif "loss" in sites:
            sites["loss_made"] = sites["loss"]
        if (backward := sites.get("backward")) is not None:
            sites["loss_value"] = origin.given(backward)
        loaders = ("DataLoader",)
        for kind, call in (("train", "model_call"), ("eval", "evaluation")):
            loader, by_hand = sites.get(f"{kind}_loader"), sites.get(call)
            if loader is not None:
                sites[f"{kind}_inputs"] = origin.origin(loader, 0, of=loaders)
                sites[f"{kind}_labels"] = origin.origin(loader, 1, of=loaders)
                sites[f"{kind}_split"] = origin.origin(loader, 0, of=loaders, past_slices=False)
            elif by_hand is not None:
                sites[f"{kind}_inputs"] = origin.origin(by_hand, 0)
                sites[f"{kind}_split"] = origin.origin(by_hand, 0, past_slices=False)
        files = dict.fromkeys(where[0] for where in sites.values() if where is not None)
        turns = (found for file in files if (found := source.line_of_call(file, TURNS)) is not None)
        sites["augmentation"] = next(turns, None)
        if sites.get("train_labels") is None and sites.get("loss") is not None:
            where = sites["loss"]
            assert where is not None
            sites["train_labels"] = origin.origin(where, 1)


def _device(models: list[ModelState]) -> str:
    for model in models:
        module = model.module()
        if module is not None:
            for parameter in module.parameters():
                return str(parameter.device)
    return "cpu"
