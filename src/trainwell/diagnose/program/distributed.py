"""Training in several processes: replicas that hold different weights."""

from __future__ import annotations

from collections.abc import Iterator

from trainwell.diagnose.program.reading import main_optimizer, trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Remedy, RunRecord


@rule("replicas-diverged", "error", explains=("loss-spikes", "best-weights-lost"))
def replicas_diverged(run: RunRecord) -> Iterator[Finding]:
    """Data-parallel replicas hold different weights.

    ## What it checks
    In distributed training of two or more processes: the sum of the absolute weights after steps 1, 2, 4, 8, ...
    Reported when it differs between processes at every step that was compared (two or more), where the processes
    average gradients, or share one data set through a DistributedSampler.

    ## Why it matters
    Each process trains a model of its own. Averaged gradients of different models fit none of them, and only one of
    the models is saved.

    ## What to try
    Wrap the model in DistributedDataParallel, or broadcast the weights of rank 0 before the first step; use one seed
    for the initial weights.

    ## When it is wrong
    Methods that average weights now and then instead of gradients are not reported; ensembles and model-parallel
    training have neither averaged gradients nor a shared sampler.

    ## Source
    Li et al. 2020, PyTorch distributed: experiences on accelerating data parallel training, VLDB.
    """
    trace = trace_of(run)
    mine = dict(trace.weight_sums)
    sampled = any(entry.sampler == "DistributedSampler" and entry.train for entry in trace.loaders)
    if not trace.other_sums or trace.averaged.get("parameters") or not (trace.averaged.get("gradients") or sampled):
        return
    for rank, sums in trace.other_sums.items():
        both = [(mine[step], value) for step, value in sums if step in mine]
        apart = [abs(a - b) > 1e-6 * max(abs(a), abs(b)) for a, b in both]
        if len(both) >= 2 and all(apart):
            optimizer = main_optimizer(trace)
            yield Finding(
                "replicas-diverged",
                "error",
                f"The weights of process {trace.rank} and of process {rank} differ after each of the {len(both)} steps "
                "compared: every process trains a model of its own.",
                {"processes": 1 + len(trace.other_sums), "compared": len(both), "sums": list(both[-1])},
                Remedy(
                    "Start all replicas from the same weights.",
                    code="for p in model.parameters(): torch.distributed.broadcast(p.data, 0)",
                ),
                trace.places.get("model") or (None if optimizer is None else optimizer.place),
            )
            return
