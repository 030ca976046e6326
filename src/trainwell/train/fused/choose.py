"""How a group of runs is trained: in stacks of which size, or one by one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch

from trainwell.train.fused.dropping import dropouts_of
from trainwell.train.fused.folded import FoldedProgram
from trainwell.train.fused.grouping import key_of
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.matmul import MatmulProgram
from trainwell.train.fused.program import Program, VmapProgram
from trainwell.train.fused.trial import refusal, saved_bytes, seconds_alone, seconds_stacked

_LARGEST = 64
_CACHED = (
    6 * 2**20
)  # bytes of a stack; measured: best are 16 to 32 runs of digits, 8 to 16 of spambase, 2 to 4 of a CNN
_WORTH_MEASURING = 0.2  # seconds of planned work
_SHARE = 0.03  # of the planned work, stacked, may go into measuring
_MANY = 4  # runs that are fused without measuring
_TOO_FEW = "too little work to measure, and so few runs may be quicker one by one"
_GAIN = 0.95  # a stack must take less than this share of the time alone
_MEMORY_SHARE = 0.5  # of the free memory
_COPIES = 6  # of the parameters: values, gradients, state, kept weights


@dataclass(frozen=True)
class Choice:
    """What was chosen for a group of runs.

    Attributes:
        program: How stacks compute; None for one by one.
        size: Runs of a stack.
        reason: Why so, in one sentence.
    """

    program: Program | None
    size: int
    reason: str


@dataclass
class Choices:
    """What was chosen for kinds of runs, so that groups of one kind, one after another, are measured once."""

    _known: dict[Hashable, tuple[int, Choice]] = field(default_factory=dict)

    def choose(self, lanes: Sequence[Lane], size: int | None = None) -> Choice:
        """Choose as `choose` does, unless that was done for so many runs of the kind."""
        key = key_of(lanes[0]), size
        runs, choice = self._known.get(key, (0, None))
        if choice is not None and len(lanes) > 1 and (len(lanes) <= runs or choice.size < runs):
            return choice
        found = choose(lanes, size)
        if len(lanes) > 1 and found.reason != _TOO_FEW:
            self._known[key] = len(lanes), found
        return found


def choose(lanes: Sequence[Lane], size: int | None = None) -> Choice:
    """Choose by a trial step and a short measurement.

    Args:
        lanes: Runs that may share a stack.
        size: Runs of a stack, to skip the measurement.
    """
    runs = len(lanes)
    if runs < 2 or size == 1:
        return Choice(None, 1, "it is the only run of its kind" if runs < 2 else "stacks of one run were asked for")
    program, reason = _program_for(lanes)
    if program is None:
        return Choice(None, 1, reason)
    most = max(1, min(runs, most_in_memory(lanes[0])))
    if most < 2:
        return Choice(None, 1, "two of these runs do not fit into the memory")
    if size is not None:
        return Choice(program, min(size, most), "its size was asked for")
    return _measured(program, lanes, most)


def _program_for(lanes: Sequence[Lane]) -> tuple[Program | None, str]:
    """The first program that passes the trial step, or the reason against the most general one."""
    lane = lanes[0]
    reason = ""
    makers: list[Callable[[], Program]] = []
    if MatmulProgram.suits(lane):
        makers.append(lambda: MatmulProgram(lane))
    if FoldedProgram.suits(lane):
        makers.append(lambda: FoldedProgram(lane))
    autocast = lane.parts.autocast or nullcontext
    makers.append(lambda: VmapProgram(lane.model, autocast))
    dropouts = [dropouts_of(other.model) for other in lanes]
    if dropouts[0] and all(found == dropouts[0] for found in dropouts):  # a model may look at its layer's probability
        makers.append(lambda: VmapProgram(lane.model, autocast, own_dropout=False))
    for make in makers:
        reason = refusal(make, lanes)
        if not reason:
            return make(), ""
    return None, reason


def _measured(program: Program, lanes: Sequence[Lane], most: int) -> Choice:
    planned_steps = sum(lane.total_steps - lane.step for lane in lanes)
    alone = seconds_alone(lanes[0])
    planned = planned_steps * alone
    if planned < _WORTH_MEASURING:
        if len(lanes) < _MANY and not isinstance(program, MatmulProgram):
            return Choice(None, 1, _TOO_FEW)
        return Choice(program, min(likely_size(lanes[0]), most), "too little work to measure")
    found: dict[int, float] = {}
    begin = time.perf_counter()
    for size in _candidates(likely_size(lanes[0]), most):
        found[size] = seconds_stacked(program, lanes[:size])
        if time.perf_counter() - begin > _SHARE * planned_steps * min(alone, *found.values()):
            break
    best = min(found, key=lambda s: found[s])
    said = f"{found[best] * 1e6:.0f} us a step and run in stacks of {best}, {alone * 1e6:.0f} us alone"
    if found[best] > _GAIN * alone:
        return Choice(None, 1, f"one by one is as quick: {said}")
    return Choice(program, best, f"measured: {said}")


def likely_size(lane: Lane) -> int:
    """The size of a stack that fits the caches; a power of two. On a GPU the largest."""
    if lane.parts.device.type != "cpu":
        return _LARGEST
    state = 4 * sum(p.numel() * p.element_size() for p in lane.model.parameters())
    runs = _CACHED // max(1, saved_bytes(lane) + state)
    return max(2, min(_LARGEST // 2, 1 << (int(runs).bit_length() - 1) if runs else 2))


def _candidates(likely: int, most: int) -> list[int]:
    """Sizes to measure, the likely one first, then its neighbours."""
    sizes = [likely, likely * 2, likely // 2, likely * 4, likely // 4]
    return list(dict.fromkeys(min(s, most) for s in sizes if 2 <= s <= _LARGEST))


def most_in_memory(lane: Lane) -> int:
    """How many runs of a kind fit into half of the free memory."""
    own = sum(p.numel() * p.element_size() for p in lane.model.parameters()) * _COPIES
    each = own + 2 * saved_bytes(lane)
    return int(_MEMORY_SHARE * free_memory(lane.parts.device) // max(1, each))


def free_memory(device: torch.device) -> int:
    """Free memory of a device. [bytes]"""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 4 * 2**30
