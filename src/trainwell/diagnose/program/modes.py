"""Modes: train and eval, gradients on and off."""

from __future__ import annotations

from collections.abc import Iterator

from trainwell.diagnose.program.reading import also, evaluation_calls, optimized, trace_of, training_calls
from trainwell.diagnose.rule import rule
from trainwell.records import CallTrace, Finding, ModelTrace, Remedy, RunRecord, TraceRecord

_STEPS_BETWEEN = 5  # a teacher is called at every step, an evaluation is not


@rule("training-in-eval-mode", "error", explains=("overfitting", "best-weights-lost", "bad-initial-loss"))
def training_in_eval_mode(run: RunRecord) -> Iterator[Finding]:
    """Training steps run in eval mode although the model has dropout or batch norm.

    ## What it checks
    Calls of the model that a backward pass came from: how many of them had the model in eval mode with every dropout
    and batch norm layer in eval mode too. Reported from a quarter of the calls on.

    ## Why it matters
    Dropout does nothing, batch norm uses and keeps its initial statistics. Usually `model.eval()` of an evaluation was
    never undone.

    ## What to try
    `model.train()` at the head of every training epoch.

    ## When it is wrong
    Fine-tuning with frozen batch norm on purpose: then only those layers are in eval mode, which is not reported, nor
    are models without such layers.

    ## Source
    PyTorch documentation, Module.train; TrainCheck 2025 (mode invariants).
    """
    trace = trace_of(run)
    for model in trace.models:
        calls = training_calls(trace, model)
        total = sum(c.calls for c in calls)
        still = [c for c in calls if not c.training and c.still and c.still >= 0.9 * c.calls]
        bad = sum(c.calls for c in still)
        if not (model.dropout or model.batch_norm) or not optimized(model) or bad < 3 or bad / max(1, total) < 0.25:
            continue
        if model.loaded and not model.dropout and bad == total:
            continue
        place = max(still, key=lambda c: c.calls).place
        yield also(
            Finding(
                "training-in-eval-mode",
                "error",
                f"{bad} of {total} training calls ran in eval mode; the model has "
                f"{_layers(model.dropout, model.batch_norm)}.",
                {
                    "training_calls": total,
                    "in_eval_mode": bad,
                    "dropout": model.dropout,
                    "batch_norm": model.batch_norm,
                },
                Remedy("Call model.train() before training and after every evaluation.", code="model.train()"),
                model.eval_place or place,
            ),
            place,
        )


def _layers(dropout: int, batch_norm: int) -> str:
    parts = []
    if dropout:
        parts.append(f"{dropout} dropout layer{'s' * (dropout > 1)}")
    if batch_norm:
        parts.append(f"{batch_norm} batch norm layer{'s' * (batch_norm > 1)}")
    return " and ".join(parts)


@rule(
    "evaluation-in-train-mode",
    "error",
    explains=("split-shift", "gradients-in-evaluation", "random-evaluation", "suspicious-validation"),
)
def evaluation_in_train_mode(run: RunRecord) -> Iterator[Finding]:
    """Evaluation runs in train mode although the model has dropout or batch norm.

    ## What it checks
    Calls of a trained model that no backward pass came from, without gradients or in a row of several, after
    training began: whether dropout or batch norm layers were in train mode. Several passes over the very same input (MC
    dropout), outputs that feed another model (unless that one is in eval mode), `update_bn`, and models that no
    optimizer holds are left out, of these last but copies of a trained model (moving averages) on data from a loader
    that nothing is trained on.

    ## Why it matters
    Dropout makes the score worse and random. Batch norm scores each batch by its own statistics, and the
    evaluation data change the running ones: the model learns from data that it must not see.

    ## What to try
    `model.eval()` before the evaluation, `model.train()` after it.

    ## When it is wrong
    Deliberate MC dropout that copies its input for each pass.

    ## Source
    PyTorch documentation, Module.eval; TrainCheck 2025.
    """
    trace = trace_of(run)
    for model in trace.models:
        if not (model.dropout or model.batch_norm):
            continue
        if optimized(model):
            calls = [*evaluation_calls(trace, model), *_of_evaluated_parts(trace, model)]
        else:
            calls = _of_an_average(trace, model)
        bad = [
            c
            for c in calls
            if c.training
            and c.noisy >= 0.9 * c.calls
            and c.repeated < 0.5 * c.calls
            and (c.run >= 2 or not c.grad)
            and (not c.grad or c.untrained >= 2)
            and c.after_first_step >= 2
        ]
        if not bad:
            continue
        count = sum(c.calls for c in bad)
        dropout, norm = any(c.dropout_on for c in bad), any(c.batch_norm_on for c in bad)
        main = max(bad, key=lambda c: c.calls)
        shared = main.place in [c.place for c in training_calls(trace, model)]
        yield Finding(
            "evaluation-in-train-mode",
            "error",
            f"{count} evaluation calls ran in train mode; the model has {_layers(model.dropout, model.batch_norm)}.",
            {"evaluation_calls": count, "dropout_active": dropout, "batch_norm_updating": norm},
            Remedy("Call model.eval() before the evaluation and model.train() after it.", code="model.eval()"),
            main.outer if shared and main.outer is not None else main.place,
        )


