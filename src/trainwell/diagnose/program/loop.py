"""The training loop: order of backward, clear, clip and step."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from trainwell.diagnose.program.reading import count, share, trace_of
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, Place, Remedy, RunRecord

_CURVES = (
    "learning-rate-too-high",
    "learning-rate-too-low",
    "loss-spikes",
    "exploding-gradients",
    "non-finite-loss",
    "always-clipped",
    "no-better-than-chance",
    "underfitting",
    "overfitting",
    "best-weights-lost",
    "dead-units",
    "saturated-activations",
    "constant-loss",
    "bad-initial-loss",
)
ADAPTIVE = ("Adam", "NAdam", "RAdam", "RMSprop", "Adagrad", "Lion", "Adafactor")
_LOOP = "optimizer.zero_grad()\nloss.backward()\noptimizer.step()"
_PHASE = 2  # evaluations in the life of an optimizer that make it a phase of its own


@rule(
    "missing-zero-grad",
    "error",
    explains=(*(name for name in _CURVES if name != "learning-rate-too-low"), "accumulation-not-averaged"),
)
def missing_zero_grad(run: RunRecord) -> Iterator[Finding]:
    """Gradients are not cleared between steps, so every step uses the sum of all gradients so far.

    ## What it checks
    For each optimizer, whether the gradients that a step uses still hold those of the step before: no clear was
    seen since then (`zero_grad` of optimizer or model, gradients set to None or zero by hand), and they
    were not zero when the first backward pass of the cycle began. Reported from half of the steps on. Where no
    optimizer is used: tensors that were written to between two backward passes and still held their gradient then.

    ## Why it matters
    The optimizer walks along a sum of old gradients: momentum without decay. The effective step grows with time,
    training swings or diverges, and the learning rate means nothing. Accuracy may look almost right.

    ## What to try
    Call `optimizer.zero_grad()` once for every `optimizer.step()`, before the backward pass.

    ## When it is wrong
    Accumulating over several backward passes is fine as long as a clear follows each step, and is not reported.

    ## Source
    PyTorch tutorial, Zeroing out gradients; Zhang et al. 2018, An empirical study on TensorFlow program bugs, ISSTA.
    """
    for optimizer in trace_of(run).optimizers:
        if optimizer.closure or optimizer.steps < 4:
            continue
        total = sum(optimizer.cycles.values())
        carried = count(optimizer, r"[^zb]*B[^zb]*")
        if carried < 3 or carried / total < 0.5:
            continue
        clears = sum(cycle.count("z") * n for cycle, n in optimizer.cycles.items())
        often = "never cleared" if not clears else f"cleared only {clears} times in {optimizer.steps} steps"
        yield Finding(
            "missing-zero-grad",
            "error",
            f"Gradients are {often}: {carried} of {total} steps added to those of the step before.",
            {"steps": optimizer.steps, "steps_on_old_gradients": carried, "clears": clears},
            Remedy("Clear the gradients once per step, before the backward pass.", code=_LOOP),
            optimizer.clear_place if clears and optimizer.clear_place else optimizer.step_place,
        )
    for backward in trace_of(run).backwards:
        if backward.uncleared_by_hand >= 2 and backward.uncleared_by_hand == backward.updated_by_hand:
            yield Finding(
                "missing-zero-grad",
                "error",
                "Weights are updated by hand and their gradients are never cleared: "
                f"{backward.uncleared_by_hand} of {backward.updated_by_hand} updates that were looked at left them.",
                {"updates_looked_at": backward.updated_by_hand, "left_uncleared": backward.uncleared_by_hand},
                Remedy("Clear the gradients after each update.", code="for p in parameters: p.grad = None"),
                backward.place,
            )


@rule("gradients-cleared-before-step", "error", explains=(*_CURVES, "frozen-model", "missing-backward"))
def gradients_cleared_before_step(run: RunRecord) -> Iterator[Finding]:
    """Gradients are cleared after the backward pass and before the step, so the step does nothing.

    ## What it checks
    The order of events between two steps of an optimizer: a clear after the last backward pass, in at least half of
    the steps. Also a clear between two backward passes from one forward pass (the losses of two tasks), before any
    step: then the first loss trains nothing.

    ## Why it matters
    The optimizer sees no gradient: weights stay, or move by weight decay and old momentum alone.

    ## What to try
    Move `optimizer.zero_grad()` in front of `loss.backward()`, or behind `optimizer.step()`.

    ## When it is wrong
    If another optimizer's gradients are cleared there on purpose; those cycles still hold a step without gradients.

    ## Source
    FAULTS catalogue; Nikanjam et al. 2021, Automatic fault detection for deep learning programs (NeuraLint), TOSEM.
    """
    stepping = [optimizer for optimizer in trace_of(run).optimizers if optimizer.steps]
    for optimizer in stepping:
        early = min(64, optimizer.steps)
        if len(stepping) == 1 and optimizer.discarded >= 3 and optimizer.discarded >= 0.5 * early:
            yield Finding(
                "gradients-cleared-before-step",
                "error",
                "The gradients of one backward pass are cleared before the next one from the same forward pass: in "
                f"{optimizer.discarded} of the first {early} steps only the last loss reached the weights.",
                {"steps": optimizer.steps, "backward_passes_lost": optimizer.discarded},
                Remedy("Clear once for each step, or add the losses and make one backward pass.", code=_LOOP),
                optimizer.discard_place or optimizer.clear_place,
            )
            continue
        bad = count(optimizer, r".*[bB][^bB]*z[^bBp]*e")
        if optimizer.steps >= 2 and bad >= 2 and bad / min(24, optimizer.steps) >= 0.5:
            yield Finding(
                "gradients-cleared-before-step",
                "error",
                "The gradients are cleared between the backward pass and the step: "
                f"{bad} of the first {min(24, optimizer.steps)} steps saw none.",
                {"steps": optimizer.steps, "steps_without_gradient": bad},
                Remedy("Clear before the backward pass, not between it and the step.", code=_LOOP),
                optimizer.clear_place or optimizer.step_place,
            )


@rule("missing-step", "error", explains=(*_CURVES, "frozen-model", "scheduler-before-optimizer"))
def missing_step(run: RunRecord) -> Iterator[Finding]:
    """Backward passes are made and an optimizer stands ready, but it never steps.

    ## What it checks
    An optimizer that made no step in the whole run, while ten or more backward passes reached its parameters, no
    other optimizer stepped on them, and they were not updated in place by hand.

    ## Why it matters
    Nothing is learned.

    ## What to try
    Call `optimizer.step()` after `loss.backward()`.

    ## When it is wrong
    Gradient inspection or adversarial examples: there an optimizer is rarely made. A program that was stopped early
    during a very long accumulation.

    ## Source
    Humbatova et al. 2020, Taxonomy of real faults in deep learning systems, ICSE.
    """
    trace = trace_of(run)
    stepped = {k for m in trace.models for p in m.parameters for k in p.optimizers}
    stepped &= {o.key for o in trace.optimizers if o.steps}
    for optimizer in trace.optimizers:
        if optimizer.steps or optimizer.closure or not optimizer.reached or trace.backward_calls < 10:
            continue
        mine = [p for m in trace.models for p in m.parameters if optimizer.key in p.optimizers]
        if any(set(p.optimizers) & stepped or p.versions_changed for p in mine):
            continue
        if optimizer.walks < 2:
            continue
        names = {f"{m.kind}.{p.name}" for m in trace.models for p in m.parameters if optimizer.key in p.optimizers}
        theirs = [g.place for g in trace.graphs if any(node.leaf in names for node in g.nodes)]
        place = theirs[-1] if theirs else trace.places.get("backward")
        yield Finding(
            "missing-step",
            "error",
            f"{trace.backward_calls} backward passes were made and {optimizer.kind} never made a step.",
            {"backward_calls": trace.backward_calls, "steps": 0},
            Remedy("Call optimizer.step() after the backward pass.", code=_LOOP),
            place or optimizer.place,
        )


@rule(
    "missing-backward",
    "error",
    explains=(
        *_CURVES,
        "frozen-model",
        "parameters-not-optimized",
        "unused-parameters",
        "evaluation-in-train-mode",
        "gradients-in-evaluation",
    ),
)
def missing_backward(run: RunRecord) -> Iterator[Finding]:
    """The optimizer steps although no gradient was ever computed.

    ## What it checks
    Steps of an optimizer without any backward pass (`backward` or `autograd.grad`) since it was made, its parameters
    holding no gradients.

    ## Why it matters
    Nothing is learned.

    ## What to try
    Call `loss.backward()` between clearing the gradients and the step.

    ## When it is wrong
    Gradients that are written by hand into `.grad` are seen and not reported.

    ## Source
    Humbatova et al. 2020, Taxonomy of real faults in deep learning systems, ICSE.
    """
    trace = trace_of(run)
    for optimizer in trace.optimizers:
        empty = count(optimizer, r"[^bBp]*e")
        some = trace.backward_calls and (optimizer.made_at_step == 0 or count(optimizer, r".*[bBp].*"))
        if optimizer.steps < 3 or optimizer.closure or some or empty < min(optimizer.steps, 24) * 0.9:
            continue
        yield Finding(
            "missing-backward",
            "error",
            f"The optimizer made {optimizer.steps} steps and no backward pass was ever made"
            + (f" in this phase, after step {optimizer.made_at_step}." if optimizer.made_at_step else "."),
            {"steps": optimizer.steps, "backward_calls": 0, "made_at_step": optimizer.made_at_step},
            Remedy("Compute gradients before the step.", code=_LOOP),
            optimizer.step_place,
        )


@rule(
    "optimizer-recreated",
    "error",
    explains=("learning-rate-too-low", "underfitting", "scheduler-not-stepped", "loss-spikes"),
)
def optimizer_recreated(run: RunRecord) -> Iterator[Finding]:
    """A new optimizer over the same parameters is made again and again, so its state is lost each time.

    ## What it checks
    Optimizers made at the same line over the same parameters as one that had already stepped: three or more of
    them, or two where each made fewer than three steps; kinds with state (momentum, Adam, ...).

    ## Why it matters
    Momentum and the running moments start from nothing; Adam's bias correction makes its first steps large; a
    scheduler holds on to the old optimizer.

    ## What to try
    Make the optimizer once, before the loop.

    ## When it is wrong
    Deliberate restarts of the state, one line per phase, are not reported: they stand at different lines, are few, or
    last for several evaluations each.

    ## Source
    FAULTS catalogue; Kingma & Ba 2015, Adam, section 3 (bias correction).
    """
    trace = trace_of(run)
    chains: dict[tuple[str, int, int | None], list[int]] = {}
    looked: dict[tuple[str, int, int | None], list[int]] = {}
    evaluated = {entry.step for entry in trace.evaluations}
    for optimizer in trace.optimizers:
        if optimizer.live_shares and optimizer.steps and optimizer.place is not None:
            stateful = optimizer.kind != "SGD" or any(g.get("momentum") for g in optimizer.groups)
            if stateful:
                place = optimizer.place
                key = (place.file, place.line, place.cell)
                life = range(optimizer.made_at_step + 1, optimizer.made_at_step + optimizer.steps + 1)
                chains.setdefault(key, []).append(optimizer.steps)
                looked.setdefault(key, []).append(sum(step in life for step in evaluated))
    for (file, line, cell), steps in chains.items():
        if len(steps) >= 2 and sorted(looked[file, line, cell])[len(steps) // 2] < _PHASE:
            yield Finding(
                "optimizer-recreated",
                "error",
                f"This line made {len(steps) + 1} optimizers over the same parameters, one every "
                f"{sorted(steps)[len(steps) // 2]} steps; each starts without momentum and moments.",
                {"optimizers": len(steps) + 1, "median_steps_each": sorted(steps)[len(steps) // 2]},
                Remedy("Make the optimizer once, before the loop."),
                Place(file, line, cell),
            )


@rule("frozen-model", "error", explains=(*(name for name in _CURVES if name != "constant-loss"), "vanishing-gradients"))
def frozen_model(run: RunRecord) -> Iterator[Finding]:
    """Steps are made and no parameter changes.

    ## What it checks
    A few parameters were compared bit by bit before and after a step, at several steps. None of them ever changed, in
    at least 4 looks, and the program was not merely waiting for a warm-up from zero or a loss scaler.

    ## Why it matters
    Nothing is learned: the learning rate is zero, the gradients are zero, or the parameters that are stepped are
    copies.

    ## What to try
    Look at the learning rate of each group, at `requires_grad`, and at whether the optimizer was made from the
    parameters of the model that is trained.

    ## When it is wrong
    A warm-up that stays at zero for longer than was watched.

    ## Source
    FAULTS catalogue.
    """
    for optimizer in trace_of(run).optimizers:
        if optimizer.steps < 5 or optimizer.looks < 4 or optimizer.unchanged_looks < optimizer.looks:
            continue
        rate = optimizer.lr[-1][1] if optimizer.lr else None
        cause = " Its learning rate is 0." if rate == 0 else ""
        yield Finding(
            "frozen-model",
            "error",
            f"{optimizer.steps} steps were made and no parameter that was looked at changed by a bit.{cause}",
            {"steps": optimizer.steps, "looks": optimizer.looks, "learning_rate": rate},
            Remedy("Check the learning rate, requires_grad, and that the optimizer holds this model's parameters."),
            optimizer.place if rate == 0 else optimizer.step_place,
        )


@rule("accumulation-not-averaged", "warning", explains=("learning-rate-too-high", "always-clipped"))
def accumulation_not_averaged(run: RunRecord) -> Iterator[Finding]:
    """Gradients of k batches are added up for one step without dividing by k.

    ## What it checks
    Steps with k >= 2 backward passes from one line each, where the loss that is differentiated is the mean
    loss itself: its graph starts at the loss function, with no division or multiplication above it.

    ## Why it matters
    The gradient is k times that of the mean over the larger batch, so the learning rate is in effect k times larger,
    and changes whenever k does.

    ## What to try
    `(loss / k).backward()`.

    ## When it is wrong
    Several different losses that are summed on purpose; rates that were tuned with the sum; Adam, whose step hardly
    depends on the scale of the gradient (advice then).

    ## Source
    Goyal et al. 2017, Accurate, large minibatch SGD.
    """
    trace = trace_of(run)
    graphs = {str(g.place): g for g in trace.graphs}
    backwards = [b for b in trace.backwards if b.calls >= 4]
    if len(backwards) != 1 or len(trace.optimizers) != 1:
        return
    optimizer, backward = trace.optimizers[0], backwards[0]
    many: dict[int, int] = {}
    for cycle, n in optimizer.cycles.items():
        k = cycle.count("b") + cycle.count("B")
        many[k] = many.get(k, 0) + n
    total = sum(many.values())
    if not total or optimizer.closure:
        return
    k = max(many, key=lambda key: many[key])
    graph = graphs.get(str(backward.place))
    if k < 2 or many[k] / total < 0.6 or graph is None or not graph.nodes:
        return
    carried = share(optimizer, r"[^zb]*B[^zb]*")
    first = graph.nodes[0].op
    if carried >= 0.5 or "Div" in first or "Mul" in first or backward.scaled:
        return
    adaptive = optimizer.kind.startswith(ADAPTIVE)
    yield Finding(
        "accumulation-not-averaged",
        "advice" if adaptive else "warning",
        f"Each step adds up the gradients of {k} backward passes without dividing by {k}.",
        {"backward_passes_per_step": k, "steps": optimizer.steps},
        Remedy(f"Divide each loss by {k} before its backward pass.", code=f"(loss / {k}).backward()"),
        backward.place,
    )


@rule("graph-kept-alive", "warning")
def graph_kept_alive(run: RunRecord) -> Iterator[Finding]:
    """Losses or outputs are stored together with their graph, so memory grows with every step.

    ## What it checks
    How many graphs of earlier losses still exist when a new backward pass begins. Reported when the number keeps
    growing to 20 or more and holds most of the losses made so far.

    ## Why it matters
    Memory grows until the program dies, and each stored loss keeps activations of its batch.

    ## What to try
    Store numbers: `loss.item()` or `loss.detach()`.

    ## When it is wrong
    Truncated backpropagation through time keeps a few graphs, not a growing number.

    ## Source
    PyTorch FAQ, My model reports "cuda runtime error(2): out of memory": don't accumulate history.
    """
    for backward in trace_of(run).backwards:
        seen = backward.stored_history
        grows = len(seen) >= 3 and all(b >= a for a, b in itertools.pairwise(seen))
        if grows and backward.stored >= 20 and backward.stored >= 0.5 * min(backward.calls, 64):
            yield Finding(
                "graph-kept-alive",
                "warning",
                f"The graphs of {backward.stored} earlier losses are still in memory.",
                {"graphs_alive": backward.stored, "backward_calls": backward.calls},
                Remedy("Store loss.item() instead of the loss.", code="total += loss.item()"),
                backward.kept or backward.place,
            )
