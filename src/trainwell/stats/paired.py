"""The difference over pairs that share everything but the change, or over overlapping training sets."""

from __future__ import annotations

import numpy as np
import scipy

from trainwell.errors import UsageError
from trainwell.stats.differences import EXACT_PAIRS, RESAMPLES, TIE, PairedResult, tail_share
from trainwell.stats.intervals import t_interval
from trainwell.stats.values import (
    FEWEST_PAIRED,
    NOISE,
    Array,
    Values,
    check_level,
    count_as_worst,
    diverged,
    finite_sample,
    paired_units_allow_p,
    sample,
    spread,
    without_noise,
)


def paired_difference(
    before: Values,
    after: Values,
    level: float = 0.95,
    seed: int = 0,
    *,
    higher_is_better: bool | None = None,
    worst: float | None = None,
    noise: float = NOISE,
) -> PairedResult:
    r"""Difference over pairs: t interval of the differences and p-value of the sign-flip test.

    $$ d_i = a_i - b_i,\quad \bar d \pm t\, s_d/\sqrt n,\qquad
       p = \frac{\#\{\sigma \in \{-1, 1\}^n : |\sum \sigma_i d_i| \ge |\sum d_i|\}}{2^n} $$

    All sign flips are counted up to 14 pairs; beyond, m are drawn and p = (b + 1)/(m + 1). Diverged values
    count as worst (`count_as_worst`). Differences within rounding of the values are zero.

    Args:
        before: One value per pair, float (n,). [units of the metric]
        after: The partner of each, float (n,). [units of the metric]
        level: Of the interval. [0 to 1]
        seed: Of the drawn sign flips.
        higher_is_better: Direction of the metric; only needed when a run diverged.
        worst: What a diverged run counts as, unless a finite one is worse. [units of the metric]
        noise: Differences up to this share of the larger partner are zero; 1e-6 suits float32 metrics. [ratio]

    Returns:
        Mean of after - before, interval (None for one pair), p-value (None below 6 pairs), n, method.
        Equal arms give mean 0, interval (0, 0) and p = 1.

    Raises:
        UsageError: If the arms differ in length or are empty, or a run diverged and no direction is stated.

    Source:
        Fisher 1935, The design of experiments, section 21; Phipson & Smyth 2010 for the drawn p-value;
        scipy.stats.permutation_test.
    """
    b, a = sample(before, "before"), sample(after, "after")
    level = check_level(level)
    if len(b) != len(a):
        raise UsageError(f"`after` must hold one value per pair, {len(b)}, got {len(a)}. Match them by seed.")
    failed_before, failed_after = diverged(b), diverged(a)
    diverged_before, diverged_after = int(failed_before.sum()), int(failed_after.sum())
    b, a = count_as_worst(b, a, higher_is_better=higher_is_better, worst=worst)
    rounding = np.where(failed_before | failed_after, 0.0, noise)
    d = without_noise(a - b, np.maximum(np.abs(a), np.abs(b)), rounding)
    n, mean = len(d), float(d.mean())
    nothing_finite = diverged_before == diverged_after == n
    method = "t interval, sign-flip test " + ("(exact)" if n <= EXACT_PAIRS else f"({RESAMPLES - 1} drawn)")
    if n == 1 or nothing_finite:
        why = "no run of either arm is finite" if nothing_finite else _too_few_pairs(n)
        return PairedResult(mean, None, None, n, method, None, None, why, diverged_before, diverged_after)
    error = spread(d) / n**0.5
    enough = paired_units_allow_p(n)
    return PairedResult(
        mean=mean,
        interval=t_interval(mean, error, n - 1, level),
        p_value=_sign_flip_p(d, seed) if enough else None,
        n=n,
        method=method,
        standard_error=error,
        degrees=n - 1,
        refusal=None if enough else _too_few_pairs(n),
        diverged_before=diverged_before,
        diverged_after=diverged_after,
    )


def nadeau_bengio_interval(differences: Values, ratio: float, level: float = 0.95) -> PairedResult:
    r"""Difference over repeated random splits, corrected for their overlapping training sets.

    $$ \bar d \pm t_{J - 1} \sqrt{\left(\frac1J + \frac{n_\text{test}}{n_\text{train}}\right) s_d^2} $$

    Args:
        differences: after - before on each of J splits, float (J,), finite. [units of the metric]
        ratio: Test examples per training example: 0.25 for 80/20. [> 0]
        level: Of the interval. [0 to 1]

    Returns:
        Mean, interval (None for one split), p-value of the corrected t (None below 6 splits, and where all
        differences are equal but not zero).

    Raises:
        UsageError: If the ratio is not positive, a value is not finite or there is none.

    Source:
        Nadeau & Bengio 2003, Inference for the generalization error, Machine Learning 52.
    """
    d, level = finite_sample(differences, "differences"), check_level(level)
    if not 0 < ratio < np.inf:
        raise UsageError(f"`ratio` must be positive (test per training examples), got {ratio}. 80/20 is 0.25.")
    n, mean, method = len(d), float(d.mean()), "corrected resampled t"
    if n == 1:
        return PairedResult(mean, None, None, n, method, refusal=_too_few_pairs(n))
    error = spread(d) * (1 / n + ratio) ** 0.5
    p, why = None, None
    if not paired_units_allow_p(n):
        why = _too_few_pairs(n)
    elif error:
        p = 2 * float(scipy.stats.t.sf(abs(mean) / error, n - 1))
    elif mean == 0:
        p = 1.0
    else:
        why = "the differences do not vary, so t is infinite; use more or smaller test sets"
    return PairedResult(mean, t_interval(mean, error, n - 1, level), p, n, method, error, n - 1, why)


def _sign_flip_p(d: Array, seed: int) -> float:
    exact = len(d) <= EXACT_PAIRS
    test = scipy.stats.permutation_test(
        (d,),
        lambda x, axis: np.abs(x.sum(axis)),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=RESAMPLES if exact else RESAMPLES - 1,
        batch=4096,
        rng=np.random.default_rng(seed),
    )
    rounding = TIE * float(np.abs(d).sum())
    return tail_share(np.asarray(test.null_distribution), float(test.statistic), rounding, exact=exact)


def _too_few_pairs(n: int) -> str:
    return f"{n} paired units allow no p-value: no test of them falls below 0.05; at least {FEWEST_PAIRED} do"
