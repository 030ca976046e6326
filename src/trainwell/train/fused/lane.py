"""One run among those of a stack: a training whose updates are made together with those of others."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from trainwell.problem.targets import known_targets
from trainwell.records import Evaluation
from trainwell.train.assembly import weights_of
from trainwell.train.callbacks import overriding
from trainwell.train.precision import peak_memory
from trainwell.train.run import Run
from trainwell.train.stopping import Clock
from trainwell.train.training import Training


@dataclass
class ShareClock(Clock):
    """Seconds of a run among others: what was spent on it alone, and its equal share of what its stack took."""

    share: float = 0.0
    resumed: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        ticking = 0.0 if self.resumed is None else time.monotonic() - self.resumed
        return self.earlier_seconds + self.share + ticking

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Count the time inside the block."""
        self.resumed = time.monotonic()
        try:
            yield
        finally:
            self.share += time.monotonic() - self.resumed
            self.resumed = None


@dataclass
class StateView:
    """Stands for a model where its state is copied: one run's rows of stacked tensors.

    Attributes:
        tensors: By key of the model's state, (K, ...).
        run: Which row.
    """

    tensors: Mapping[str, Tensor]
    run: int

    def state_dict(self) -> dict[str, Tensor]:
        """Names and values, as `nn.Module.state_dict` gives them."""
        return {name: tensor[self.run] for name, tensor in self.tensors.items()}


class Lane(Training):
    """A training that a stack can carry.

    Its records, keeper and end are those of any training; `advance` still trains it alone.

    Attributes:
        carried: Whether a stack makes its updates.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.clock: ShareClock = ShareClock(earlier_seconds=self.clock.seconds)
        self.carried = False
        self._run: Run | None = None

    def finish(self) -> Run:
        """Write the last records and return the run; once."""
        if self._run is None:
            self._run = super().finish()
        return self._run

    def carry(self, carried: bool) -> None:
        """Be carried by a stack, or not any more."""
        if carried and not self.carried:
            self._epoch_began = (self.step, self.clock.seconds)
        self.carried = carried

    def _record_speed(self) -> None:
        """Throughput of the epoch by the run's share of the time; a stack waits for no loader."""
        if not self.carried:
            super()._record_speed()
            return
        step, (begun_at, begun_seconds) = self.step - 1, self._epoch_began
        examples = (self.step - begun_at) * self.parts.plan.batch_size * self.parts.plan.accumulate
        seconds = self.clock.seconds - begun_seconds
        self.recorder.add("examples_per_second", step, examples / max(1e-9, seconds))
        self.recorder.add("loader_seconds", step, 0.0)
        self.recorder.add("memory_bytes", step, float(peak_memory(self.parts.device)))
        self._epoch_began = (self.step, self.clock.seconds)

    def advance_alone(self, until: int) -> None:
        """Train without a stack until a number of updates."""
        with self.clock.ticking():
            self.advance(until)

    def spend(self, seconds: float) -> None:
        """Count seconds of the stack."""
        self.clock.share += seconds

    def class_weights(self) -> Tensor | None:
        """Class weights of the loss, (classes,), or None."""
        return weights_of(self.problem, self.recipe, known_targets(self.problem.train))

    @property
    def trained_names(self) -> list[str]:
        """Names of the trained parameters, in the order of the optimizer."""
        names = {id(p): name for name, p in self.model.named_parameters()}
        return [names[id(p)] for group in self.optimizer.param_groups for p in group["params"]]

    def multipliers(self, first: int, last: int) -> list[float]:
        """Multipliers of the rate for the steps of a range, as the schedule has them now."""
        schedule, plateau = self.parts.schedule, self.parts.plateau
        factor = 1.0 if plateau is None else plateau.multiplier
        return [schedule(step) * factor for step in range(first, last)]

    def record(self, first: int, losses: Sequence[float], rates: Sequence[float]) -> None:
        """Take the losses and rates of consecutive steps."""
        steps = range(first, first + len(losses))
        for (at, values), new in ((self._loss_column, losses), (self._rate_column, rates)):
            at.extend(steps)
            values.extend(new)
        self.step = first + len(losses)

    def diverge(self, loss: float) -> None:
        """End because the loss of the last recorded step is not finite."""
        self._end("diverged", f"the training loss became {loss} at step {self.step - 1}")

    def stepped(self, loss: float) -> None:
        """Tell callbacks of an update."""
        for callback in self._on_step:
            callback.on_step(self, loss)

    def interrupt(self) -> None:
        """End because the user said so."""
        self._end("interrupted", "interrupted by the user")

    @property
    def follows_steps(self) -> bool:
        """Whether a callback wants every step."""
        return bool(self._on_step)

    def at(self, epoch: int, batch_in_epoch: int) -> None:
        """Stand at a place in the data; tells callbacks where an epoch ended."""
        while self.epoch < epoch:
            self._end_of_epoch()
        self.batch_in_epoch = batch_in_epoch

    def take(self, rows: Sequence[Evaluation], model: nn.Module | StateView) -> None:
        """Take an evaluation that the stack made, as `evaluate_now` takes its own."""
        self.evaluated_at = self.step
        self.recorder.add_evaluations(list(rows))
        self.parts.keeper.observe(rows[-1], model)  # type: ignore[arg-type]
        if self.parts.plateau is not None:
            self.parts.plateau.observe(self.parts.keeper.value(rows[-1]))
        for callback in overriding(self.callbacks, "on_evaluation"):
            callback.on_evaluation(self, rows)

    def judge(self) -> None:
        """Decide after an evaluation whether to go on."""
        validation = self.recorder.evaluations[-1]
        self.recorder.flush_if_due()
        keeper, stopping = self.parts.keeper, self.recipe.stopping
        if not math.isfinite(validation.loss) and not self.parts.finite():
            self._end("diverged", f"the weights became non-finite by step {self.step}")
        elif keeper.exhausted:
            self._end(
                "stopped", f"validation {keeper.watch} has not improved for {stopping.patience} evaluations (patience)"
            )

    def complete(self) -> None:
        """End where the planned length is reached."""
        if self.step >= self.total_steps:
            self._end("completed", "reached its planned end")

    def note(self, **what: Any) -> None:
        """Write a note into the record."""
        self.recorder.note(**what)
