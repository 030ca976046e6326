"""Options and habits: weight decay, seeds, resuming."""

from __future__ import annotations

from collections.abc import Iterator

from trainwell.diagnose.program.reading import main_optimizer, trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import FileTrace, Finding, OptimizerTrace, Remedy, RunRecord

_STATEFUL = ("Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adamax", "Adadelta", "Adafactor", "Muon")


@rule("coupled-weight-decay", "advice")
def coupled_weight_decay(run: RunRecord) -> Iterator[Finding]:
    """Adam with L2 inside the gradient instead of decoupled weight decay.

    ## What it checks
    `weight_decay` above zero in Adam, NAdam or RAdam without `decoupled_weight_decay`.

    ## Why it matters
    Adam divides the decay by the gradient's size: weights with large gradients hardly decay.

    ## What to try
    AdamW, with weight decay tuned anew.

    ## When it is wrong
    Results that have to match an older paper.

    ## Source
    Loshchilov & Hutter 2019, Decoupled weight decay regularization, ICLR.
    """
    for optimizer in trace_of(run).optimizers:
        decay = max((g.get("weight_decay") or 0 for g in optimizer.groups), default=0)
        decoupled = any(g.get("decoupled_weight_decay") for g in optimizer.groups)
        if optimizer.kind in ("Adam", "NAdam", "RAdam") and decay > 0 and not decoupled and optimizer.steps:
            yield Finding(
                "coupled-weight-decay",
                "advice",
                f"{optimizer.kind} adds weight decay {decay:g} to the gradient.",
                {"weight_decay": decay},
                Remedy("Use AdamW.", code="torch.optim.AdamW(..., weight_decay=0.01)"),
                optimizer.place,
            )


@rule("decayed-norms-and-biases", "advice")
def decayed_norms_and_biases(run: RunRecord) -> Iterator[Finding]:
    """Weight decay acts on norm scales and biases too.

    ## What it checks
    Parameter groups with weight decay that hold scales of norm layers, in models with weights as well.

    ## Why it matters
    Pulling scales and offsets towards zero does not regularise; it costs a little accuracy.

    ## What to try
    A second group with `weight_decay=0` for parameters of fewer than two dimensions.

    ## When it is wrong
    Small decays, where it makes no difference.

    ## Source
    He et al. 2019, Bag of tricks for image classification, section 3.1.
    """
    for optimizer in trace_of(run).optimizers:
        for group in optimizer.groups:
            kinds = group.get("kinds", {})
            if (
                (group.get("weight_decay") or 0) >= 1e-3
                and kinds.get("norm")
                and kinds.get("weight")
                and optimizer.steps
            ):
                yield Finding(
                    "decayed-norms-and-biases",
                    "advice",
                    f"Weight decay {group['weight_decay']:g} acts on {kinds['norm']} norm parameters.",
                    {"weight_decay": group["weight_decay"], "norm_parameters": kinds["norm"]},
                    Remedy("Put parameters of fewer than two dimensions into a group without weight decay."),
                    optimizer.place,
                )
                return


@rule("unseeded-run", "advice")
def unseeded_run(run: RunRecord) -> Iterator[Finding]:
    """No seed is set, so the run cannot be repeated.

    ## What it checks
    Calls of `torch.manual_seed` before or during training.

    ## Why it matters
    Two runs differ by chance, and nobody can tell a better idea from a better draw.

    ## What to try
    `torch.manual_seed(seed)` at the start, and several seeds for a comparison.

    ## When it is wrong
    Runs that vary on purpose.

    ## Source
    Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks, MLSys.
    """
    trace = trace_of(run)
    optimizer = main_optimizer(trace)
    if run.trace is not None and "torch" not in trace.seeds and optimizer is not None and optimizer.steps >= 10:
        yield Finding(
            "unseeded-run",
            "advice",
            "torch.manual_seed was not called.",
            {"seeds": list(trace.seeds)},
            Remedy("Set a seed.", code="torch.manual_seed(0)"),
            optimizer.place,
        )


@rule("state-lost-on-resume", "error", explains=("loss-spikes",))
def state_lost_on_resume(run: RunRecord) -> Iterator[Finding]:
    """A resumed run restores the weights and not the optimizer.

    ## What it checks
    Training steps of an optimizer with state over weights that were loaded before its first step, while its own state
    was not. Either the checkpoint holds the state of an optimizer of the same rate over as many tensors, or this
    program saved it after steps of an optimizer of the same kind and rate over as many tensors.

    ## Why it matters
    Momentum and running moments start from nothing: the loss jumps at every resume, and results depend on
    how often the job was interrupted.

    ## What to try
    Save and load `optimizer.state_dict()` (and the scheduler's) with the weights.

    ## When it is wrong
    A second phase of training that repeats the options of the first on purpose.

    ## Source
    PyTorch tutorial, Saving and loading a general checkpoint.
    """
    trace = trace_of(run)
    saved = {f.path: f.step for f in trace.files if f.what == "save" and f.path and f.step > 0}
    for number, load in enumerate(trace.files):
        into = next((f for f in trace.files[number:] if f.what == "model-load"), None)
        if load.what != "load" or into is None:
            continue
        holds = "optimizer-state" in load.holds
        own = load.path in saved
        if not (holds or own):
            continue
        restored = any(f.what == "optimizer-load" for f in trace.files[number:])
        for optimizer in trace.optimizers:
            stateful = optimizer.kind in _STATEFUL or any(g.get("momentum") for g in optimizer.groups)
            goes_on = _held(load, optimizer) or (own and any(_alike(optimizer, o) for o in trace.optimizers))
            if stateful and optimizer.steps >= 3 and optimizer.weights_from == into.target and goes_on and not restored:
                yield Finding(
                    "state-lost-on-resume",
                    "error",
                    f"Weights were loaded and training went on for {optimizer.steps} steps with a fresh "
                    f"{optimizer.kind}.",
                    {"checkpoint_holds_optimizer": holds, "steps_after": optimizer.steps},
                    Remedy(
                        "Load the optimizer's state too.", code='optimizer.load_state_dict(checkpoint["optimizer"])'
                    ),
                    into.place,
                )
                return


def _held(load: FileTrace, optimizer: OptimizerTrace) -> bool:
    """Whether a checkpoint holds the state of such an optimizer: its rate, as many tensors."""
    return bool(optimizer.lr) and f"optimizer-state {optimizer.tensors} {optimizer.lr[0][1]:g}" in load.holds


def _alike(optimizer: OptimizerTrace, earlier: OptimizerTrace) -> bool:
    """Whether an optimizer repeats an earlier one that had made steps, as after an interruption."""
    if earlier.key >= optimizer.key or not earlier.steps or not (earlier.lr and optimizer.lr):
        return False
    return (earlier.kind, earlier.tensors) == (optimizer.kind, optimizer.tensors) and (
        earlier.lr[0][1] == optimizer.lr[0][1]
    )
