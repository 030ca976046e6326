"""Parameters: who holds them, who reaches them, whether they can move."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trainwell.diagnose.program.reading import CURVES, also, optimized, trace_of, training_calls
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, ModelTrace, OptimizerTrace, ParameterTrace, Place, Remedy, RunRecord, TraceRecord

_WORSE = (*CURVES, "frozen-model", "unused-parameters")


def _shown(parameters: list[ParameterTrace]) -> str:
    names = [p.name for p in parameters]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _elements(parameters: list[ParameterTrace]) -> int:
    return sum(math.prod(p.shape) for p in parameters)


def _trained(trace: TraceRecord) -> list[ModelTrace]:
    return [m for m in trace.models if training_calls(trace, m) and m.walks]


@rule("unregistered-parameters", "error", explains=(*_WORSE, "parameters-not-optimized", "missing-nonlinearity"))
def unregistered_parameters(run: RunRecord) -> Iterator[Finding]:
    """Layers take part in the forward pass and are not in `model.parameters()`.

    ## What it checks
    Modules with trainable parameters that ran inside the model's forward pass and are not among its
    registered modules (a Python list or dict of layers), and leaves of the loss's graph that no model and no optimizer
    holds, that stay the same object and are never written to while training goes on. Neither may be in an optimizer.

    ## Why it matters
    These layers keep their random weights: the optimizer does not know them, `state_dict` does not save them,
    `.to(device)` does not move them.

    ## What to try
    `nn.ModuleList`, `nn.ModuleDict`, `nn.Parameter`, or plain attributes.

    ## When it is wrong
    A second model (a teacher, a frozen feature extractor) kept unregistered on purpose, with its gradients left on.

    ## Source
    PyTorch documentation, ModuleList.
    """
    trace = trace_of(run)
    for model in _trained(trace):
        if model.stray_trainable and optimized(model):
            kinds = ", ".join(f"{n} {kind}" for kind, n in model.stray.items())
            yield Finding(
                "unregistered-parameters",
                "error",
                f"{kinds} ran inside {model.kind} and are not registered: their {model.stray_trainable} parameters "
                "are never trained or saved.",
                {"modules": dict(model.stray), "parameters": model.stray_trainable},
                Remedy("Keep layers in nn.ModuleList or nn.ModuleDict.", code="self.layers = nn.ModuleList(layers)"),
                model.stray_place or trace.places.get("optimizer") or model.place,
            )
            return
    for backward in trace.backwards:
        if backward.unknown_leaves and any(o.steps >= 3 and o.reached for o in trace.optimizers):
            yield Finding(
                "unregistered-parameters",
                "error",
                f"{backward.unknown_leaves} tensors that require gradients feed the loss and belong to no model and no "
                "optimizer.",
                {"leaves": backward.unknown_leaves},
                Remedy("Make them nn.Parameter attributes of the model, or give them to the optimizer."),
                trace.places.get("model_call") or backward.place,
            )
            return


@rule("parameters-not-optimized", "error", explains=(*_WORSE, "missing-backward"))
def parameters_not_optimized(run: RunRecord) -> Iterator[Finding]:
    """Parameters get gradients and no optimizer holds them, or the optimizer holds others.

    ## What it checks
    Leaves that the graph of the loss reaches against the parameters in optimizers. Two cases: an optimizer that
    steps although no graph ever reached one of its parameters, while the trained model's are in no optimizer (model
    made anew or copied after the optimizer); and a model of which some parameters are in an optimizer and others
    that get gradients are not, and were never updated by hand. Also two optimizers over the same parameters, beside a
    model that gets gradients and is in none; and parameters that were frozen, get gradients again, and on which no
    optimizer has stepped since.

    ## Why it matters
    These parameters never move.

    ## What to try
    Make the optimizer from `model.parameters()` after the model is final. Set `requires_grad = False` on what is to
    stay frozen: it says so, and saves the time for its gradients.

    ## When it is wrong
    Training only a head on top of pretrained weights: not reported when weights were loaded into the model.

    ## Source
    PyTorch documentation, torch.optim (construct after moving the model); FAULTS catalogue.
    """
    trace = trace_of(run)
    stepping = [o for o in trace.optimizers if o.steps >= 2]
    if not stepping:
        return
    models = _trained(trace)
    for optimizer in stepping:
        if optimizer.walks < 2 or optimizer.reached or optimizer.closure:
            continue
        lost = [
            p
            for m in models
            for p in m.parameters
            if p.reached and p.requires_grad and not p.optimizers and not p.versions_changed
        ]
        if lost:
            yield Finding(
                "parameters-not-optimized",
                "error",
                f"The optimizer's {optimizer.tensors} parameters are not those of the model that is trained: no loss "
                f"ever reached them; {_shown(lost)} get gradients and are in no optimizer.",
                {"optimizer_parameters": optimizer.tensors, "reached": 0, "trained_without_optimizer": len(lost)},
                Remedy(
                    "Make the optimizer after the model is final.", code="optimizer = Optimizer(model.parameters())"
                ),
                optimizer.place,
            )
            return
    for model in models:
        if model.loaded or not optimized(model):
            continue
        lost = [
            p
            for p in model.parameters
            if p.reached >= 2 and p.requires_grad and not p.optimizers and not p.versions_changed
        ]
        if not lost:
            continue
        held = [o for o in stepping if any(o.key in p.optimizers for p in model.parameters)]
        share = _elements(lost) / max(1, _elements(list(model.parameters)))
        yield also(
            Finding(
                "parameters-not-optimized",
                "error",
                f"{len(lost)} parameters of {model.kind} get gradients and are in no optimizer: {_shown(lost)}.",
                {"parameters": len(lost), "share_of_elements": share, "names": [p.name for p in lost[:8]]},
                Remedy(
                    "Give the optimizer all parameters, or freeze these openly with requires_grad = False.",
                    code="optimizer = Optimizer(model.parameters())",
                ),
                held[0].place if held else trace.places.get("optimizer"),
            ),
            lost[0].place,
        )
        return
    yield from _thawed(models, stepping)
    twice = next((o for o in stepping if o.shares_with in {s.key for s in stepping} and not o.made_at_step), None)
    for model in models:
        lost = [p for p in model.parameters if p.reached >= 2 and p.requires_grad and not p.versions_changed]
        if twice is not None and lost and not optimized(model) and not model.loaded:
            yield Finding(
                "parameters-not-optimized",
                "error",
                f"Two optimizers hold the same parameters, and those of {model.kind} get gradients and are in none.",
                {"parameters": len(lost), "optimizers_over_the_same": 2},
                Remedy("Give each optimizer the parameters of its own model.", code="Optimizer(model.parameters())"),
                twice.place,
            )
            return


def _thawed(models: Sequence[ModelTrace], stepping: Sequence[OptimizerTrace]) -> Iterator[Finding]:
    """Parameters that were frozen, then made trainable again, and that no optimizer has stepped on since."""
    for model in models:
        lost = [p for p in model.parameters if p.thawed_alone and p.requires_grad and not p.versions_changed]
        if not lost:
            continue
        held = {key for p in model.parameters if p not in lost for key in p.optimizers}
        last = max((o for o in stepping if o.key in held), key=lambda o: o.key, default=None)
        yield Finding(
            "parameters-not-optimized",
            "error",
            f"{len(lost)} parameters of {model.kind} were frozen and made trainable again, and no optimizer has "
            f"stepped on them since: {_shown(lost)}.",
            {"parameters": len(lost), "names": [p.name for p in lost[:8]]},
            Remedy(
                "Give them to the optimizer where they are made trainable.",
                code="optimizer.add_param_group({'params': model.backbone.parameters()})",
            ),
            None if last is None else last.place,
        )
        return


@rule("detached-branch", "error", explains=(*_WORSE,))
def detached_branch(run: RunRecord) -> Iterator[Finding]:
    """A part of the model runs in the forward pass and is cut off from the loss.

    ## What it checks
    Parameters in an optimizer, with `requires_grad`, whose module ran in training calls while neither the graph of any
    loss reached them nor a gradient ever appeared; other parameters of the same model do get gradients. Silent where
    the cut stands under an `if` that asks for freezing or fixing.

    ## Why it matters
    A `detach()`, `no_grad`, `.item()`, `.numpy()` or `argmax` inside the model keeps this part at its random
    initial weights.

    ## What to try
    Let the output of that part flow to the loss as it is.

    ## When it is wrong
    Deliberate stop-gradients whose parameters were left in the optimizer; freeze them openly.

    ## Source
    FAULTS catalogue.
    """
    trace = trace_of(run)
    for model in _trained(trace):
        if model.walks < 2 or trace.steps < 3:
            continue
        cut = [
            p
            for p in model.parameters
            if p.optimizers and p.requires_grad and p.ran and not p.reached and not p.had_gradient
        ]
        alive = [p for p in model.parameters if p.reached and p.requires_grad]
        layers = {p.name.rpartition(".")[0] for p in cut}
        partly = {p.name.rpartition(".")[0] for p in alive}
        cut = [p for p in cut if p.name.rpartition(".")[0] in layers - partly]
        if cut and alive and not model.cut_by_option:
            cuts = [
                place
                for name in ("detach", "data", "numpy", "tolist", "item", "argmax", "no_grad")
                if (place := model.cuts.get(name)) is not None
            ]
            yield also(
                Finding(
                    "detached-branch",
                    "error",
                    f"{_shown(cut)} ran in the forward pass, and no gradient ever reached them.",
                    {"parameters": len(cut), "names": [p.name for p in cut[:8]], "graphs_walked": model.walks},
                    Remedy("Remove the detach, no_grad, item, numpy or argmax between this part and the loss."),
                    (cuts[0] if cuts else _cut_outside(trace)) or trace.places.get("model_call") or model.place,
                ),
                *cuts[1:],
                *(p.place for p in cut[:2]),
            )
            return


def _cut_outside(trace: TraceRecord) -> Place | None:
    """A call around the backward pass that cuts the graph."""
    for backward in trace.backwards:
        for name in ("detach", "numpy", "argmax"):
            if name in backward.around:
                return backward.around[name]
    return None


@rule("unused-parameters", "warning")
def unused_parameters(run: RunRecord) -> Iterator[Finding]:
    """Parameters in the optimizer whose module never runs, so they never get a gradient.

    ## What it checks
    Parameters of a trained model that are in an optimizer, require gradients, are reached by no graph and
    hold no gradient, and whose module did not run in any call that was looked at.

    ## Why it matters
    A layer was defined and forgotten in `forward`, often beside the one that was meant. Weight decay may shrink it, and
    data-parallel training stops with an error.

    ## What to try
    Use the layer, or delete it.

    ## When it is wrong
    Branches that are used later in training; models trained in alternation.

    ## Source
    PyTorch documentation, DistributedDataParallel (find_unused_parameters).
    """
    trace = trace_of(run)
    for model in _trained(trace):
        if model.walks < 4 or trace.steps < 10 or model.compiled:
            continue
        unused = [
            p
            for p in model.parameters
            if p.optimizers and p.requires_grad and not p.ran and not p.reached and not p.had_gradient
        ]
        if unused and len(unused) < len(model.parameters) and len(_trained(trace)) == 1:
            yield Finding(
                "unused-parameters",
                "warning",
                f"{_shown(unused)} are in the optimizer and never used.",
                {"parameters": len(unused), "names": [p.name for p in unused[:8]], "graphs_walked": model.walks},
                Remedy("Use these layers in forward, or delete them."),
                unused[0].place or model.place or trace.places.get("model_call"),
            )
            return


@rule("symmetric-initialization", "error", explains=(*_WORSE, "vanishing-gradients", "dead-units"))
def symmetric_initialization(run: RunRecord) -> Iterator[Finding]:
    """The units of a layer are copies of each other and stay so.

    ## What it checks
    Weight matrices whose rows are equal to the bit and get equal gradients, in the first steps; only layers
    with three or more rows that are followed by another layer matter, so an output layer that starts at zero is fine.

    ## Why it matters
    Equal units get equal gradients for ever: the layer has the capacity of a single unit.

    ## What to try
    Draw weights at random: `nn.init.kaiming_normal_`, `nn.init.xavier_uniform_`, or PyTorch's default.

    ## When it is wrong
    Zero-initialised last layers or residual branches have unequal gradients and are not reported.

    ## Source
    Goodfellow, Bengio & Courville 2016, Deep Learning, section 8.4 (breaking symmetry).
    """
    trace = trace_of(run)
    for model in _trained(trace):
        same = [p for p in model.parameters if p.kind == "weight" and p.equal_rows >= 0.99 and p.optimizers]
        if same and any((p.gradient_rms or 0) > 0 or (p.weight_rms or 0) > 0 for p in same):
            yield Finding(
                "symmetric-initialization",
                "error",
                f"All rows of {_shown(same)} are equal, and so are their gradients.",
                {"layers": [p.name for p in same[:8]], "share_of_equal_rows": same[0].equal_rows},
                Remedy("Initialise weights at random.", code="nn.init.kaiming_normal_(layer.weight)"),
                same[0].initialised_at or same[0].place or model.place or trace.places.get("model_call"),
            )
            return


@rule("vanishing-gradients", "warning", explains=("learning-rate-too-low", "underfitting", "no-better-than-chance"))
def vanishing_gradients(run: RunRecord) -> Iterator[Finding]:
    """The first layers get a vanishing share of the gradient.

    ## What it checks
    Root mean square of the gradient relative to that of the weights, for each weight matrix in the
    first steps: the median of the first quarter of the layers against that of the last, for five matrices or more.
    Reported below 1e-4, where the first layers' gradients are above zero and all of the first half are below a tenth:
    gradients vanish from layer to layer, not in single ones (queries and keys of attention).

    ## Why it matters
    The first layers stay at their random weights while the last ones learn on top of noise.

    ## What to try
    ReLU-like activations with He initialisation, residual connections, normalisation layers.

    ## When it is wrong
    Frozen layers and embeddings are left out; Adam rescales gradients and may train all the same.

    ## Source
    Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks.
    """
    trace = trace_of(run)
    for model in _trained(trace):
        rows = [
            (p.gradient_rms / p.weight_rms)
            for p in model.parameters
            if p.kind == "weight" and p.gradient_rms is not None and p.weight_rms and p.requires_grad and p.optimizers
        ]
        if len(rows) < 5:
            continue
        quarter = max(1, len(rows) // 4)
        first, last = sorted(rows[:quarter])[quarter // 2], sorted(rows[-quarter:])[quarter // 2]
        following = max(rows[quarter : max(quarter + 1, len(rows) // 2)])
        if 0 < first < 1e-4 * last and following < 0.1 * last:
            yield Finding(
                "vanishing-gradients",
                "warning",
                f"The first layers get {first / last:.1e} of the relative gradient of the last ones.",
                {"first_layers": first, "last_layers": last, "layers": len(rows)},
                Remedy("Use ReLU-like activations with He initialisation, residual connections or normalisation."),
                next((p.place for p in model.parameters if p.kind == "weight" and p.place is not None), None)
                or model.place
                or trace.places.get("model_call"),
            )
            return
