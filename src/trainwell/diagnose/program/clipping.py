"""Clipping of gradients: where it stands, and how much it takes away."""

from __future__ import annotations

from collections.abc import Iterator

from trainwell.diagnose.program.loop import ADAPTIVE
from trainwell.diagnose.program.reading import count, trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord


@rule("misplaced-clipping", "error", explains=("exploding-gradients", "loss-spikes", "always-clipped"))
def misplaced_clipping(run: RunRecord) -> Iterator[Finding]:
    """Gradients are clipped where it has no effect: after the step, or before the backward pass.

    ## What it checks
    Between two steps of an optimizer: a clip with no backward pass (or only a clear) in front of it, while none
    comes between the last backward pass and the step. In at least half of the steps that clip.

    ## Why it matters
    The step uses gradients that nobody clipped; the protection against a bad batch is not there.

    ## What to try
    Backward, then clip, then step.

    ## When it is wrong
    A clip call that only measures the norm.

    ## Source
    Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks, ICML.
    """
    trace = trace_of(run)
    for optimizer in trace.optimizers:
        clipping = count(optimizer, r".*c.*")
        bad = count(optimizer, r"[^bBp]*c[^c]*[bBp][^c]*[se]")
        if clipping >= 2 and bad / clipping >= 0.5:
            place = trace.clips[0].place if trace.clips else optimizer.step_place
            after = count(optimizer, r"[^bBzp]*c.*") >= bad / 2
            yield Finding(
                "misplaced-clipping",
                "error",
                "Gradients are clipped "
                + ("after the step" if after else "before the backward pass")
                + f" in {bad} of {clipping} steps; the step itself uses unclipped ones.",
                {"steps_that_clip": clipping, "without_effect": bad},
                Remedy(
                    "Clip between the backward pass and the step.",
                    code="loss.backward()\ntorch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\noptimizer.step()",
                ),
                place,
            )


@rule("always-clipped", "warning")
def always_clipped(run: RunRecord) -> Iterator[Finding]:
    """Almost every gradient is clipped by a large factor, so the clip sets the step and the gradient hardly does.

    ## What it checks
    Past the first fifth of the run, whether at least 95 % of the norms were above the limit, by a factor of 10 or
    more in the median.

    ## Why it matters
    Every step has the same length whatever the slope: the learning rate acts as a step length, and training cannot
    settle. Often the limit was copied from a model with another gradient scale, or the loss is a sum.

    ## What to try
    Raise the limit to about the 90th percentile of the norms seen, and lower the learning rate to match.

    ## When it is wrong
    Methods that normalise gradients on purpose. Adam and its kin hardly notice a constant
    factor (advice then, below a factor of 50).

    ## Source
    Zhang et al. 2020, Why gradient clipping accelerates training, ICLR.
    """
    trace = trace_of(run)
    stepping = [o for o in trace.optimizers if o.steps]
    adaptive = bool(stepping) and all(o.kind.startswith(ADAPTIVE) for o in stepping)
    for clip in trace.clips:
        rows = [(norm, limit) for _, norm, limit in clip.norms if limit > 0 and norm == norm]
        rows = rows[len(rows) // 5 :]
        if len(rows) < 12:
            continue
        clipped = [norm / limit for norm, limit in rows if norm > limit]
        factor = sorted(norm / limit for norm, limit in rows)[len(rows) // 2]
        if len(clipped) / len(rows) >= 0.95 and factor >= 10:
            yield Finding(
                "always-clipped",
                "advice" if adaptive and factor < 50 else "warning",
                f"{len(clipped)} of {len(rows)} gradients looked at were clipped, by a factor of "
                f"{factor:.0f} in the median.",
                {"looked_at": len(rows), "clipped": len(clipped), "median_factor": factor, "limit": rows[-1][1]},
                Remedy(f"Raise the limit; the median norm is {factor * rows[-1][1]:.3g}."),
                clip.place,
            )
