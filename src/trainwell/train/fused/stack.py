"""K runs of one model trained as one: the loop over steps that all of them share."""

from __future__ import annotations

import copy
import math
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from trainwell.data import Examples
from trainwell.optim.stacks import stacked_groups
from trainwell.records import Evaluation
from trainwell.train.evaluate import weight_of
from trainwell.train.fused.average import StackedAverage
from trainwell.train.fused.evaluation import evaluate_runs
from trainwell.train.fused.feed import StackedBatch, StackedFeed, stack_examples
from trainwell.train.fused.lane import Lane, StateView
from trainwell.train.fused.limits import Limits
from trainwell.train.fused.losses import StackedLoss
from trainwell.train.fused.moving import carry_state, copy_runs, give_state
from trainwell.train.fused.program import Program, vectorisable
from trainwell.train.fused.tensors import Tensors, detach
from trainwell.train.fused.update import update_, update_ratios
from trainwell.train.noise import NoiseState
from trainwell.train.precision import matmul_format
from trainwell.train.threads import threads_set

_FLUSH_STEPS = 256  # losses and norms are kept in tensors for so many steps at most


class Stack:
    """Runs that are trained as one. A run that ends leaves; its weights and records are then those of any run.

    Args:
        lanes: Runs at the same step that agree in all but numbers (`grouping`).
        program: How gradients and outputs are computed.

    Attributes:
        fewest: With fewer runs `advance` stops: a single run is trained faster by itself.
    """

    fewest = 2

    def __init__(self, lanes: Sequence[Lane], program: Program) -> None:
        self._begin(lanes, program)
        self._noise = lanes[0].noise

    def _begin(self, lanes: Sequence[Lane], program: Program) -> None:
        self.lanes = list(lanes)
        self.program = program
        first = lanes[0]
        self.problem, self.parts = first.problem, first.parts
        self.plan = first.parts.plan
        self.step, self.epoch, self.batch = first.step, first.epoch, first.batch_in_epoch
        recipes = [lane.recipe for lane in lanes]
        device = self.parts.device
        groups = stacked_groups(
            first.model, [r.optimizer for r in recipes], [r.parameters for r in recipes], device=device
        )
        models = [lane.model for lane in lanes]
        self.tensors = Tensors.of(models, groups)
        self.tensors.attach(models)
        self.loss = StackedLoss.of(
            self.problem, [r.loss for r in recipes], [lane.class_weights() for lane in lanes], device
        )
        self.average = StackedAverage(
            [r.averaging for r in recipes], [lane.total_steps for lane in lanes], self.plan.steps_per_epoch
        )
        self._names = _state_names(first)
        for lane in lanes:
            lane.carry(True)
        self._losses: list[Tensor] = []
        self._looks: list[tuple[str, int, Tensor]] = []
        self._multipliers: list[list[float]] = []
        self._began = self.step
        self._clock = time.monotonic()
        self._arrange()

    def __len__(self) -> int:
        return len(self.lanes)

    def _arrange(self) -> None:
        """Work out what depends on which runs there are."""
        lanes = self.lanes
        self.feed = StackedFeed([lane.parts.feed for lane in lanes])
        self._groups: Iterator[list[StackedBatch]] | None = None
        self._every_step = any(lane.follows_steps for lane in lanes)
        self._stops = {tuple(sorted({*lane.parts.plan.evaluation_steps, lane.total_steps})) for lane in lanes}
        self.limits = Limits(lanes, self.parts.device)
        self._augmented = any(lane.parts.update.augment is not None for lane in lanes)

    # -- the loop ---------------------------------------------------------------------------------------------

    def advance(self, until: int) -> None:
        """Train until a number of updates; runs that end leave."""
        if not self.lanes:
            return
        try:
            with self._own_state():
                self._clock = time.monotonic()
                if self.step == 0:
                    unseen = [lane.evaluated_at != 0 and lane.recipe.recording.initial for lane in self.lanes]
                    self._evaluate([k for k, wanted in enumerate(unseen) if wanted])
                    self._leave()
                while len(self.lanes) >= self.fewest and self.step < until:
                    self._segment(until)
        except KeyboardInterrupt:
            for lane in self.lanes:
                lane.interrupt()
            self._flush()
            self._leave()
            raise

    def _segment(self, until: int) -> None:
        """Train up to the next step at which some run is looked at, or ends, or at which an epoch ends."""
        lanes = self.lanes
        end = self._next_stop(until)
        self._began = self.step
        self._multipliers = [lane.multipliers(self.step, end) for lane in lanes]
        columns = list(zip(*self._multipliers, strict=True))
        reads = self.parts.reads_loss
        for multipliers in columns:
            group = self._next_group()
            try:
                losses = self._update(group, multipliers)
            except BaseException:  # as if this step had not been begun
                self.batch, self._groups = self.batch - len(group), None
                self._flush()
                raise
            self._losses.append(losses)
            self.step += 1
            if reads and not math.isfinite(float(losses.sum())):
                break
        self._flush()
        running = [k for k, lane in enumerate(lanes) if lane.status == "running"]
        due = [k for k in running if self.step in lanes[k].parts.plan.evaluation_steps]
        if due:
            self._evaluate(due)
            for k in due:
                lanes[k].judge()
        if self.batch >= self.plan.batches_per_epoch:
            self.epoch, self.batch, self._groups = self.epoch + 1, 0, None
        for lane in lanes:
            lane.at(self.epoch, self.batch)
            lane.complete()
        self._leave()

    def _next_stop(self, until: int) -> int:
        """The step of the next evaluation, end of a run, end of an epoch, or flush."""
        if self._every_step:
            return self.step + 1
        left = -(-(self.plan.batches_per_epoch - self.batch) // self.plan.accumulate)
        stops = {until, self.step + left, self.step + _FLUSH_STEPS}
        for planned in self._stops:
            stops.update(planned[bisect_right(planned, self.step) :][:1])
        return min(stops)

    def _next_group(self) -> list[StackedBatch]:
        if self._groups is None:
            self._groups = self.feed.epoch(self.epoch, self.batch)
        group = next(self._groups)
        self.batch += len(group)
        return group

    # -- one update -------------------------------------------------------------------------------------------

    def _update(self, group: Sequence[StackedBatch], multipliers: Sequence[float]) -> Tensor:
        """One update of every run; returns the losses before it, (K,)."""
        if self._augmented:
            group = [self._augment(batch) for batch in group]
        losses = self._gradients(group)
        tensors, step, every = self.tensors, self.step, self.parts.recipe.recording.gradients_every
        with torch.no_grad():
            norms = self.limits.gradients_(tensors, step, looking=step % every == 0)
            if norms is not None:
                self._looks.append(("gradient_norm", step, norms))
            before = [rows.clone() for rows in tensors.rows] if step % (5 * every) == 0 else None
            for block in tensors.blocks:
                update_(block, multipliers, step)
            if before is not None:
                self._looks.append(("update_ratio", step, update_ratios(before, tensors.rows)))
            self.limits.weights_(tensors)
            if self.average.used:
                self.average.update(step, tensors.averaged)
        return losses

    def _gradients(self, group: Sequence[StackedBatch]) -> Tensor:
        gradients = self.program.gradients
        if len(group) == 1:
            return gradients(self.tensors, group[0].examples, group[0].shared, self.loss, None, True)
        weights = [self._weights(batch) for batch in group]
        total = torch.stack(weights).sum(0)
        losses: Tensor | None = None
        for batch, weight in zip(group, weights, strict=True):
            part = gradients(self.tensors, batch.examples, batch.shared, self.loss, weight / total, losses is None)
            losses = part if losses is None else losses + part
        assert losses is not None
        return losses

    def _weights(self, batch: StackedBatch) -> Tensor:
        device = self.parts.device
        if batch.shared:
            return torch.full((len(self),), weight_of(batch.examples), device=device)
        return torch.tensor([weight_of(batch.of_run(k)) for k in range(len(self))], device=device)

    def _augment(self, batch: StackedBatch) -> StackedBatch:
        """Each run's own augmentation on its own batch, from its own noise."""
        found: list[Examples] = []
        for k, lane in enumerate(self.lanes):
            augment = lane.parts.update.augment
            own = batch.of_run(k)
            found.append(own if augment is None else augment(own))
        return StackedBatch(stack_examples(found), False, batch.size)

    # -- records ----------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Give the runs what was recorded since the last time."""
        now = time.monotonic()
        for lane in self.lanes:
            lane.spend((now - self._clock) / len(self.lanes))
        self._clock = now
        if not self._losses:
            return
        losses_KS = torch.stack(self._losses, 1).double().cpu().tolist()
        looks = [(name, step, values.double().cpu().tolist()) for name, step, values in self._looks]
        self._losses, self._looks = [], []
        every, clipped = self.parts.recipe.recording.gradients_every, self.limits.clipped
        for k, lane in enumerate(self.lanes):
            losses = losses_KS[k]
            lane.record(self._began, losses, [lane.parts.lr * m for m in self._multipliers[k][: len(losses)]])
            for name, step, values in looks:
                if step % every == 0 or k in clipped:
                    lane.recorder.add(name, step, values[k])
            if self.parts.reads_loss and not math.isfinite(losses[-1]):
                lane.diverge(losses[-1])
            lane.stepped(losses[-1])
        self._began = self.step

    # -- evaluation -------------------------------------------------------------------------------------------

    def evaluate_now(self) -> None:
        """Evaluate the runs that were not evaluated at this step."""
        with self._own_state():
            self._evaluate([k for k, lane in enumerate(self.lanes) if lane.evaluated_at != self.step])

    def _evaluate(self, runs: Sequence[int] | range) -> None:
        if not len(runs):
            return
        tensors = self.tensors
        if self.average.used:
            tensors = tensors.with_averaged(self.average.rows(tensors.averaged))
        if len(runs) < len(self):
            tensors = tensors.select(torch.tensor(list(runs), device=self.parts.device))
        rows: list[list[Evaluation]] = [[] for _ in runs]
        by_problem: dict[int, list[int]] = {}
        for place, k in enumerate(runs):
            by_problem.setdefault(id(self.lanes[k].problem), []).append(place)
        for places in by_problem.values():
            lane = self.lanes[runs[places[0]]]
            own = (
                tensors if len(places) == len(runs) else tensors.select(torch.tensor(places, device=lane.parts.device))
            )
            for split, source in lane.parts.evaluated.items():
                assert isinstance(source, Examples)
                found = evaluate_runs(
                    self.program,
                    own,
                    source,
                    problem=lane.problem,
                    loss=lane.parts.plain_loss,
                    batch_size=self.plan.batch_size,
                    split=split,
                    step=self.step,
                    epoch=self.step / self.plan.steps_per_epoch,
                    unscale=lane.parts.unscale(),
                )
                for place, row in zip(places, found, strict=True):
                    rows[place].append(row)
        named = {**tensors.parameters, **tensors.buffers}
        for place, k in enumerate(runs):
            view = StateView({key: named[name] for key, name in self._names.items()}, place)
            self.lanes[k].take(rows[place], view)

    # -- moving -----------------------------------------------------------------------------------------------

    def split(self, parts: Sequence[Sequence[int]]) -> list[Stack]:
        """The same runs as several stacks."""
        pieces = []
        for runs in parts:
            piece = copy.copy(self)
            piece._losses, piece._looks = [], []
            piece._select(list(runs))
            pieces.append(piece)
        return pieces

    @classmethod
    def joined(cls, stacks: Sequence[Stack]) -> Stack:
        """The runs of several stacks at the same step as one."""
        first = stacks[0]
        joined = cls.__new__(cls)
        old, averages = [s.tensors for s in stacks], [s._averages for s in stacks]
        joined._begin([lane for s in stacks for lane in s.lanes], first.program)
        carry_state(old, joined.tensors)
        if joined.average.used and any(s.average.averages for s in stacks):
            joined.average.counts = [count for s in stacks for count in s.average.counts]
            joined.average.averages = [t.clone() for t in joined.tensors.averaged]
            copy_runs(averages, joined._averages)
        joined._noise = first._noise
        return joined

    def hand_over(self, k: int) -> Lane:
        """Let one run leave that goes on alone: its own optimizer and average continue from here."""
        lane = self.lanes[k]
        detach(lane.model)
        give_state(self.tensors, k, lane.model, lane.optimizer, self.step)
        if lane.parts.average is not None:
            own, model = self._averages, lane.model
            values = [own.parameters[name][k] for name, _ in model.named_parameters()]
            values += [own.buffers[name][k] for name, b in model.named_buffers() if b.is_floating_point()]
            lane.parts.average.load_state_dict({"count": self.average.counts[k], "average": values})
        lane.set_noise(self._noise)
        self.keep([other for other in range(len(self.lanes)) if other != k])
        return lane

    @property
    def _averages(self) -> Tensors:
        """The averages by name; the weights themselves where there are none yet."""
        return self.tensors.with_averaged(self.average.averages or self.tensors.averaged)

    def _leave(self) -> None:
        """Take the runs that have ended out of the stacked tensors."""
        if any(lane.status != "running" for lane in self.lanes):
            self.keep([k for k, lane in enumerate(self.lanes) if lane.status == "running"])

    def keep(self, runs: Sequence[int]) -> None:
        """Go on with some of the runs; the others get tensors of their own."""
        kept = set(runs)
        if len(kept) == len(self.lanes):
            return
        for k, lane in enumerate(self.lanes):
            if k not in kept:
                detach(lane.model)
                lane.carry(False)
        self._select(runs)

    def _select(self, runs: Sequence[int]) -> None:
        self.lanes = [self.lanes[k] for k in runs]
        if not self.lanes:
            return
        index = torch.tensor(list(runs), device=self.parts.device)
        self.tensors = self.tensors.select(index)
        self.loss = self.loss.select(index)
        self.average = self.average.select(runs)
        self.tensors.attach([lane.model for lane in self.lanes])
        self._arrange()

    @contextmanager
    def _own_state(self) -> Iterator[None]:
        """The stack's noise stream, threads and implementations; the caller's are as they were afterwards."""
        devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
        states = (torch.random.fork_rng(devices=devices), threads_set(self.parts.threads), vectorisable())
        with states[0], states[1], states[2], matmul_format(self.parts.recipe.precision):
            self._noise.use()
            try:
                yield
            finally:
                self._noise = NoiseState.now(self.parts.device)


def _state_names(lane: Lane) -> Mapping[str, str]:
    """From the keys of a model's state to the names of its parameters and buffers (tied ones have several keys)."""
    model = lane.model
    owners = {id(t): name for named in (model.named_parameters(), model.named_buffers()) for name, t in named}
    return {key: owners[id(t)] for key, t in model.state_dict(keep_vars=True).items()}