def _of_an_average(trace: TraceRecord, model: ModelTrace) -> list[CallTrace]:
    """Calls of a copy of a trained model, such as its moving average, on data from loaders that none is trained on."""
    shapes = [(p.name, p.shape) for p in model.parameters]
    originals = [m for m in trace.models if optimized(m) and [(p.name, p.shape) for p in m.parameters] == shapes]
    if not shapes or not originals:
        return []
    held_out = {entry.key for entry in trace.loaders if not entry.train}
    return [c for c in evaluation_calls(trace, model) if c.loader in held_out]


def _of_evaluated_parts(trace: TraceRecord, model: ModelTrace) -> list[CallTrace]:
    """Calls of a part, an encoder say, whose output a part in eval mode went on with."""
    return [
        c
        for c in trace.calls
        if c.model == model.key and not (c.trained or c.grad) and 0 < 0.9 * c.fed_on <= c.fed_to_still
    ]


@rule("dropout-in-evaluation", "warning", explains=("random-evaluation",))
def dropout_in_evaluation(run: RunRecord) -> Iterator[Finding]:
    """Functional dropout stays on while the model is in eval mode.

    ## What it checks
    Calls of `F.dropout` with `training=True` (its default), and of `F.scaled_dot_product_attention` with a `dropout_p`
    above 0, inside a model in eval mode, in calls that no backward pass came from.

    ## Why it matters
    `model.eval()` does not reach functional dropout: scores of the evaluation are random and too low.

    ## What to try
    `F.dropout(x, p, training=self.training)`, or an `nn.Dropout` layer; for attention
    `dropout_p=self.p if self.training else 0.0`.

    ## When it is wrong
    MC dropout on purpose: several passes over the same input are not reported.

    ## Source
    PyTorch documentation, torch.nn.functional.dropout.
    """
    trace = trace_of(run)
    for model in trace.models:
        for call in evaluation_calls(trace, model):
            if call.functional_dropout >= 2 and not call.training and call.repeated < 0.5 * call.calls:
                yield Finding(
                    "dropout-in-evaluation",
                    "warning",
                    f"Functional dropout was active {call.functional_dropout} times while the model was in eval mode.",
                    {"calls": call.calls, "active_dropout": call.functional_dropout},
                    Remedy("Tie it to the mode.", code="F.dropout(x, p, training=self.training)"),
                    call.functional_dropout_place or call.place,
                )
                return


@rule("gradients-in-evaluation", "warning")
def gradients_in_evaluation(run: RunRecord) -> Iterator[Finding]:
    """Evaluation builds the autograd graph that nothing uses.

    ## What it checks
    Calls with gradients enabled in eval mode, three or more in a row or five now and then between training steps, that
    no backward pass came from, of a model with anything to differentiate.

    ## Why it matters
    Time and, above all, memory: activations of every layer are kept for a backward pass that never comes.

    ## What to try
    `with torch.no_grad():` (or `torch.inference_mode()`) around the evaluation.

    ## When it is wrong
    Attribution and adversarial evaluation differentiate the output: those graphs are used.

    ## Source
    PyTorch documentation, Locally disabling gradient computation.
    """
    trace = trace_of(run)
    for model in trace.models:
        if not optimized(model):
            continue
        bad = [
            c
            for c in evaluation_calls(trace, model)
            if c.grad
            and not c.training
            and (c.run >= 3 or 5 <= c.after_first_step <= trace.steps / _STEPS_BETWEEN)
            and c.untrained >= 3
            and c.untrained >= 0.9 * c.calls
            and c.graphless < 0.5 * c.calls
        ]
        if bad:
            call = max(bad, key=lambda c: c.calls)
            yield Finding(
                "gradients-in-evaluation",
                "warning",
                f"{call.calls} evaluation calls built a graph that no backward pass used.",
                {"calls": call.calls},
                Remedy("Evaluate without gradients.", code="with torch.no_grad():"),
                call.place,
            )
