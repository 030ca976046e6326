"""The kinds of a dimension: what values one field may take, and on which scale they lie evenly."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

_DIGITS = 4  # significant digits of a drawn number: it prints short and reads back equal


class Dimension(ABC):
    """What values one field may take.

    A dimension maps the unit interval onto its values, evenly on its scale, and back.
    """

    @abstractmethod
    def at(self, unit: float) -> Any:
        """The value at a position. [0 to 1]"""

    @abstractmethod
    def position(self, value: Any) -> float:
        """The position of a value on the scale, 0 at the lowest and 1 at the highest; NaN for a value of no place."""

    @abstractmethod
    def ends(self) -> list[Any]:
        """The values that a recipe must accept for all others to be acceptable."""

    @abstractmethod
    def mistakes(self) -> list[str]:
        """What is wrong with it, each as `must ..., got ...`."""

    @abstractmethod
    def plain(self) -> dict[str, Any]:
        """As JSON values."""

    @abstractmethod
    def __str__(self) -> str:
        """In words."""

    @property
    def size(self) -> int | None:
        """Number of its values; None where they are a continuum."""
        return None

    @property
    def ordered(self) -> bool:
        """Whether its values lie on a scale with a low and a high end."""
        return True


@dataclass(frozen=True)
class _Interval(Dimension):
    """Numbers from `low` to `high`."""

    low: float
    high: float

    def ends(self) -> list[Any]:
        """Both bounds."""
        return [self.low, self.high]

    def mistakes(self) -> list[str]:
        """Bounds that are no numbers, reversed or equal."""
        wrong = [v for v in (self.low, self.high) if not _is_number(v)]
        if wrong:
            return [f"must have finite numbers as bounds, got {wrong[0]!r}. Say the lowest and the highest value"]
        if self.low >= self.high:
            remedy = "Swap them" if self.low > self.high else "Use fixed(...) for a single value"
            return [f"must have a low bound below the high one, got {self.low:g} and {self.high:g}. {remedy}"]
        return []

    def _clipped(self, value: float) -> float:
        return min(max(_short(value), float(self.low)), float(self.high))


@dataclass(frozen=True)
class Uniform(_Interval):
    """Numbers evenly from `low` to `high`, in steps of `step` where it is given."""

    step: float | None = None

    def at(self, unit: float) -> float:
        """The value at a position. [0 to 1]"""
        if self.step is None:
            return self._clipped(self.low + unit * (self.high - self.low))
        count = self.size or 1
        return self._clipped(self.low + self.step * min(int(unit * count), count - 1))

    def position(self, value: Any) -> float:
        """The share of the way from low to high."""
        return (value - self.low) / (self.high - self.low) if _is_number(value) else math.nan

    def mistakes(self) -> list[str]:
        """Those of bounds, and of the step."""
        found = super().mistakes()
        if (
            self.step is not None
            and not found
            and not (_is_number(self.step) and 0 < self.step <= self.high - self.low)
        ):
            found.append(f"must have a step above 0 and within the bounds, got {self.step!r}. Make it smaller")
        return found

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"uniform": [self.low, self.high]} | ({} if self.step is None else {"step": self.step})

    def __str__(self) -> str:
        return f"uniform from {self.low:g} to {self.high:g}" + (f" by {self.step:g}" if self.step is not None else "")

    @property
    def size(self) -> int | None:
        """Number of steps, if it has some."""
        return None if self.step is None else math.floor((self.high - self.low) / self.step + 1e-9) + 1


@dataclass(frozen=True)
class LogUniform(_Interval):
    """Numbers from `low` to `high`, even on their logarithm."""

    def at(self, unit: float) -> float:
        """The value at a position. [0 to 1]"""
        return self._clipped(math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low))))

    def position(self, value: Any) -> float:
        """The share of the way from low to high on the logarithm."""
        if not _is_number(value) or value <= 0:
            return math.nan
        return math.log(value / self.low) / math.log(self.high / self.low)

    def mistakes(self) -> list[str]:
        """Those of bounds, and a log of nothing."""
        found = super().mistakes()
        if not found and self.low <= 0:
            found.append(f"must have bounds above 0 on a log scale, got {self.low:g}. Use uniform(...), or raise it")
        return found

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"log_uniform": [self.low, self.high]}

    def __str__(self) -> str:
        return f"log-uniform from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class ReverseLogUniform(_Interval):
    """Numbers below 1 such that 1 - x is even on its logarithm, as for a momentum."""

    def at(self, unit: float) -> float:
        """The value at a position. [0 to 1]"""
        far, near = math.log(1 - self.low), math.log(1 - self.high)
        rest = _short(math.exp(far + unit * (near - far)))
        return min(max(round(1 - rest, 12), float(self.low)), float(self.high))

    def position(self, value: Any) -> float:
        """The share of the way from low to high on the logarithm of 1 - x."""
        if not _is_number(value) or value >= 1:
            return math.nan
        return math.log((1 - self.low) / (1 - value)) / math.log((1 - self.low) / (1 - self.high))

    def mistakes(self) -> list[str]:
        """Those of bounds, and values of 1 and above."""
        found = super().mistakes()
        if not found and self.high >= 1:
            found.append(f"must have bounds below 1 on the scale of log(1 - x), got {self.high:g}. Use 0.999")
        return found

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"reverse_log_uniform": [self.low, self.high]}

    def __str__(self) -> str:
        return f"1 - x log-uniform, from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Integers(Dimension):
    """Whole numbers from `low` to `high`, both included; even on their logarithm where `log`."""

    low: int
    high: int
    log: bool = False

    def at(self, unit: float) -> int:
        """The value at a position. [0 to 1]"""
        if self.log:
            value = math.exp(math.log(self.low) + unit * (math.log(self.high + 1) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low + 1)
        return min(max(math.floor(value + 1e-9), self.low), self.high)

    def position(self, value: Any) -> float:
        """The share of the way from low to high on the scale."""
        if not _is_number(value) or (self.log and value <= 0):
            return math.nan
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return float((value - self.low) / (self.high - self.low))

    def ends(self) -> list[Any]:
        """Both bounds."""
        return [self.low, self.high]

    def mistakes(self) -> list[str]:
        """Bounds that are no whole numbers or reversed, and a log of nothing."""
        wrong = [v for v in (self.low, self.high) if isinstance(v, bool) or not isinstance(v, int)]
        if wrong:
            return [f"must have whole numbers as bounds, got {wrong[0]!r}. Use uniform(...) for others"]
        if self.low >= self.high:
            remedy = "Swap them" if self.low > self.high else "Use fixed(...) for a single value"
            return [f"must have a low bound below the high one, got {self.low} and {self.high}. {remedy}"]
        if self.log and self.low <= 0:
            return [f"must have bounds above 0 on a log scale, got {self.low}. Leave out log, or raise it"]
        return []

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"integers": [self.low, self.high]} | ({"log": True} if self.log else {})

    def __str__(self) -> str:
        return f"whole numbers from {self.low} to {self.high}" + (", log-uniform" if self.log else "")

    @property
    def size(self) -> int | None:
        """Number of its values."""
        return self.high - self.low + 1


@dataclass(frozen=True)
class Fixed(Dimension):
    """One value, the same in every trial."""

    value: Any

    def at(self, unit: float) -> Any:
        """The value."""
        return self.value

    def position(self, value: Any) -> float:
        """It has no place on a scale."""
        return math.nan

    def ends(self) -> list[Any]:
        """The value."""
        return [self.value]

    def mistakes(self) -> list[str]:
        """None of its own; the recipe judges it."""
        return []

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"fixed": self.value}

    def __str__(self) -> str:
        return f"fixed at {self.value!r}"

    @property
    def size(self) -> int | None:
        """One."""
        return 1

    @property
    def ordered(self) -> bool:
        """It has no scale."""
        return False


def uniform(low: float, high: float, *, step: float | None = None) -> Dimension:
    """Numbers evenly from `low` to `high`, in steps of `step` where it is given."""
    return Uniform(low, high, step)


def log_uniform(low: float, high: float) -> Dimension:
    """Numbers from `low` to `high`, even on their logarithm; for rates and weight decays. Both above 0."""
    return LogUniform(low, high)


def reverse_log_uniform(low: float, high: float) -> Dimension:
    """Numbers below 1 such that 1 - x is even on its logarithm; for momenta and betas.

    Source:
        Choi et al. 2019, On empirical comparisons of optimizers, which tunes 1 - momentum on a log scale.
    """
    return ReverseLogUniform(low, high)


def integers(low: int, high: int, *, log: bool = False) -> Dimension:
    """Whole numbers from `low` to `high`, both included; even on their logarithm where `log`."""
    return Integers(low, high, log)


def fixed(value: Any) -> Dimension:
    """One value, the same in every trial."""
    from trainwell.space.choice import plain_value

    return Fixed(plain_value(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
