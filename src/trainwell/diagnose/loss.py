"""Faults that the loss shows by itself: not a number, or always the same."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from trainwell.diagnose.questions import finite, peak_rate
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord


@rule("non-finite-loss", "error", explains=("no-better-than-chance", "underfitting", "best-weights-lost"))
def non_finite_loss(run: RunRecord) -> Iterator[Finding]:
    """The loss became NaN or infinite.

    ## What it checks
    The training loss of every step, the losses of all evaluations, and whether the run ended as diverged.

    ## Why it matters
    After one update with a NaN every weight is NaN. What was learned is lost unless earlier weights were kept.

    ## What to try
    If the loss grew before: a tenth of the learning rate, a warm-up, `clipping = "norm"`. If it came at once: look for
    NaN in the data, the logarithm of 0, a division by 0, a square root at 0. In float16: loss scaling, or bfloat16.

    ## When it is wrong
    Losses that are infinite on purpose for impossible answers.

    ## Source
    Goodfellow, Bengio & Courville 2016, Deep Learning, sections 4.1 and 8.2.4; Micikevicius et al. 2018, Mixed
    precision training, ICLR.
    """
    losses = run.steps["loss"]
    bad = np.flatnonzero(~np.isfinite(losses.value))
    rows = [row for row in run.all_evaluations if not math.isfinite(row.loss)]
    if not len(bad) and not rows and not run.diverged:
        return
    before = finite(losses).value[: int(bad[0])] if len(bad) else finite(losses).value
    step = int(losses.step[bad[0]]) if len(bad) else rows[0].step if rows else run.info.steps
    grew = len(before) >= 2 and float(before[-3:].max()) > 3 * float(np.median(before[: max(1, len(before) // 5)]))
    rate, at_once = peak_rate(run), len(before) == 0
    where = f"at step {step:,}" if len(bad) or rows else f"by step {step:,}"
    how = "at once" if at_once else "after it had grown" if grew else "without growing before"
    change: dict[str, float | str] = {"optimizer.lr": rate / 10} if grew and rate is not None else {}
    if not change and not at_once and run.recipe_value("clipping.name") == "none":
        change = {"clipping": "norm"}
    yield Finding(
        "non-finite-loss",
        "error",
        f"The loss was not a finite number {where}, {how}.",
        {
            "step": step,
            "non_finite_steps": len(bad),
            "non_finite_evaluations": len(rows),
            "first_loss": float(before[0]) if len(before) else None,
            "last_finite_loss": float(before[-1]) if len(before) else None,
            "grew_before": grew,
            "peak_rate": rate,
        },
        Remedy(
            "Lower the learning rate to a tenth, with a warm-up."
            if grew
            else "Look for NaN in the data, logarithms of 0 and divisions by 0; clip the gradient norm.",
            change,
        ),
    )


@rule("constant-loss", "error", explains=("no-better-than-chance", "underfitting", "learning-rate-too-low"))
def constant_loss(run: RunRecord) -> Iterator[Finding]:
    """The loss is exactly the same at every step.

    ## What it checks
    The training loss of at least 20 steps from the first on: no bit changes. Different batches through living weights
    never give that.

    ## Why it matters
    The loss does not depend on the weights, or not on the data: its gradient is zero, so nothing is learned.

    ## What to try
    Look at what goes into the loss: a softmax over one output, an `argmax`, a clamped output, a detached tensor, a
    target compared with itself.

    ## When it is wrong
    Full-batch training with weights that are frozen on purpose.

    ## Source
    Karpathy 2019, A recipe for training neural networks; the check is exact.
    """
    losses = run.steps["loss"]
    if len(losses) < 20 or losses.step[0] != 0 or not np.isfinite(losses.value).all() or np.ptp(losses.value) != 0:
        return
    yield Finding(
        "constant-loss",
        "error",
        f"The training loss is {losses.value[0]:g} at each of {len(losses):,} steps.",
        {"loss": float(losses.value[0]), "steps": len(losses)},
        Remedy("Follow the loss back to the weights: something on the way cuts it off or saturates."),
    )
