"""The three random streams of a run: initial weights, order of the data, noise.

Each comes from the run's seed by NumPy's `SeedSequence` (O'Neill 2015's hash), so that streams of one seed
are independent of each other and of those of any other seed. The order of epoch e depends on (seed, e) alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STREAMS = {"weights": 1, "order": 2, "noise": 3, "split": 4, "search": 5}


def stream_seed(seed: int, stream: str, *index: int) -> int:
    """Derive a 63-bit seed from (seed, stream, index...); equal arguments give equal seeds.

    Args:
        seed: The run's seed. [>= 0]
        stream: One of weights, order, noise, split, search.
        index: For example the epoch. [>= 0]
    """
    sequence = np.random.SeedSequence(int(seed), spawn_key=(_STREAMS[stream], *index))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


@dataclass(frozen=True)
class Streams:
    """The random streams of one run."""

    seed: int

    @property
    def weights(self) -> int:
        """Seed under which the model is built."""
        return stream_seed(self.seed, "weights")

    @property
    def noise(self) -> int:
        """Seed of dropout and augmentation."""
        return stream_seed(self.seed, "noise")

    def order(self, epoch: int) -> int:
        """Seed of the order of the examples in one epoch."""
        return stream_seed(self.seed, "order", epoch)


def master_seeds(seed: int, purpose: int, count: int) -> list[int]:
    """Disjoint lists of run seeds for one purpose of a study (tuning, baseline, proof).

    The seeds of purpose p are seed * 1,000,000 + p * 100,000 + 0, 1, 2, ...: never shared between purposes.

    Args:
        seed: Master seed of the study. [>= 0]
        purpose: [0 to 9]
        count: [0 to 100,000]
    """
    if not (0 <= purpose < 10 and 0 <= count <= 100_000):
        raise ValueError(f"`purpose` must be 0 to 9 and `count` at most 100,000, got {purpose} and {count:,}")
    first = seed * 1_000_000 + purpose * 100_000
    return list(range(first, first + count))
