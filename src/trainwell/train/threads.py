"""Number of intra-op threads of a run: small networks train fastest on one.

On a shared two-core machine two OpenMP threads were up to ten times slower than one for an MLP of 10,000
parameters (own measurement: threads that wait for each other spin). A setting of the user is never touched.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import torch
from torch import Tensor, nn
from torch.autograd import backward

_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TRAINWELL_THREADS")
_SMALL_WORK = 20_000_000  # parameters times batch size: below it one thread wins without measuring
_measured: dict[object, int] = {}


def set_by_user() -> bool:
    """Whether the user chose the number of threads, by environment or by `torch.set_num_threads`."""
    if any(os.environ.get(name) for name in _SETTINGS):
        return True
    return torch.get_num_threads() != _DEFAULT


_DEFAULT = torch.get_num_threads()


def choose_threads(
    wanted: int, model: nn.Module, loss: Callable[[nn.Module], Tensor], batch_size: int, key: object
) -> int:
    """Choose the number of threads for a run on a CPU.

    Args:
        wanted: The recipe's `precision.threads`; 0 means choose.
        model: Measured on a copy; not changed.
        loss: Loss of a model on one batch, for the measurement.
        batch_size: Examples of that batch.
        key: Runs with an equal key share one measurement in this process.

    Returns:
        Threads, at least 1.
    """
    if wanted:
        return wanted
    available = torch.get_num_threads()
    if available == 1 or set_by_user():
        return available
    plain = all(not isinstance(m, nn.modules.conv._ConvNd | nn.RNNBase) for m in model.modules())
    if plain and sum(p.numel() for p in model.parameters()) * batch_size < _SMALL_WORK:
        return 1
    if key not in _measured:
        _measured[key] = _fastest(model, loss, available)
    return _measured[key]


def _fastest(model: nn.Module, loss: Callable[[nn.Module], Tensor], available: int) -> int:
    trial = copy.deepcopy(model)
    seconds: dict[int, list[float]] = {1: [], available: []}
    with torch.random.fork_rng(devices=[]):
        for _ in range(4):
            for threads in seconds:
                with threads_set(threads):
                    begin = time.perf_counter()
                    backward(loss(trial))
                    seconds[threads].append(time.perf_counter() - begin)
    # More threads must be clearly faster: on a busy machine they are not free.
    return available if median(seconds[available][1:]) < 0.8 * median(seconds[1][1:]) else 1


@contextmanager
def threads_set(threads: int) -> Iterator[None]:
    """Use a number of intra-op threads inside the block."""
    before = torch.get_num_threads()
    if before != threads:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if before != threads:
            torch.set_num_threads(before)
