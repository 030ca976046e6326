"""The batch size: the largest that fits, the fastest, and the one up to which more examples still help."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainwell.data import Examples
from trainwell.errors import UsageError
from trainwell.optim.build import build_optimizer
from trainwell.problem import Problem
from trainwell.problem.targets import known_targets
from trainwell.recipe import Recipe
from trainwell.records import BatchSizes, NoiseScale
from trainwell.seeding import stream_seed
from trainwell.train import Training
from trainwell.train.assembly import weights_of
from trainwell.train.fused.choose import free_memory
from trainwell.train.losses import loss_of, training_loss
from trainwell.train.threads import threads_set
from trainwell.train.update import Update

_SMALLEST, _LARGEST = 8, 65_536
_MEMORY = 0.5  # of the free memory
_REPEATS = 3
_CHUNKS = 8  # the larger batch of the noise scale is so many of the smaller ones
_DRAWS = 24
_AS_FAST = 0.9  # of the highest throughput
# Adaptive steps do not grow with the gradient: their rate follows the root of the batch (Malladi et al. 2022).
_LINEAR = ("sgd",)


def batch_sizes(problem: Problem, recipe: Recipe | None = None, *, seed: int = 0, steps: int = 50) -> BatchSizes:
    """Measure which batch sizes fit, are fast, and are useful.

    Nothing is tried that does not fit: memory is extrapolated from what two small batches keep for the backward pass.

    Args:
        problem: What is to be learned; its training split must be in memory.
        recipe: Its batch size is the present one, its rate the one that is rescaled.
        steps: Updates before the noise scale is measured: at the initial weights it is too small. [optimizer updates]

    Raises:
        UsageError: If the training data are streamed.
        RecipeError: If the recipe does not fit the problem.
    """
    recipe = recipe or Recipe()
    if not isinstance(problem.train, Examples):
        raise UsageError("`problem` must have its training data in memory for this, got a stream. Pass in_memory=True")
    training = Training(problem, recipe.with_({"steps": steps + 1, "recording.initial": False}), seed=seed)
    probe = _Probe(problem, training)
    largest = probe.largest()
    sizes = [size for size in _powers() if size <= largest]
    throughput = tuple((size, probe.examples_per_second(size)) for size in sizes)
    most = max(speed for _, speed in throughput)
    fastest = next(size for size, speed in throughput if speed >= _AS_FAST * most)
    training.advance(steps)
    noise = probe.noise_scale(seed, steps)
    return _advised(recipe, largest, fastest, throughput, noise)


def _advised(
    recipe: Recipe, largest: int, fastest: int, throughput: tuple[tuple[int, float], ...], noise: NoiseScale
) -> BatchSizes:
    present = recipe.batch_size
    told = noise.interval is not None and math.isfinite(noise.value)
    useful = [size for size in _powers() if size <= largest and told and size <= noise.value]
    suggestion = useful[-1] if useful else sizes_of(throughput)[0] if told else present
    changes: dict[str, Any] = {}
    if not told:
        reason = "the gradient noise scale could not be told from the noise of its own estimate: the size stays"
    else:
        reason = f"batches up to the noise scale of about {noise.value:.0f} examples save steps nearly in proportion"
    if suggestion != present:
        changes["batch_size"] = suggestion
        rate = getattr(recipe.optimizer, "lr", None)
        if rate is not None:
            changes["optimizer.lr"], said = rescaled(recipe.optimizer.name, rate, present, suggestion)
            reason += f"; {said}"
    return BatchSizes(present, largest, fastest, throughput, noise, suggestion, changes, reason)


def sizes_of(throughput: Sequence[tuple[int, float]]) -> list[int]:
    """The sizes that were timed."""
    return [size for size, _ in throughput]


def rescaled(optimizer: str, rate: float, present: int, wanted: int) -> tuple[float, str]:
    """The learning rate for another batch size, and why.

    Source:
        Goyal et al. 2017 (linear, for SGD); Malladi et al. 2022 (square root, for adaptive methods).
    """
    linear = optimizer in _LINEAR
    factor = wanted / present if linear else math.sqrt(wanted / present)
    found = float(f"{rate * factor:.4g}")
    rule = "in proportion to the batch size (Goyal et al. 2017)" if linear else "by its root (Malladi et al. 2022)"
    return found, f"the learning rate goes from {rate:.3g} to {found:.3g}, {rule}: a rule of thumb, tune it"


def noise_scale(small: Sequence[float], large: Sequence[float], size: int, chunks: int) -> tuple[float, Any]:
    r"""Gradient noise scale from squared lengths of gradients of two batch sizes.

    $$ \widehat{|G|^2} = \frac{B |G_B|^2 - b |G_b|^2}{B - b}, \qquad
       \widehat{\mathrm{tr} S} = \frac{|G_b|^2 - |G_B|^2}{1/b - 1/B} $$

    Both are unbiased and are averaged over draws before one is divided by the other, since a ratio of single draws is
    biased and may be negative.

    Args:
        small: Mean squared length over the small batches of each draw, (D,).
        large: Squared length of the gradient of all of them together, (D,).
        size: Of a small batch, b. [examples]
        chunks: Small batches in a large one, B / b.

    Returns:
        The scale, NaN where the mean squared gradient is not above zero; and its jackknife interval at 95 %, or None.

    Source:
        McCandlish et al. 2018, An empirical model of large-batch training, appendix A.
    """
    s, g = np.asarray(small, np.float64), np.asarray(large, np.float64)
    big = size * chunks
    squared = (big * g - size * s) / (big - size)
    trace = (s - g) / (1 / size - 1 / big)
    n = len(s)
    if squared.mean() <= 0:
        return math.nan, None
    value = float(trace.mean() / squared.mean())
    left_squared = (squared.sum() - squared) / (n - 1)
    left_trace = (trace.sum() - trace) / (n - 1)
    if (left_squared <= 0).any():
        return value, None
    left = np.log(np.maximum(left_trace, 1e-12) / left_squared)  # a scale: its logarithm is nearer to symmetric
    error = math.sqrt((n - 1) / n * float(((left - left.mean()) ** 2).sum()))
    if squared.mean() < 2 * squared.std(ddof=1) / math.sqrt(n) or value <= 0:
        return value, None
    return value, (value * math.exp(-1.96 * error), value * math.exp(1.96 * error))


class _Probe:
    """Measures a training's model on copies."""

    def __init__(self, problem: Problem, training: Training) -> None:
        assert isinstance(problem.train, Examples)
        self.training, self.parts = training, training.parts
        self.train = self.parts.feed.source
        weights = weights_of(problem, training.recipe, known_targets(problem.train))
        self.loss = training_loss(problem, training.recipe.loss, weights)
        self.count = len(problem.train)

    def largest(self) -> int:
        """Largest power of two whose update fits, extrapolated from two small ones."""
        sizes = [min(size, self.count) for size in (_SMALLEST, 4 * _SMALLEST)]
        kept = [self._kept(size) for size in sizes]
        per_example = max(1.0, (kept[1] - kept[0]) / max(1, sizes[1] - sizes[0]))
        room = _MEMORY * free_memory(self.parts.device)
        most = min(self.count, int(room / (2 * per_example)), _LARGEST)
        return max(_SMALLEST if self.count >= _SMALLEST else 1, 1 << (max(1, most).bit_length() - 1))

    def examples_per_second(self, size: int) -> float:
        """Throughput of updates of a copy."""
        model = copy.deepcopy(self.training.model)
        recipe = self.training.recipe
        optimizer = build_optimizer(recipe.optimizer, recipe.parameters, model)
        update = Update(model, self.loss, optimizer, autocast=self.parts.autocast)
        batch = self._batch(0, size)
        with torch.random.fork_rng(), threads_set(self.parts.threads):
            model.train()
            update([batch], 1)
            taken = [_timed(lambda n: update([batch], n), n) for n in range(2, 2 + _REPEATS)]
        return size / max(1e-9, median(taken))

    def noise_scale(self, seed: int, step: int) -> NoiseScale:
        """The noise scale at the present weights."""
        size = max(1, min(self.training.recipe.batch_size, self.count // _CHUNKS))
        model = copy.deepcopy(self.training.model).train()
        weights = [p for p in model.parameters() if p.requires_grad]
        draw = torch.Generator().manual_seed(stream_seed(seed, "order", 0))
        small, large = [], []
        with torch.random.fork_rng(), threads_set(self.parts.threads):
            for _ in range(_DRAWS):
                order = torch.randint(self.count, (size * _CHUNKS,), generator=draw)
                total = [torch.zeros_like(p) for p in weights]
                squares = []
                for chunk in torch.split(order, size):
                    found = torch.autograd.grad(
                        loss_of(model, self._rows(chunk), self.loss)[0], weights, allow_unused=True
                    )
                    gradients = [torch.zeros_like(p) if g is None else g for p, g in zip(weights, found, strict=True)]
                    squares.append(_squared(gradients))
                    for t, g in zip(total, gradients, strict=True):
                        t += g / _CHUNKS
                small.append(sum(squares) / _CHUNKS)
                large.append(_squared(total))
        value, interval = noise_scale(small, large, size, _CHUNKS)
        return NoiseScale(value, interval, _DRAWS, step)

    def _kept(self, size: int) -> int:
        """Bytes that a batch keeps for the backward pass."""
        seen: dict[int, int] = {}
        model: nn.Module = copy.deepcopy(self.training.model)

        def pack(tensor: Tensor) -> Tensor:
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.random.fork_rng(), torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            loss_of(model, self._batch(0, size), self.loss)
        return sum(seen.values())

    def _batch(self, first: int, size: int) -> Examples:
        return self._rows(torch.arange(first, first + size) % self.count)

    def _rows(self, index: Tensor) -> Examples:
        assert isinstance(self.train, Examples)
        return self.train.take(index.to(self.parts.device))


def _timed(work: Callable[[int], object], n: int) -> float:
    begin = time.perf_counter()
    work(n)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def _squared(tensors: Sequence[Tensor]) -> float:
    return float(torch.stack([t.double().pow(2).sum() for t in tensors]).sum())


def _powers() -> list[int]:
    return [1 << k for k in range(3, _LARGEST.bit_length())]
