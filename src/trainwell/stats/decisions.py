"""From tests to what may be said: correction for many tests, equivalence, the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import scipy

from trainwell.errors import UsageError
from trainwell.stats.differences import Difference, UnpairedResult
from trainwell.stats.intervals import Interval, t_interval
from trainwell.stats.paired import paired_difference
from trainwell.stats.unpaired import welch
from trainwell.stats.values import (
    Values,
    check_level,
    paired_units_allow_p,
    unpaired_units_allow_p,
)

Verdict: TypeAlias = Literal["better", "as good as", "worse", "cannot tell"]


@dataclass(frozen=True)
class Equivalence:
    """Whether two arms are as good as each other within a margin (in units of the metric).

    `interval` has level 1 - 2 alpha: it lies within the margin exactly when `equivalent` is true. `p_value` and
    `interval` are None where `refusal` says why.
    """

    equivalent: bool
    p_value: float | None
    interval: Interval | None
    margin: float
    mean: float
    n: int
    refusal: str | None = None


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    r"""Correct the p-values of a declared family so that one false alarm in all has the stated rate.

    $$ \tilde p_{(i)} = \max_{j \le i} \min\bigl(1, (m - j + 1)\, p_{(j)}\bigr) $$

    Args:
        p_values: Of the whole family, in any order; None for a refused one, which still counts in m.

    Returns:
        Corrected p-values in the same order; None stays None.

    Raises:
        UsageError: If a p-value is not within 0 and 1.

    Source:
        Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    p = np.array([1.0 if value is None else value for value in p_values], dtype=np.float64)
    if len(p) and not bool(np.all((p >= 0) & (p <= 1))):
        raise UsageError(f"`p_values` must lie between 0 and 1, got {list(p_values)}. Pass None for refused ones.")
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(np.minimum(1.0, p[order] * np.arange(len(p), 0, -1)))
    return [None if given is None else float(value) for given, value in zip(p_values, corrected, strict=True)]


def equivalence(
    before: Values,
    after: Values,
    margin: float,
    *,
    paired: bool = True,
    alpha: float = 0.05,
    higher_is_better: bool | None = None,
    worst: float | None = None,
) -> Equivalence:
    r"""Show that the difference is smaller than a margin: two one-sided t tests (TOST).

    $$ p = \max\bigl(P(T \ge (\bar d + \delta)/\text{se}),\ P(T \le (\bar d - \delta)/\text{se})\bigr) $$

    Args:
        before: One value per unit, float (n,). [units of the metric]
        after: One value per unit, float (n,); partners of `before` if paired. [units of the metric]
        margin: Largest difference delta that does not matter, stated beforehand. [units of the metric, > 0]
        paired: Paired t on differences; else Welch's t.
        alpha: Rate of wrongly calling arms equivalent. [0 to 0.5]
        higher_is_better: Direction of the metric; only needed when a run diverged.
        worst: What a diverged run counts as, unless a finite one is worse. [units of the metric]

    Returns:
        Whether equivalent, p-value, interval of level 1 - 2 alpha. Refused below 6 paired or 4 unpaired units,
        and when `after` diverged more often than `before`: a margin says nothing about that.

    Raises:
        UsageError: If the margin is not positive, or the arms are refused by the difference underneath.

    Source:
        Schuirmann 1987, A comparison of the two one-sided tests procedure.
    """
    if not 0 < alpha < 0.5:
        raise UsageError(f"`alpha` must lie strictly between 0 and 0.5, got {alpha}. Use for example 0.05.")
    if paired:
        found: Difference = paired_difference(before, after, higher_is_better=higher_is_better, worst=worst)
    else:
        found = welch(before, after, higher_is_better=higher_is_better, worst=worst)
    return _two_one_sided(found, margin, alpha)


def verdict(
    result: Difference,
    margin: float | None,
    higher_is_better: bool,
    *,
    p_corrected: float | None = None,
) -> Verdict:
    """Say what a difference `after - before` allows to be said of `after`.

    "better" or "worse": the interval excludes zero and p < 1 - level. Else "as good as": the two one-sided tests
    at alpha = 1 - level put the difference within the margin, and `after` diverged no more often. Else, and
    always below 6 paired or 4 unpaired units, "cannot tell". A difference can be both significant and within
    the margin: it is "better" then, and the statement carries its size. Where all runs of one arm diverged and
    none of the other, the size has no meaning and p alone decides.

    Args:
        result: From `paired_difference`, `studentised_permutation`, `welch` or `nadeau_bengio_interval`.
        margin: Largest difference that does not matter; None to never claim "as good as". [units of the metric]
        higher_is_better: Direction of the metric.
        p_corrected: The p-value after `holm`, where the result is one of a family.

    Returns:
        One of the four verdicts, about `after` against `before`.

    Raises:
        UsageError: If the margin is not positive, or the corrected p-value is below the raw one.
    """
    _check_margin(margin)
    if result.p_value is None or result.interval is None:
        return "cannot tell"
    p = result.p_value if p_corrected is None else p_corrected
    if p < result.p_value * (1 - 1e-9):
        raise UsageError(
            f"`p_corrected` must be at least the raw p-value {result.p_value}, got {p}. Pass the one from holm."
        )
    alpha = round(1 - result.interval.level, 12)  # 0.05, not 0.05000000000000004
    before, after = result.arms
    wholly_diverged = (result.diverged_before, result.diverged_after) in ((before, 0), (0, after))
    if p < alpha and result.mean and (wholly_diverged or result.interval.excludes(0)):
        return "better" if (result.mean > 0) == higher_is_better else "worse"
    if margin is not None and _two_one_sided(result, margin, alpha).equivalent:
        return "as good as"
    return "cannot tell"


def _check_margin(margin: float | None) -> None:
    if margin is not None and not 0 < margin < np.inf:
        raise UsageError(f"`margin` must be positive, got {margin}. State the largest difference that is nothing.")


def _two_one_sided(found: Difference, margin: float, alpha: float) -> Equivalence:
    check_level(1 - 2 * alpha, "1 - 2 alpha")
    _check_margin(margin)
    n_before, n_after = found.arms
    unpaired = isinstance(found, UnpairedResult)
    enough = unpaired_units_allow_p(n_before, n_after) if unpaired else paired_units_allow_p(found.n)
    error, degrees, why = found.standard_error, found.degrees, found.refusal
    allowed = enough and found.interval is not None
    if found.diverged_after > found.diverged_before:
        allowed = False
        why = f"{found.diverged_after} runs diverged after, {found.diverged_before} before"
    if not allowed or error is None or degrees is None:
        return Equivalence(False, None, None, margin, found.mean, found.n, why)
    interval = t_interval(found.mean, error, degrees, 1 - 2 * alpha)
    nearest = margin - abs(found.mean)
    p = float(scipy.stats.t.sf(nearest / error, degrees)) if error else float(nearest <= 0)
    return Equivalence(p < alpha, p, interval, margin, found.mean, found.n)
