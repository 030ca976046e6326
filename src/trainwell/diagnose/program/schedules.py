"""Learning-rate schedules: direction, length, order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from trainwell.diagnose.program.reading import also, trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, OptimizerTrace, Remedy, RunRecord, SchedulerTrace, TraceRecord

_LOSSES = ("learning-rate-too-high", "loss-spikes", "exploding-gradients", "non-finite-loss", "best-weights-lost")


def _owner(trace: TraceRecord, scheduler: SchedulerTrace) -> OptimizerTrace | None:
    return next((o for o in trace.optimizers if o.key == scheduler.optimizer), None)


@rule("rising-schedule", "error", explains=(*_LOSSES, "no-better-than-chance", "dead-units"))
def rising_schedule(run: RunRecord) -> Iterator[Finding]:
    """The schedule keeps raising the learning rate.

    ## What it checks
    The rate at every step, to the end of what was seen: it never fell, rose at two or more times by a factor of
    1.5 in all, and was still rising in the last part. For exponential and step schedules `gamma` above 1 is enough; for
    others (which may be in a warm-up) the program must have come to its own end.

    ## Why it matters
    Training needs smaller steps towards the end; a growing rate undoes what was learned and at last diverges.

    ## What to try
    `gamma` below 1, or a cosine or linear decay.

    ## When it is wrong
    A learning-rate range test raises the rate per step over several powers of ten and stops: not reported.

    ## Source
    Smith 2017, Cyclical learning rates (range test); Robbins & Monro 1951.
    """
    trace = trace_of(run)
    for scheduler in trace.schedulers:
        optimizer = _owner(trace, scheduler)
        if optimizer is None or len(optimizer.lr) < 2 or not scheduler.steps:
            continue
        rates = [rate for _, rate in optimizer.lr]
        gamma = scheduler.options.get("gamma")
        certain = (
            isinstance(gamma, int | float)
            and gamma > 1
            and scheduler.kind in ("ExponentialLR", "StepLR", "MultiStepLR")
        )
        falls = any(b < a * (1 - 1e-9) for a, b in itertools.pairwise(rates))
        growth = rates[-1] / rates[0] if rates[0] > 0 else float("inf")
        per_step = scheduler.steps >= 0.8 * max(1, scheduler.optimizer_steps)
        range_test = per_step and growth >= 1e3 and rates[0] <= 1e-3
        if falls or range_test or scheduler.kind in ("OneCycleLR", "CyclicLR", "CosineAnnealingWarmRestarts"):
            continue
        if scheduler.options.get("part_of") or scheduler.kind in (
            "SequentialLR",
            "ChainedScheduler",
            "CosineAnnealingLR",
        ):
            continue
        late = optimizer.lr[-1][0] >= 0.6 * optimizer.steps
        if growth >= (1.05 if certain else 1.5) and (certain or (len(rates) >= 3 and late and trace.finished)):
            yield Finding(
                "rising-schedule",
                "error",
                f"{scheduler.kind} raised the learning rate from {rates[0]:.3g} to {rates[-1]:.3g} and "
                "never lowered it.",
                {"first_rate": rates[0], "last_rate": rates[-1], "changes": len(rates) - 1, "gamma": gamma},
                Remedy("Let the rate fall.", code=f"{scheduler.kind}(optimizer, ..., gamma=0.95)" if gamma else None),
                scheduler.place,
            )


@rule(
    "collapsed-schedule",
    "error",
    explains=("learning-rate-too-low", "underfitting", "no-better-than-chance", "stopped-early"),
)
def collapsed_schedule(run: RunRecord) -> Iterator[Finding]:
    """The rate falls to almost nothing early in the run.

    ## What it checks
    The rate at every step: below 1e-3 of its peak from a point in the first half of the run to the end of it, while
    more than 20 steps followed.

    ## Why it matters
    From there on nothing is learned. Usually a scheduler meant per epoch is stepped per batch.

    ## What to try
    Step the scheduler once per epoch, or give it the number of batches.

    ## When it is wrong
    A decay that was meant to end there, with the rest of the run as idle time.

    ## Source
    PyTorch documentation, How to adjust learning rate.
    """
    trace = trace_of(run)
    for optimizer in trace.optimizers:
        if len(optimizer.lr) < 3 or optimizer.steps < 30:
            continue
        peak = max(rate for _, rate in optimizer.lr)
        low = peak * 1e-3
        at = next((s for i, (s, r) in enumerate(optimizer.lr) if all(x <= low for _, x in optimizer.lr[i:])), None)
        if at is None or at > 0.5 * optimizer.steps or optimizer.steps - at < 20:
            continue
        schedulers = [s for s in trace.schedulers if s.optimizer == optimizer.key and s.steps]
        if not schedulers:
            continue
        scheduler = schedulers[0]
        per = "per step" if scheduler.steps >= 0.8 * scheduler.optimizer_steps else "per epoch"
        yield also(
            Finding(
                "collapsed-schedule",
                "error",
                f"The learning rate fell from {peak:.3g} to {optimizer.lr[-1][1]:.3g}; from "
                f"step {at} of {optimizer.steps} on "
                f"it was below a thousandth of its peak. {scheduler.kind} was stepped {per}.",
                {
                    "peak": peak,
                    "last_rate": optimizer.lr[-1][1],
                    "collapsed_at_step": at,
                    "steps": optimizer.steps,
                    "scheduler_steps": scheduler.steps,
                },
                Remedy("Step the scheduler once per epoch, or count its length in batches."),
                scheduler.step_place or scheduler.place,
            ),
            scheduler.place,
        )


@rule("scheduler-before-optimizer", "warning")
def scheduler_before_optimizer(run: RunRecord) -> Iterator[Finding]:
    """`scheduler.step()` comes before `optimizer.step()`.

    ## What it checks
    Whether a scheduler made its first step before the first step of its optimizer, and both step as often as
    each other or the scheduler once per epoch.

    ## Why it matters
    The first value of the schedule is skipped, and every epoch runs at the rate meant for the next.

    ## What to try
    Step the scheduler after the optimizer.

    ## When it is wrong
    A GradScaler that skips the first steps: not reported while a scaler is in use.

    ## Source
    PyTorch 1.1 release notes; documentation of torch.optim.
    """
    trace = trace_of(run)
    if trace.scalers:
        return
    for scheduler in trace.schedulers:
        optimizer = _owner(trace, scheduler)
        if scheduler.before_first_step and scheduler.steps >= 2 and optimizer is not None and optimizer.steps >= 2:
            yield also(
                Finding(
                    "scheduler-before-optimizer",
                    "warning",
                    f"{scheduler.kind} was stepped before the optimizer's first step: the first value of the "
                    "schedule is lost.",
                    {"scheduler_steps": scheduler.steps, "optimizer_steps": scheduler.optimizer_steps},
                    Remedy("Step the scheduler after the optimizer.", code="optimizer.step()\nscheduler.step()"),
                    scheduler.step_place,
                ),
                scheduler.place,
            )


@rule("scheduler-not-stepped", "warning", explains=("learning-rate-too-high",))
def scheduler_not_stepped(run: RunRecord) -> Iterator[Finding]:
    """A scheduler is made and never stepped.

    ## What it checks
    Schedulers without a step, over an optimizer that stepped for more than two epochs (or 50 steps where epochs
    are not known), at a program that came to its end.

    ## Why it matters
    The rate stays what it was: for a warm-up that may be a tiny value.

    ## What to try
    `scheduler.step()` once per epoch, or per batch where it is meant so.

    ## When it is wrong
    Parts of a SequentialLR or ChainedScheduler are stepped by it and not reported.

    ## Source
    PyTorch documentation, How to adjust learning rate.
    """
    trace = trace_of(run)
    passes = max((entry.passes for entry in trace.loaders if entry.train), default=0)
    for scheduler in trace.schedulers:
        if scheduler.steps or scheduler.options.get("part_of") or not trace.finished:
            continue
        if scheduler.optimizer_steps >= 20 and (passes > 2 or (passes == 0 and scheduler.optimizer_steps >= 30)):
            yield Finding(
                "scheduler-not-stepped",
                "warning",
                f"{scheduler.kind} was made and never stepped in {scheduler.optimizer_steps} optimizer steps.",
                {"scheduler_steps": 0, "optimizer_steps": scheduler.optimizer_steps, "epochs": passes},
                Remedy("Step it after each epoch.", code="scheduler.step()"),
                scheduler.place,
            )
