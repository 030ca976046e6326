"""Reading a suggestion off a range test. Slopes are taken against log(rate): rates lie evenly on their logarithm.

Against the rate itself an exponential ramp has its steepest slope where rates are nearly equal, at the lowest ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trainwell.records import RateTest

DIVERGED = 0.5  # rise of the loss, as a share of the loss at the start
_WORSE = 0.05  # such a rise leaves a model worse than untrained: the rate is not stable
_FLAT = 0.02  # least fall of the loss, as a share of the loss at the start
_EQUAL = 0.02  # rates whose loss lies within this share of the fall above the lowest are equals
_AS_GOOD = 0.1  # a rate is as good if its loss lies within this share of the largest fall above the lowest
_WINDOW = 0.2  # decades: width of the local lines through a ramp
_NOISE = 6.0  # standard errors that the fall of a ramp must exceed


def read_curve(
    rates: Sequence[float], losses: np.ndarray, start_loss: float, uninformed_loss: float | None = None
) -> RateTest:
    """Read a suggestion off a curve.

    Args:
        rates: Rising rates, (R,).
        losses: Loss after training at each rate, float (R, S) over S seeds; non-finite where it diverged.
        start_loss: Loss before training.
        uninformed_loss: Loss of the best guess that ignores the inputs: only a fall below it is learning.

    Returns:
        Suggested is the middle of the rates around the lowest loss of the curve (smoothed over three neighbours) that
        are as low but for 2 % of the fall; where a run of any seed diverged, or ended worse than untrained, a rate is
        unstable. The steepest fall is sought below the loss of a guess: above it a bad start mends, nothing is learned.
    """
    scores_RS = np.where(np.isfinite(losses), losses, np.nan)
    risen = (np.nan_to_num(scores_RS, nan=math.inf).max(1) - start_loss) / max(abs(start_loss), 1e-12)
    shown, stable = risen < DIVERGED, risen < _WORSE
    mean = np.where(shown, np.nanmean(np.where(shown[:, None], scores_RS, 0.0), 1), math.nan)
    curve = RateTest(
        rates=tuple(rates),
        losses=tuple(float(v) for v in mean),
        low=tuple(float(v) for v in np.where(shown, np.nan_to_num(scores_RS, nan=math.inf).min(1), math.nan)),
        high=tuple(float(v) for v in np.where(shown, np.nan_to_num(scores_RS, nan=-math.inf).max(1), math.nan)),
        start_loss=start_loss,
        largest_stable=_largest_stable(np.array(rates), stable),
    )
    reference = start_loss if uninformed_loss is None else min(start_loss, uninformed_loss)
    return _suggest(curve, np.array(rates), mean, stable, reference)


def _largest_stable(rates: np.ndarray, stable: np.ndarray) -> float | None:
    """The end of the longest run of stable rates, so that a lucky rate above a diverged one does not count."""
    best: tuple[int, float | None] = (0, None)
    length = 0
    for rate, good in zip(rates, stable, strict=True):
        length = length + 1 if good else 0
        if length > best[0]:
            best = (length, float(rate))
    return best[1]


def _suggest(curve: RateTest, rates: np.ndarray, mean: np.ndarray, stable: np.ndarray, reference: float) -> RateTest:
    if not stable.any():
        return replace(curve, reason="every rate diverged: try lower ones, or look at the data")
    smooth = _smoothed(mean, stable)
    best = int(np.nanargmin(smooth))
    fall = reference - float(smooth[best])
    if fall < _FLAT * abs(reference):
        return replace(
            curve, reason="the curve is flat: no rate made the loss fall below that of a guess, so none is suggested"
        )
    good = np.flatnonzero(stable & (smooth <= smooth[best] + _AS_GOOD * fall))
    low, high = _connected(good, best)
    first, last = _connected(np.flatnonzero(stable & (smooth <= smooth[best] + _EQUAL * fall)), best)
    chosen = (first + last) // 2
    learned = np.minimum(np.where(np.isfinite(smooth), smooth, reference), reference)
    slopes = np.gradient(learned, np.log(rates))
    steepest = rates[int(np.argmin(np.where(stable, slopes, math.inf)))]
    return replace(
        curve,
        suggestion=float(rates[chosen]),
        interval=(float(rates[low]), float(rates[high])),
        steepest=float(steepest),
        valley=float(rates[best]),
        reason=f"lowest loss after the test; steepest fall at {steepest:.2g}, stable up to {curve.largest_stable:.2g}",
    )


def read_ramp(rates: Sequence[float], losses: Sequence[float], *, batch: str = "training batches") -> RateTest:
    """Read a suggestion off one run with a rising rate.

    Local lines, weighted by a Gaussian of 0.2 decades, are laid through the losses over log10(rate): their heights are
    the smoothed curve, their slopes its slope. They lag nowhere, unlike a running average.

    Args:
        rates: Rising rates, one for each step, (R,).
        losses: Loss of each step, (R,); non-finite from where it diverged.
        batch: What the losses are of, in words.

    Returns:
        Steepest: where the loss falls fastest by the logarithm of the rate. Valley: two thirds along the longest fall
        (as fastai's `valley`). Suggested is the valley; the interval reaches from the steepest rate to the lowest loss.

    Source:
        Smith 2017, Cyclical learning rates. Differs: local lines over log(rate) in place of differences.
    """
    x_R = np.log10(np.asarray(rates, dtype=np.float64))
    y_R = np.asarray(losses, dtype=np.float64)
    finite = np.isfinite(y_R)
    ended = len(y_R) if finite.all() else int(np.argmin(finite))
    curve = RateTest(
        rates=tuple(float(r) for r in rates),
        losses=tuple(float(v) for v in y_R),
        start_loss=math.nan,
        method="ramp",
        largest_stable=None,
    )
    if ended < 8:
        return replace(curve, reason="the loss was not finite after a few steps: begin at a lower rate")
    x, y = x_R[:ended], y_R[:ended]
    smooth, slope, error = _local_lines(x, y)
    first = smooth[: max(4, ended // 10)]
    start = float(np.median(first))
    low = int(np.argmin(smooth))
    risen = np.flatnonzero(smooth[low:] > start + abs(start) * DIVERGED)
    stable = low + int(risen[0]) - 1 if len(risen) else ended - 1
    curve = replace(curve, start_loss=start, largest_stable=float(rates[max(low, stable)]))
    fall = start - float(smooth[low])
    if fall < max(_FLAT * abs(start), _NOISE * float(error[low])):
        return replace(
            curve,
            reason=f"the curve is flat: the loss on {batch} never fell by more than its noise, so no rate is suggested",
        )
    steepest = int(np.argmin(slope[: low + 1]))
    begin = int(np.flatnonzero(smooth[: low + 1] > start - 0.1 * fall)[-1]) if low else 0
    valley = round(begin + 2 / 3 * (low - begin))
    ends = sorted((steepest, valley))
    return replace(
        curve,
        suggestion=float(rates[valley]),
        interval=(float(rates[ends[0]]), float(rates[max(ends[1], low)])),
        steepest=float(rates[steepest]),
        valley=float(rates[valley]),
        reason=f"two thirds along the fall of the loss on {batch}; steepest fall at {rates[steepest]:.2g}, "
        f"lowest loss at {rates[low]:.2g}",
    )


def _local_lines(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heights, slopes and standard errors of the heights of lines through a curve, by weighted least squares."""
    spacing = float(np.median(np.diff(x)))
    width = max(_WINDOW, 2 * spacing)
    weights_RR = np.exp(-0.5 * ((x[None, :] - x[:, None]) / width) ** 2)
    weights_RR /= weights_RR.sum(1, keepdims=True)
    mean_x, mean_y = weights_RR @ x, weights_RR @ y
    spread = np.maximum(weights_RR @ x**2 - mean_x**2, 1e-12)
    slope = (weights_RR @ (x * y) - mean_x * mean_y) / spread
    height = mean_y + slope * (x - mean_x)
    # A height is a weighted sum of losses; at the ends, where the line hangs over, its weights grow.
    levers_RR = weights_RR * (1 + ((x - mean_x) / spread)[:, None] * (x[None, :] - mean_x[:, None]))
    noise = np.median(np.abs(np.diff(y))) / (0.6745 * math.sqrt(2))
    return height, slope, noise * np.sqrt((levers_RR**2).sum(1))


def _smoothed(mean: np.ndarray, stable: np.ndarray) -> np.ndarray:
    """Mean of each stable value and its stable neighbours, weights 1-2-1."""
    smooth = np.full_like(mean, math.nan)
    for i in np.flatnonzero(stable):
        near = [(j, w) for j, w in ((i - 1, 1.0), (i, 2.0), (i + 1, 1.0)) if 0 <= j < len(mean) and stable[j]]
        smooth[i] = sum(w * mean[j] for j, w in near) / sum(w for _, w in near)
    return smooth


def _connected(good: np.ndarray, best: int) -> tuple[int, int]:
    """The run of neighbouring good indices around the best."""
    chosen = set(good.tolist())
    low = high = best
    while low - 1 in chosen:
        low -= 1
    while high + 1 in chosen:
        high += 1
    return low, high
