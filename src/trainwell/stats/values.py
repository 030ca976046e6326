"""The numbers that go into a statistic: what is refused, and what a diverged run counts as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from trainwell.errors import UsageError

Array: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = Sequence[float] | npt.NDArray[np.floating[Any]]

LARGEST = 1e100
"""A number beyond it counts as diverged: its square no longer fits comfortably into a float."""

FEWEST_PAIRED = 6
"""With n pairs a two-sided sign-flip test cannot fall below 2 / 2^n: 0.0625 for 5, 0.03125 for 6."""

FEWEST_UNPAIRED = 4
"""With n against n units a two-sided permutation test cannot fall below 2 / C(2n, n): 0.1 for 3, 0.029 for 4."""

NOISE = 1e-12
"""Relative size below which a difference of float64 values is rounding, not an effect."""

_STEP = 1e-6


def paired_units_allow_p(n: int) -> bool:
    """Whether n pairs are enough for a p-value: at least 6, below which 0.05 is out of reach."""
    return n >= FEWEST_PAIRED


def unpaired_units_allow_p(n_before: int, n_after: int) -> bool:
    """Whether two unpaired arms are enough for a p-value: at least 4 units in each."""
    return min(n_before, n_after) >= FEWEST_UNPAIRED


def sample(values: Values, name: str, *, at_least: int = 1) -> Array:
    """The values as float64 (n,), possibly not finite.

    Raises:
        UsageError: If the values are not a flat list, or too few.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise UsageError(f"`{name}` must be a flat list of numbers, got shape {array.shape}. Pass one arm.")
    if len(array) < at_least:
        raise UsageError(f"`{name}` must hold at least {at_least} numbers, got {len(array)}. Run more units.")
    return array


def finite_sample(values: Values, name: str, *, at_least: int = 1) -> Array:
    """The values as float64 (n,), all of them finite.

    Raises:
        UsageError: If a value is not finite, the values are not a flat list, or too few.
    """
    array = sample(values, name, at_least=at_least)
    bad = np.flatnonzero(diverged(array))
    if len(bad):
        raise UsageError(
            f"`{name}` must be finite, got {array[bad[0]]} at {bad[0]}. "
            "Pass the values through count_as_worst(..., higher_is_better=...) first."
        )
    return array


def check_level(level: float, name: str = "level") -> float:
    """The level itself, if it lies strictly between 0 and 1."""
    if not 0 < level < 1:
        raise UsageError(f"`{name}` must lie strictly between 0 and 1, got {level}. Use for example 0.95.")
    return float(level)


def spread(x: Array) -> float:
    """Standard deviation with n - 1; exactly 0 where the values differ by rounding only."""
    return 0.0 if np.ptp(x) <= NOISE * np.abs(x).max() else float(x.std(ddof=1))


def without_noise(difference: Array | np.float64, size: Array | np.float64, noise: Array | float = NOISE) -> Array:
    """The difference, exactly 0 where it is at most `noise` times the size of what was subtracted."""
    return np.where(np.abs(difference) <= noise * size, 0.0, difference)


def floats(values: npt.ArrayLike) -> tuple[float, ...]:
    """The values as a tuple of plain floats."""
    return tuple(float(value) for value in np.asarray(values))


def count_diverged(values: Values) -> int:
    """How many of the values are not finite (or beyond 1e100)."""
    return int(diverged(np.asarray(values, dtype=np.float64)).sum())


def count_as_worst(
    *arms: Values, higher_is_better: bool | None = None, worst: float | None = None
) -> tuple[Array, ...]:
    """Replace every diverged value by a value just worse than the worst finite one of all arms.

    The step below the worst is one millionth of the spread of the finite values (at least 1e-9 of their size): a
    diverged run loses against every finished one in a test of signs or ranks, and the mean shows the smallest
    harm that the data allow. State `worst` (the accuracy of guessing, the loss at the
    start) where such a value is known.

    Args:
        arms: Values of each arm, float (n,); not finite or beyond 1e100 means diverged.
        higher_is_better: Direction of the metric; needed when something diverged.
        worst: A value that a diverged run counts as, unless a finite one is worse. [units of the values]

    Returns:
        The arms as float64 (n,). Where no value of any arm is finite and `worst` is not given, all are 0.

    Raises:
        UsageError: If a value diverged and the direction is not stated.

    Source:
        Worst-rank imputation: Lachin 1999, Controlled Clinical Trials 20. Differs: values instead of ranks.
    """
    arrays = tuple(sample(arm, "values", at_least=0) for arm in arms)
    if not any(diverged(array).any() for array in arrays):
        return arrays
    if higher_is_better is None:
        raise UsageError("`higher_is_better` must be stated when a run diverged, got None. Say which is worst.")
    finite = np.concatenate([array[~diverged(array)] for array in arrays])
    if worst is not None:
        finite = np.append(finite, worst)
    if not len(finite):
        return tuple(np.zeros_like(array) for array in arrays)
    step = _STEP * (max(float(np.ptp(finite)), float(np.abs(finite).max()) / 1000) or 1.0)
    stand_in = float(finite.min()) - step if higher_is_better else float(finite.max()) + step
    return tuple(np.where(diverged(array), stand_in, array) for array in arrays)


def diverged(array: Array) -> npt.NDArray[np.bool_]:
    """Which values are not finite, or beyond 1e100."""
    return ~(np.abs(array) <= LARGEST)
