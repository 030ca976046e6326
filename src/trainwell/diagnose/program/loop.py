"""The training loop: order of backward, clear, clip and step."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainwell.diagnose.rule import rule
from trainwell.records import Finding, OptimizerTrace, Remedy, RunRecord, TraceRecord

_STEP = re.compile(r"[se]$")


def trace_of(run: RunRecord) -> TraceRecord:
    """What the tracer saw; an empty record for runs of our own trainer."""
    return run.trace if run.trace is not None else TraceRecord()


def share(optimizer: OptimizerTrace, pattern: str) -> float:
    """Share of an optimizer's cycles that a regular expression matches as a whole."""
    total = sum(optimizer.cycles.values())
    found = sum(n for cycle, n in optimizer.cycles.items() if re.fullmatch(pattern, cycle))
    return found / total if total else 0.0


@rule(
    "missing-zero-grad",
    "error",
    explains=("learning-rate-too-high", "loss-spikes", "exploding-gradients", "non-finite-loss", "always-clipped", "no-better-than-chance", "underfitting", "dead-units", "saturated-activations"),
)
def missing_zero_grad(run: RunRecord) -> Iterator[Finding]:
    """Gradients are not cleared between steps, so every step uses the sum of all gradients so far.

    ## What it checks
    For each optimizer, whether the gradients that a step uses still hold those of the step before: no clear was
    seen since then (`zero_grad` of optimizer or model, gradients set to None or zero by hand), and the gradients
    were not zero when the first backward pass of the cycle began. Reported when that is so for half of the steps or more.

    ## Why it matters
    The optimizer walks along a sum of old gradients: momentum without decay. The effective step grows with time,
    training swings or diverges, and the learning rate means nothing. Accuracy may look almost right.

    ## What to try
    Call `optimizer.zero_grad()` once for every `optimizer.step()`, before the backward pass.

    ## When it is wrong
    Accumulating over several backward passes is fine as long as a clear follows each step.

    ## Source
    PyTorch tutorial, Zeroing out gradients; Zhang et al. 2018, An empirical study on TensorFlow program bugs, ISSTA.
    """
    for optimizer in trace_of(run).optimizers:
        if optimizer.closure or optimizer.steps < 4:
            continue
        carried = sum(
            n for cycle, n in optimizer.cycles.items() if "B" in cycle and "z" not in cycle and "b" not in cycle
        )
        total = sum(optimizer.cycles.values())
        if carried < 3 or carried / total < 0.5:
            continue
        clears = sum(cycle.count("z") * n for cycle, n in optimizer.cycles.items())
        often = "never cleared" if not clears else f"cleared only {clears} times in {optimizer.steps} steps"
        yield Finding(
            "missing-zero-grad",
            "error",
            f"Gradients are {often}: {carried} of {total} steps added to those of the step before.",
            {"steps": optimizer.steps, "steps_on_old_gradients": carried, "clears": clears},
            Remedy(
                "Clear the gradients once per step, before the backward pass.",
                code="optimizer.zero_grad()\nloss.backward()\noptimizer.step()",
            ),
            optimizer.step_place if not clears else optimizer.clear_place or optimizer.step_place,
        )
