"""Clipping that always bites, and losses that jump."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trainwell.diagnose.curves import (
    running_median,
)
from trainwell.diagnose.questions import (
    finite,
    losses_are_positive,
)
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord, Severity
from trainwell.records.series import Floats

_SCALE_FREE = ("adam", "adamw", "nadam", "radam", "adagrad", "adadelta", "rmsprop", "adafactor", "lion", "muon")


@rule("always-clipped", "warning", explains=("learning-rate-too-low",))
def always_clipped(run: RunRecord) -> Iterator[Finding]:
    """Almost every update is clipped by a large factor.

    ## What it checks
    After the first fifth of the run: at least 95 % of the looked-at gradients (10 or more) are above the limit of
    `clipping = "norm"`, and the median is at least 10 times the limit. Advice for optimizers that divide by the size of
    the gradient (Adam and its kin), where a constant factor drops out.

    ## Why it matters
    Clipping is a seat belt. When it works at every step, the limit is the real learning rate, and long and short
    gradients count alike.

    ## What to try
    A limit near the 90th percentile of the norms (`clipping = "adaptive"` follows it), or no clipping with a smaller
    rate.

    ## When it is wrong
    Normalised gradients on purpose.

    ## Source
    Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks, ICML: the limit is chosen
    from the average norm.
    """
    factors = _clip_factors(run)
    if factors is None or len(factors) < 10:
        return
    late = factors[len(factors) // 5 :]
    share, middle = float((late < 0.999).mean()), float(np.median(late))
    if share < 0.95 or middle > 0.1:
        return
    limit = run.recipe_value("clipping.limit")
    scale_free = run.recipe_value("optimizer.name") in _SCALE_FREE
    severity: Severity = "advice" if scale_free else "warning"
    yield Finding(
        "always-clipped",
        severity,
        f"{share:.0%} of the gradients are clipped, at the median to {middle:.2g} of their length.",
        {"clipped_share": share, "median_factor": middle, "limit": limit},
        Remedy(
            "Raise the limit to the 90th percentile of the gradient norms.",
            {"clipping": "adaptive"} if run.info.recipe else {},
        ),
    )


def _clip_factors(run: RunRecord) -> Floats | None:
    """By what each looked-at gradient was multiplied; None without clipping by norm."""
    if "clip_factor" in run.steps:
        return finite(run.steps["clip_factor"]).value
    if run.recipe_value("clipping.name") != "norm":
        return None
    norms = finite(run.steps["gradient_norm"]).value
    limit = float(run.recipe_value("clipping.limit", 1.0))
    factors: Floats = np.minimum(1.0, limit / np.maximum(norms, 1e-30))
    return factors


@rule("loss-spikes", "warning", explains=("best-weights-lost",))
def loss_spikes(run: RunRecord) -> Iterator[Finding]:
    """Sudden jumps of the loss that training has to recover from.

    ## What it checks
    The median of five successive step losses against the 40 steps before (at least 200 steps in all): a jump to twice
    their median, by at least 10 of their robust deviations and a tenth of the first loss, that takes 5 steps or more
    to come back. It speaks up from the second jump on, when 2 % of all steps went into recovering. Silent for
    batches below 8, and where the learning rate rose by half (restarts, cycles, warm-up).

    ## Why it matters
    Each jump costs the steps of the recovery, and the next may not recover.

    ## What to try
    `clipping = "norm"`; a smaller rate or a longer warm-up; for Adam a smaller second beta (0.95). Look at the batches
    before a jump.

    ## When it is wrong
    Data that change abruptly (curricula, reinforcement learning), heavy-tailed losses.

    ## Source
    Chowdhery et al. 2022, PaLM: scaling language modeling with pathways, section 5.1; Molybog et al. 2023, A theory on
    Adam instability in large-scale machine learning.
    """
    losses, rates = finite(run.steps["loss"]), run.steps["lr"]
    batch = run.recipe_value("batch_size")
    if len(losses) < 200 or (isinstance(batch, int) and batch < 8) or not losses_are_positive(run):
        return
    jumps = _jumps(losses.value, losses.step, rates)
    lost = int(sum(jump["steps"] for jump in jumps))
    if len(jumps) < 2 or lost < 0.02 * len(losses):
        return
    worst = max(jumps, key=lambda jump: jump["height"])
    yield Finding(
        "loss-spikes",
        "warning",
        f"The training loss jumped {len(jumps)} times, at worst at step {int(worst['step']):,} from "
        f"{worst['level']:.3g} to {worst['top']:.3g}; {lost:,} of {len(losses):,} steps went into recovering.",
        {"jumps": jumps[:20], "count": len(jumps), "steps_lost": lost},
        Remedy(
            "Clip the gradient norm, and lower the learning rate or lengthen the warm-up.",
            {"clipping": "norm"} if run.recipe_value("clipping.name") == "none" else {},
        ),
    )


def _jumps(value: Floats, step: Any, rates: Any) -> list[dict[str, float]]:
    """Jumps of the median of five over the window before, each with its place, level, top and length."""
    width, five = 40, 5
    middle = running_median(value, five)
    levels = running_median(value, width)[: len(middle) - width]
    first, found, free = float(middle[0]), [], width
    high = width + np.flatnonzero(middle[width:] - levels >= np.maximum(levels, 0.1 * first))
    for at in high.tolist():
        before, level = value[at - width : at], float(levels[at - width])
        scale = 1.4826 * float(np.median(np.abs(before - level)))
        height = float(middle[at]) - level
        if at < free or height < 10 * scale or _rate_rose(rates, int(step[at - width]), int(step[at + five - 1])):
            continue
        back = np.flatnonzero(middle[at:] < level + 0.25 * height)
        length = int(back[0]) if len(back) else len(middle) - at
        if length >= five and len(back):
            top = float(middle[at : at + length].max())
            found.append({"step": float(step[at]), "level": level, "top": top, "height": top - level, "steps": length})
        free = at + max(1, length) + width  # the window before the next jump must not hold this one
    return found


def _rate_rose(rates: Any, first: int, last: int) -> bool:
    inside = rates.value[(rates.step >= first) & (rates.step <= last)]
    return len(inside) > 1 and bool(inside[-1] >= 1.5 * inside.min())
