"""A training in progress: it can be advanced, paused, looked at, and finished into a `Run`.

`fit` advances one to its end; the range test and halving advance many in pieces.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainwell.data import Examples, Source, sample
from trainwell.problem import Problem
from trainwell.recipe import Recipe
from trainwell.records import Evaluation, RunFolder, RunInfo, Status, environment
from trainwell.seeding import Streams
from trainwell.train.assembly import Assembly, assemble
from trainwell.train.callbacks import Callback, overriding
from trainwell.train.checkpoint import Checkpointer
from trainwell.train.custom_step import Step
from trainwell.train.evaluate import evaluate
from trainwell.train.finish import finish
from trainwell.train.noise import NoiseState, seed_torch
from trainwell.train.precision import matmul_format, peak_memory
from trainwell.train.recorder import Recorder
from trainwell.train.resume import restore, state_of
from trainwell.train.run import Run
from trainwell.train.stopping import Clock
from trainwell.train.threads import threads_set

_MOST_LEFT_OUT = 100


class Training:
    """One run, step by step.

    Attributes:
        step: Updates done.
        epoch: Epochs begun, from 0.
        status: running until `finish`, or why it ended.
    """

    def __init__(
        self,
        problem: Problem,
        recipe: Recipe,
        *,
        seed: int = 0,
        folder: Path | None = None,
        callbacks: Sequence[Callback] = (),
        parent: Mapping[str, Any] | None = None,
        resume: bool = False,
        step: Step | None = None,
        parts: Sequence[str] = (),
    ) -> None:
        self.problem, self.recipe, self.seed = problem, recipe, seed
        self.streams = Streams(seed)
        self.status: Status = "running"
        self.reason = ""
        self.step = 0
        self.epoch = 0
        self.batch_in_epoch = 0
        self.callbacks = list(callbacks)
        self._inside = False
        self.parent = dict(parent or {})
        self._assemble(step, parts)
        self.clock = Clock()
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.folder = folder
        self.recorder = Recorder(None if folder is None else RunFolder(folder))
        self.parts.update.note = self.recorder.note
        self._loss_column = self.recorder.column("loss")
        self._rate_column = self.recorder.column("lr")
        self._on_step = overriding(self.callbacks, "on_step")
        self.evaluated_at = -1
        self._left_out = 0
        self._waited = 0.0
        self._epoch_began = (0, time.perf_counter())
        self._good: dict[str, Any] | None = None
        self.checkpointer: Checkpointer | None = None
        if folder is not None:
            self.checkpointer = Checkpointer(folder, recipe.checkpoints, self.parts.plan.steps_per_epoch)
        if resume and folder is not None:
            restore(self, folder)
        if self.recorder.folder is not None:
            self.recorder.folder.write_info(self.info())
        for callback in overriding(self.callbacks, "on_start"):
            callback.on_start(self)

    def _assemble(self, step: Step | None, parts: Sequence[str]) -> None:
        with torch.random.fork_rng(devices=_devices()):
            self.parts: Assembly = assemble(self.problem, self.recipe, self.streams, step, parts)
            seed_torch(self.streams.noise)
            self._noise = NoiseState.now(self.parts.device)

    @property
    def model(self) -> torch.nn.Module:
        """The network in training; it takes scaled inputs."""
        return self.parts.model

    @property
    def optimizer(self) -> Any:
        """The optimizer, or the optimizers of a custom step."""
        return self.parts.optimizer

    @property
    def total_steps(self) -> int:
        """Planned length. [optimizer updates]"""
        return self.parts.plan.total_steps

    def stop(self, reason: str) -> None:
        """End the training after this step."""
        self._end("stopped", reason)

    def advance(self, until: int | None = None) -> bool:
        """Train until a number of updates, the end, or a stop; returns whether it still runs."""
        until = self.total_steps if until is None else min(until, self.total_steps)
        if self.status == "running" and self.step < until:
            try:
                with self._own_state():
                    self._advance(until)
            except KeyboardInterrupt:
                self._end("interrupted", "interrupted by the user")
                self.finish()
                raise
        if self.status == "running" and self.step >= self.total_steps:
            self._end("completed", "reached its planned end")
        return self.status == "running"

    def evaluate_now(self) -> list[Evaluation]:
        """Evaluate the validation split and the looked-at part of the training split."""
        if self.evaluated_at == self.step:
            return [row for row in self.recorder.evaluations if row.step == self.step]
        self.evaluated_at = self.step
        parts = self.parts
        with parts.evaluated_weights():
            rows = [self._evaluate(split, source) for split, source in parts.evaluated.items()]
            self.recorder.add_evaluations(rows)
            parts.keeper.observe(rows[-1], parts.model)
        if parts.plateau is not None:
            parts.plateau.observe(parts.keeper.value(rows[-1]))
        for callback in overriding(self.callbacks, "on_evaluation"):
            callback.on_evaluation(self, rows)
        return rows

    def loss_on_part(self, examples: int) -> float:
        """Mean loss on a fixed part of the training split, in eval mode; cheap, and not recorded."""
        part = sample(self.parts.evaluated["train"], examples)
        with self._own_state(), self.parts.evaluated_weights():
            return self._evaluate("train", part).loss

    def finish(self) -> Run:
        """Write the last records and return the run."""
        if self.status == "running":
            self._end("stopped", "ended before its planned end")
        with self._own_state():
            run = finish(self)
        for callback in overriding(self.callbacks, "on_end"):
            callback.on_end(self, run)
        return run

    def info(self) -> RunInfo:
        """The run's state in plain values."""
        parts = self.parts
        return RunInfo(
            problem=self.problem.facts(),
            recipe=self.recipe.to_dict(),
            seed=self.seed,
            status=self.status,
            reason=self.reason,
            started=self.started,
            seconds=round(self.clock.seconds, 4),
            steps=self.step,
            planned_steps=parts.plan.total_steps,
            steps_per_epoch=parts.plan.steps_per_epoch,
            best=parts.keeper.best,
            problem_spec=self.problem.spec,
            device=str(parts.device),
            threads=parts.threads,
            parent=self.parent,
            environment=environment(),
        )

    # -- the loop ---------------------------------------------------------------------------------------------

    def _advance(self, until: int) -> None:
        parts = self.parts
        if self.step == 0 and self.recipe.recording.initial:
            self.evaluate_now()
        parts.model.train()
        self._epoch_began, self._waited = (self.step, time.perf_counter()), 0.0
        while self.step < until and self.status == "running":
            groups = parts.feed.epoch(self.epoch, self.batch_in_epoch)
            while True:
                asked = time.perf_counter()
                group = next(groups, None)
                self._waited += time.perf_counter() - asked
                if group is None:
                    break
                self._update(group)
                if self.step in parts.plan.evaluation_steps:
                    self._look()
                if self.checkpointer is not None and self.checkpointer.due(self.step):
                    self.checkpoint()
                if self.step >= until or self.status != "running":
                    break
            if self.batch_in_epoch >= parts.plan.batches_per_epoch:
                self._end_of_epoch()
        self.recorder.flush_if_due()

    def _update(self, group: Sequence[Examples]) -> None:
        """One optimizer update over the batches of a group, and its record."""
        parts, step = self.parts, self.step
        rate = parts.set_rate(step)
        loss: float | Tensor = parts.update(group, step)
        if parts.reads_loss:
            loss = float(loss)
            if not math.isfinite(loss) and not parts.update.skipped:
                self._end("diverged", f"the training loss became {loss} at step {step}")
        self._loss_column[0].append(step)
        self._loss_column[1].append(loss)
        self._rate_column[0].append(step)
        self._rate_column[1].append(rate)
        for name, value in parts.update.looks:
            self.recorder.add(name, step, value)
        if parts.update.skipped:
            self._after_skip(step)
        self.step = step + 1
        self.batch_in_epoch += len(group)
        for callback in self._on_step:
            callback.on_step(self, loss if isinstance(loss, float) else math.nan)

    def _after_skip(self, step: int) -> None:
        """An update with a non-finite loss or gradient was left out: go on, go back, or give up."""
        self._left_out += 1
        policy = self.recipe.stopping.on_nonfinite
        self.recorder.note(event=f"{policy} of a non-finite update", step=step)
        if self._left_out > _MOST_LEFT_OUT:
            self._end("diverged", f"more than {_MOST_LEFT_OUT} updates were non-finite, the last at step {step}")
        elif policy == "rollback" and self._good is not None:
            self.parts.load_weights(self._good)

    def checkpoint(self) -> None:
        """Save the whole state in the run's folder; a failure is noted and the training goes on."""
        if self.checkpointer is None:
            return
        self.recorder.flush()
        try:
            self.checkpointer.save(self.step, state_of(self))
        except OSError as error:
            self.recorder.note(event="checkpoint failed", step=self.step, error=str(error))
            warnings.warn(f"a checkpoint could not be saved, the training goes on: {error}", stacklevel=2)

    def _look(self) -> None:
        """What is due at an evaluation: measure, keep, and decide whether to go on."""
        validation = self.evaluate_now()[-1]
        self.recorder.flush_if_due()
        keeper, stopping = self.parts.keeper, self.recipe.stopping
        if stopping.on_nonfinite == "rollback" and math.isfinite(validation.loss):
            self._good = self.parts.weights()
        if not math.isfinite(validation.loss) and not self.parts.finite():
            self._end("diverged", f"the weights became non-finite by step {self.step}")
        elif keeper.exhausted:
            self._end(
                "stopped", f"validation {keeper.watch} has not improved for {stopping.patience} evaluations (patience)"
            )
        elif stopping.seconds is not None and self.clock.seconds >= stopping.seconds:
            self._end("stopped", f"reached its limit of {stopping.seconds:g} seconds")

    def _evaluate(self, split: str, source: Source) -> Evaluation:
        parts = self.parts
        return evaluate(
            parts.model,
            source,
            problem=self.problem,
            loss=parts.plain_loss,
            split=split,
            step=self.step,
            epoch=self.step / parts.plan.steps_per_epoch,
            prepare=parts.prepare(source),
            unscale=parts.unscale(),
            autocast=parts.autocast or nullcontext,
            device=parts.device,
        )

    def _end_of_epoch(self) -> None:
        self.epoch += 1
        self.batch_in_epoch = 0
        self._record_speed()
        for callback in overriding(self.callbacks, "on_epoch"):
            callback.on_epoch(self)

    def _record_speed(self) -> None:
        """Throughput, time spent waiting for batches, and memory of the epoch, as series of one value an epoch."""
        now, step = time.perf_counter(), self.step - 1
        begun_at, begun_seconds = self._epoch_began
        examples = (self.step - begun_at) * self.parts.plan.batch_size * self.parts.plan.accumulate
        self.recorder.add("examples_per_second", step, examples / max(1e-9, now - begun_seconds))
        self.recorder.add("loader_seconds", step, self._waited)
        self.recorder.add("memory_bytes", step, float(peak_memory(self.parts.device)))
        self._epoch_began, self._waited = (self.step, time.perf_counter()), 0.0

    def _end(self, status: Status, reason: str) -> None:
        if self.status == "running":
            self.status, self.reason = status, reason

    def set_noise(self, noise: NoiseState) -> None:
        """Continue the noise stream from a state."""
        self._noise = noise

    @property
    def noise(self) -> NoiseState:
        """The run's noise stream as of now (inside a piece of work) or as it was left."""
        return NoiseState.now(self.parts.device) if self._inside else self._noise

    @contextmanager
    def _own_state(self) -> Iterator[None]:
        """This run's noise stream and threads; the caller's are as they were afterwards."""
        states = (torch.random.fork_rng(devices=_devices()), threads_set(self.parts.threads))
        with states[0], states[1], matmul_format(self.recipe.precision):
            self._noise.use()
            self._inside = True
            try:
                yield
            finally:
                self._inside = False
                self._noise = NoiseState.now(self.parts.device)


def _devices() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
