"""Time that is spent waiting: for data, for the accelerator."""

from __future__ import annotations

from collections.abc import Iterator

from trainwell.diagnose.program.reading import trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord


@rule("data-bound", "advice")
def data_bound(run: RunRecord) -> Iterator[Finding]:
    """Most of a step is spent waiting for the loader.

    ## What it checks
    Time inside the training loader's `next` against all of the time under observation, over 2 seconds or more.

    ## Why it matters
    The accelerator idles.

    ## What to try
    More workers, data prepared once, larger chunks, pinned memory.

    ## When it is wrong
    Start-up of workers in a very short run.

    ## Source
    PyTorch performance tuning guide.
    """
    trace = trace_of(run)
    for loader in trace.loaders:
        if loader.train and trace.seconds > 2 and loader.wait_seconds > 0.5 * trace.seconds and loader.delivered >= 20:
            yield Finding(
                "data-bound",
                "advice",
                f"{loader.wait_seconds:.1f} of {trace.seconds:.1f} seconds went into waiting for data.",
                {"waiting_seconds": loader.wait_seconds, "seconds": trace.seconds, "workers": loader.workers},
                Remedy("Use more workers, or prepare the data once.", code="DataLoader(..., num_workers=4)"),
                loader.place,
            )


@rule("sync-every-step", "advice")
def sync_every_step(run: RunRecord) -> Iterator[Finding]:
    """The accelerator waits at each step for a number to be read.

    ## What it checks
    On an accelerator: `item()`, `tolist()`, `cpu()` and comparisons of tensors, counted by line. Reported for a line
    that does so at nine of ten steps or more, over 20 steps.

    ## Why it matters
    The processor waits until all queued work is done before it can queue more: small models run at a fraction of their
    speed.

    ## What to try
    Add up losses as tensors (`total += loss.detach()`) and read the sum every hundred steps.

    ## When it is wrong
    Large models, whose steps take far longer than the wait.

    ## Source
    PyTorch performance tuning guide, Avoid unnecessary CPU-GPU synchronization.
    """
    trace = trace_of(run)
    if trace.device == "cpu" or trace.steps < 20:
        return
    found = [(place, count) for place, count in trace.waits if count >= 0.9 * trace.steps]
    if found:
        place, count = found[0]
        yield Finding(
            "sync-every-step",
            "advice",
            f"This line read a number off the accelerator {count} times in {trace.steps} steps.",
            {"reads": count, "steps": trace.steps, "lines": [str(p) for p, _ in found[:5]]},
            Remedy("Add up tensors and read the sum now and then.", code="total += loss.detach()"),
            place,
        )
