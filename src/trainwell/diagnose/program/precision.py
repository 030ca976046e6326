"""Half precision: loss scaling and where the gradients are looked at."""

from __future__ import annotations

from collections.abc import Iterator

from trainwell.diagnose.program.reading import trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord

_ORDER = (
    "scaler.scale(loss).backward()\nscaler.unscale_(optimizer)\nclip_grad_norm_(...)\n"
    "scaler.step(optimizer)\nscaler.update()"
)


@rule("clip-before-unscale", "error", explains=("always-clipped", "learning-rate-too-low", "underfitting"))
def clip_before_unscale(run: RunRecord) -> Iterator[Finding]:
    """Gradients are clipped while they still carry the loss scale.

    ## What it checks
    Clip calls in steps of an enabled GradScaler without `unscale_` before them, in half of the steps or more.

    ## Why it matters
    The gradients are thousands of times too large there, so the clip cuts every step by that factor.

    ## What to try
    `scaler.unscale_(optimizer)` before the clip.

    ## When it is wrong
    A limit that was multiplied by the scale by hand.

    ## Source
    PyTorch documentation, Automatic mixed precision examples, Gradient clipping.
    """
    for scaler in trace_of(run).scalers:
        if scaler.clips_before_unscale >= 2 and scaler.clips_before_unscale >= 0.5 * max(1, scaler.scale_calls):
            yield Finding(
                "clip-before-unscale",
                "error",
                f"{scaler.clips_before_unscale} clips saw gradients that still carried the loss scale.",
                {"clips": scaler.clips_before_unscale, "unscale_calls": scaler.unscales},
                Remedy("Unscale before clipping.", code=_ORDER),
                scaler.clip_place,
            )


@rule(
    "scaler-misuse",
    "error",
    explains=(
        "learning-rate-too-high",
        "non-finite-loss",
        "exploding-gradients",
        "fp16-without-scaling",
        "frozen-model",
    ),
)
def scaler_misuse(run: RunRecord) -> Iterator[Finding]:
    """A GradScaler is used in part: `optimizer.step()` directly, `update()` forgotten, or most steps skipped.

    ## What it checks
    For an enabled scaler: steps of the optimizer outside of `scaler.step`, on scaled gradients or where `update` is
    called all the same; no `update` over five or more steps; 50 % or more of at least 20 steps skipped because of
    infinite gradients.

    ## Why it matters
    A direct step uses gradients thousands of times too large; without `update` the scale never adapts; skipped steps
    teach nothing.

    ## What to try
    scale, (unscale, clip,) step, update: in this order, each step.

    ## When it is wrong
    The first steps of a run are often skipped; that is how the scale is found.

    ## Source
    PyTorch documentation, torch.amp.GradScaler.
    """
    trace = trace_of(run)
    for scaler in trace.scalers:
        direct = sum(o.direct_steps_under_scaler for o in trace.optimizers)
        place, problem = None, ""
        unscaled = scaler.unscales >= direct
        if direct >= 3 and (not unscaled or (scaler.steps == 0 and scaler.updates)):
            place = next((o.step_place for o in trace.optimizers if o.direct_steps_under_scaler), None)
            problem = f"optimizer.step() was called directly {direct} times " + (
                "past the scaler, which skips steps whose gradients are infinite" if unscaled else "on scaled gradients"
            )
        elif scaler.steps >= 5 and scaler.updates == 0:
            place, problem = scaler.step_place, f"scaler.update() was never called in {scaler.steps} steps"
        elif scaler.steps >= 20 and scaler.skipped >= 0.5 * scaler.steps:
            place, problem = (
                scaler.step_place,
                f"{scaler.skipped} of {scaler.steps} steps were skipped: infinite gradients",
            )
        if problem:
            yield Finding(
                "scaler-misuse",
                "error",
                f"The loss is scaled, but {problem}.",
                {
                    "scaled": scaler.scale_calls,
                    "steps": scaler.steps,
                    "updates": scaler.updates,
                    "skipped": scaler.skipped,
                    "direct_steps": direct,
                },
                Remedy("Use the scaler for all of it.", code=_ORDER),
                place,
            )


@rule("fp16-without-scaling", "error", explains=("vanishing-gradients", "learning-rate-too-low", "non-finite-loss"))
def fp16_without_scaling(run: RunRecord) -> Iterator[Finding]:
    """Gradients are computed in float16 without loss scaling.

    ## What it checks
    float16 results in the graph of the loss (from autocast or half-precision weights) in backward passes whose loss no
    enabled GradScaler had scaled.

    ## Why it matters
    Gradients below 6e-8 become zero in float16: layers stop learning without any message.

    ## What to try
    A GradScaler, or bfloat16.

    ## When it is wrong
    A loss that was multiplied by a constant by hand.

    ## Source
    Micikevicius et al. 2018, Mixed precision training, ICLR.
    """
    trace = trace_of(run)
    for backward in trace.backwards:
        if backward.half and not backward.scaled and backward.calls >= 2 and any(o.steps for o in trace.optimizers):
            yield Finding(
                "fp16-without-scaling",
                "error",
                f"{backward.calls} backward passes ran through float16 without loss scaling.",
                {"backward_calls": backward.calls, "scaled": 0},
                Remedy("Use a GradScaler, or bfloat16.", code="torch.autocast(device, dtype=torch.bfloat16)"),
                backward.place,
            )
