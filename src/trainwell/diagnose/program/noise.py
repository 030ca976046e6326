"""Noise of the gradients against the size of the batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trainwell.diagnose.program.reading import main_optimizer, trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord

_FEWEST = 16


@rule("batch-size-off-noise", "advice")
def batch_size_off_noise(run: RunRecord) -> Iterator[Finding]:
    """The batch is far below or far above the gradient noise scale.

    ## What it checks
    Gradients of pairs of successive steps at a few parameters, over the last half of at least 16 pairs: with g and g'
    of two batches of size B, E[g g'] = |G|^2 and E[|g|^2] = |G|^2 + tr(S)/B, so the noise scale tr(S)/|G|^2 is
    B (1 - r)/r with r = E[g g'] / E[|g|^2]. Reported where the 95 % interval of r lies below 0.05 (the scale is 19
    batches or more) or above 0.98 (a fiftieth of a batch), the latter only if the batch is at most half of the data.

    ## Why it matters
    Below the noise scale, steps mostly follow noise and larger batches save steps at no cost in data; far above it,
    larger batches only cost time.

    ## What to try
    Multiply (or divide) the batch size by 4, tune the rate again, and compare at equal numbers of examples.

    ## When it is wrong
    Small batches that regularise on purpose; gradients that were clipped are not looked at.

    ## Source
    McCandlish, Kaplan, Amodei & OpenAI Dota Team 2018, An empirical model of large-batch training, appendix A.
    """
    trace = trace_of(run)
    optimizer = main_optimizer(trace)
    size = trace.train_data.get("batch_size")
    if optimizer is None or trace.clips or trace.scalers or not isinstance(size, int) or size < 2:
        return
    pairs = optimizer.gradient_pairs[len(optimizer.gradient_pairs) // 2 :]
    if len(pairs) < _FEWEST // 2 or len(optimizer.gradient_pairs) < _FEWEST:
        return
    square = sum(s for _, _, s in pairs) / len(pairs)
    if not square > 0 or not math.isfinite(square):
        return
    shares = [dot / square for _, dot, _ in pairs]
    mean = sum(shares) / len(shares)
    error = math.sqrt(sum((s - mean) ** 2 for s in shares) / (len(shares) - 1) / len(shares))
    low, high = mean - 2.2 * error, mean + 2.2 * error
    examples = int(trace.train_data.get("examples", 0) or 0)
    small, large = high < 0.05, low > 0.98 and 2 * size <= examples
    if not small and not large:
        return
    scale = size * (1 - high) / max(high, 1e-9) if small else size * (1 - low) / low
    bound = "at least" if small else "at most"
    yield Finding(
        "batch-size-off-noise",
        "advice",
        f"The gradient noise scale is {bound} {scale:,.0f} examples; the batch has {size}.",
        {
            "batch_size": size,
            "noise_scale_bound": scale,
            "agreement": mean,
            "interval": [low, high],
            "pairs": len(pairs),
        },
        Remedy(f"Try a {'larger' if small else 'smaller'} batch, with the rate tuned again."),
        trace.places.get("train_loader"),
    )
