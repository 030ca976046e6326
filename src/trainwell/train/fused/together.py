"""Many runs side by side: in stacks where that works and pays, one by one elsewhere."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch

from trainwell.train.fused.choose import Choices
from trainwell.train.fused.grouping import groups, refuse_shared, why_alone
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.program import Program
from trainwell.train.fused.stack import Stack

Listener = Callable[[str], None]


class Together:
    """Runs that are advanced together, each with the records it would have alone.

    Args:
        lanes: Not begun yet.
        size: Runs of a stack; chosen by a short measurement where None.
        listener: Told once for each reason why runs are not trained as stacks, and what was chosen.
        choices: Of earlier runs, which are not measured again.

    Attributes:
        stacks: Runs that are trained as one.
        alone: Runs that are trained one by one.

    Raises:
        ProblemError: If the models of two runs hold the same parameter.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        *,
        size: int | None = None,
        listener: Listener | None = None,
        choices: Choices | None = None,
    ) -> None:
        refuse_shared(lanes)
        self.lanes = list(lanes)
        self.stacks: list[Stack] = []
        self.alone: list[Lane] = []
        self._sizes: dict[int, int] = {}
        self._said: set[str] = set()
        self._listener = listener
        self._choices = choices or Choices()
        able: list[Lane] = []
        for lane in lanes:
            reason = why_alone(lane)
            if reason:
                self._leave_alone([lane], reason)
            else:
                able.append(lane)
        for group in groups(able):
            self._plan(group, size)

    def _plan(self, group: Sequence[Lane], size: int | None) -> None:
        choice = self._choices.choose(group, size)
        if choice.program is None:
            self._leave_alone(group, choice.reason)
            return
        stacks = [group[a:b] for a, b in bounds_of(len(group), choice.size)]
        self._sizes[id(choice.program)] = choice.size
        many = "one stack" if len(stacks) == 1 else f"{len(stacks)} stacks of up to {max(map(len, stacks))}"
        self._say(f"{len(group)} runs in {many}: {choice.reason}")
        for part in stacks:
            if len(part) == 1:
                self._leave_alone(part, "it is the only run of its kind")
            else:
                self._stack(part, choice.program)

    def _stack(self, part: Sequence[Lane], program: Program) -> None:
        for lane in part:
            lane.note(event="fused", runs=len(part), program=program.name)
        self.stacks.append(Stack(part, program))

    def _leave_alone(self, lanes: Sequence[Lane], reason: str) -> None:
        self.alone.extend(lanes)
        if len(self.lanes) > 1:
            for lane in lanes:
                lane.note(event="not fused", reason=reason)
            self._say(f"not fused: {reason}")

    def _say(self, message: str) -> None:
        if self._listener is not None and message not in self._said:
            self._said.add(message)
            self._listener(message)

    def advance(self, until: int | None = None) -> None:
        """Train every run until a number of updates, or to its end.

        Raises:
            KeyboardInterrupt: After the runs in progress were marked as interrupted.
        """
        limit = max((lane.total_steps for lane in self.lanes), default=0) if until is None else until
        number = 0
        while number < len(self.stacks):
            try:
                self.stacks[number].advance(limit)
                number += 1
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or len(self.stacks[number]) < 2:
                    raise
                self._halve(number)
        self.gather()
        for lane in self.alone:
            lane.advance_alone(limit)

    def _halve(self, number: int) -> None:
        """Split a stack that does not fit into the memory."""
        stack = self.stacks[number]
        half = len(stack) // 2
        self._say(f"a stack of {len(stack)} runs does not fit into the memory: halved")
        self._sizes[id(stack.program)] = half
        self.stacks[number : number + 1] = stack.split([range(half), range(half, len(stack))])

    def evaluate_now(self) -> None:
        """Evaluate every run that is still in training."""
        for stack in self.stacks:
            stack.evaluate_now()
        for lane in self.alone:
            if lane.status == "running":
                lane.evaluate_now()

    def drop(self, lanes: Sequence[Lane], reason: str) -> None:
        """End some runs; `gather` takes them out of the tensors."""
        for lane in lanes:
            lane.stop(reason)

    def gather(self) -> None:
        """Take runs that have ended out of the tensors, join stacks that became small, and let single runs go alone."""
        for stack in self.stacks:
            stack.keep([k for k, lane in enumerate(stack.lanes) if lane.status == "running"])
        self.alone = [lane for lane in self.alone if lane.status == "running"]
        by_kind: dict[tuple[int, int], list[Stack]] = {}
        for stack in self.stacks:
            if len(stack):
                by_kind.setdefault((id(stack.program), stack.step), []).append(stack)
        self.stacks = []
        for stacks in by_kind.values():
            size = self._sizes[id(stacks[0].program)]
            runs = sum(map(len, stacks))
            if len(stacks) > math.ceil(runs / size):
                whole = Stack.joined(stacks)
                bounds = bounds_of(runs, size)
                stacks = whole.split([range(a, b) for a, b in bounds]) if len(bounds) > 1 else [whole]
            for stack in stacks:
                if len(stack) >= stack.fewest:
                    self.stacks.append(stack)
                else:
                    self.alone += [stack.hand_over(0) for _ in range(len(stack))]

    def release(self) -> None:
        """Let every run go on alone: its model, optimizer and average are its own, as after `Training.advance`."""
        for stack in self.stacks:
            self.alone += [stack.hand_over(0) for _ in range(len(stack))]
        self.stacks = []

    @property
    def running(self) -> list[Lane]:
        """Runs that are still in training."""
        return [lane for lane in self.lanes if lane.status == "running"]


def bounds_of(runs: int, size: int) -> list[tuple[int, int]]:
    """Split runs into as few parts as the size allows, as even as they can be: first and last + 1 of each."""
    count = math.ceil(runs / max(1, size))
    edges = [round(i * runs / count) for i in range(count + 1)]
    return list(itertools.pairwise(edges))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory does not suffice."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        text in str(error) for text in ("out of memory", "can't allocate memory")
    )
