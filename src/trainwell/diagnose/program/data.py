"""Data, as far as the tracer saw it: rules of the audit that need more care, or less, on a watched program."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from trainwell.diagnose.data import inputs, labels, splits
from trainwell.diagnose.metric import against_chance, wilson
from trainwell.diagnose.program.reading import trace_of
from trainwell.diagnose.questions import shares, split, uninformed_loss
from trainwell.diagnose.rule import rule
from trainwell.records import Finding, OverlapTrace, Remedy, RunRecord, TraceRecord

_REPEATING = 0.2  # repeats among the evaluation rows for each that is among the training rows


@rule("train-eval-overlap", "error")
def train_eval_overlap(run: RunRecord) -> Iterator[Finding]:
    """Advice where repeats inside the data explain the overlap: in training, or of whole numbers in evaluation too."""
    trace = trace_of(run)
    trained = {c.model for c in trace.calls if c.trained}
    layers = [m.first_layer for m in trace.models if m.key in trained and m.first_layer]
    whole = bool(layers and (layers[0].get("stats", {}).get("whole") or layers[0].get("integer")))
    examples = int(trace.train_data.get("examples") or 0)
    for finding in splits.train_eval_overlap(run):
        repeats = float(finding.evidence.get("repeats_in_training_share", 0.0))
        natural = finding.severity == "warning" and repeats > 0
        found = [o for o in trace.overlaps if o.name in finding.evidence["overlaps"]]
        natural |= whole and bool(found) and all(_as_often_as_by_chance(o, examples) for o in found)
        yield replace(finding, severity="advice") if natural else finding


def _as_often_as_by_chance(overlap: OverlapTrace, examples: int) -> bool:
    """Whether rows that repeat among those of evaluation say that as many must be in the training split, too.

    If n rows have a share r of repeats, they come from about n / 2r different ones, of which m others miss a row with
    the probability exp(-2rm / n).
    """
    n, m = max(1, overlap.looked_at), examples or 4 * overlap.looked_at
    expected = 1 - math.exp(-2 * overlap.repeats * m / n)
    return overlap.repeats * n >= 3 and overlap.share <= max(1.5 * expected, overlap.repeats / _REPEATING)


@rule("unscaled-inputs", "warning")
def unscaled_inputs(run: RunRecord) -> Iterator[Finding]:
    """Silent for a handful of values (single states of an environment), and for small inputs that are mostly zeros.

    Only advice where a batch norm follows the first layer, which takes the scale of all inputs out again.
    """
    trace = trace_of(run)
    trained = {c.model for c in trace.calls if c.trained}
    first = next((m.first_layer for m in trace.models if m.key in trained and m.first_layer), {})
    stats: dict[str, Any] = first.get("stats", {})
    counts_of_words = stats.get("zeros", 0.0) > 0.5 and stats.get("max", 0.0) <= 0.5
    if stats.get("values", 64) >= 64 and not counts_of_words:
        for finding in inputs.unscaled_inputs(run):
            undone = first.get("norm_follows") and finding.evidence["root_mean_square"] > 10 and not _unlike(finding)
            yield replace(finding, severity="advice") if undone else finding


def _unlike(finding: Finding) -> bool:
    """Whether features spread so differently that one of them hides the others."""
    largest, smallest = finding.evidence["feature_std_max"] or 0.0, finding.evidence["feature_std_min"] or 0.0
    return bool(smallest > 0 and largest / smallest > 100)


@rule("conflicting-labels", "warning", explains=("train-eval-overlap", "duplicate-samples", "underfitting"))
def conflicting_labels(run: RunRecord) -> Iterator[Finding]:
    """As in the audit, and where half of the inputs repeat if each does so six times at most (votes on one example)."""
    data, train, group = run.data, split(run, "train"), int(trace_of(run).train_data.get("largest_group", 0))
    if data is not None and train is not None and 0 < group <= 6:
        run = replace(run, data=replace(data, splits={**data.splits, "train": replace(train, duplicates=0)}))
    yield from labels.conflicting_labels(run)


@rule("class-imbalance", "warning")
def class_imbalance(run: RunRecord) -> Iterator[Finding]:
    """Silent for sequences, losses weighed by hand, and programs that report metrics of rare classes."""
    trace = trace_of(run)
    trained = {c.model for c in trace.calls if c.trained}
    tokens = any(m.first_layer.get("kind") == "Embedding" for m in trace.models if m.key in trained)
    long_output = any(c.trained and len(c.output_shape) >= 3 for c in trace.calls)
    by_hand = any(loss.grad and loss.reduction == "none" for loss in trace.losses)
    if tokens or long_output or by_hand or trace.rare_metrics:
        return
    yield from labels.class_imbalance(run)


@rule("labels-unrelated-to-inputs", "error")
def labels_unrelated_to_inputs(run: RunRecord) -> Iterator[Finding]:
    """Training fits the labels, held-out ones stay at chance, and nearest neighbours agree as independent labels do."""
    trace = trace_of(run)
    agreement, train, judged = trace.train_data.get("agreement"), split(run, "train"), against_chance(run)
    if not agreement or train is None or judged is None or judged.low is None or trace.random_labels:
        return
    independent, rows = sum(p * p for p in shares(train)), int(agreement["rows"])
    chance = max(judged.chance, independent)
    if judged.low > chance or judged.value > chance + 0.02 or (judged.loss_gain or 0.0) > 0:
        return
    low, high = wilson(float(agreement["share"]), rows, 0.999).low, wilson(float(agreement["share"]), rows).high
    losses, guess = run.steps.loss, uninformed_loss(run)
    if not independent or guess is None or len(losses) < 20 or run.info.steps < 50:
        return
    fitted = float(losses[-max(5, len(losses) // 10) :].mean())
    limit = independent + 0.1 * (1 - independent)
    if low <= independent and high <= limit and fitted < 0.9 * guess:
        yield Finding(
            "labels-unrelated-to-inputs",
            "error",
            f"The training loss fell to {fitted:.3g} (a guess has {guess:.3g}), held-out accuracy is at chance "
            f"({judged.best:.3f}), and neighbours share a label as often as independent labels do "
            f"({agreement['share']:.3f}).",
            {
                "training_loss": fitted,
                "uninformed_loss": guess,
                "best_validation_accuracy": judged.best,
                "neighbour_agreement": agreement["share"],
                "agreement_of_independent_labels": independent,
            },
            Remedy(
                "Look at ten inputs beside their labels as the training sees them; join by key, shuffle both alike."
            ),
        )


@rule("invalid-labels", "error", explains=("no-better-than-chance", "non-finite-loss", "learning-rate-too-high"))
def invalid_labels(run: RunRecord) -> Iterator[Finding]:
    """Targets of a binary cross-entropy outside of 0 to 1, beside what the audit finds."""
    trace = trace_of(run)
    for entry in trace.losses:
        low, high = entry.target_stats.get("min"), entry.target_stats.get("max")
        if not entry.grad or not entry.function.startswith("binary_cross_entropy") or low is None or high is None:
            continue
        if low < -1e-6 or high > 1 + 1e-6:
            lowest = min((v for _, v in entry.values), default=None)
            yield Finding(
                "invalid-labels",
                "error",
                f"Targets of binary cross-entropy lie between {low:g} and {high:g}; they must lie between 0 and 1.",
                {"lowest_target": low, "highest_target": high, "lowest_loss": lowest},
                Remedy("Map the targets to 0 and 1.", code="y = (y > 0).float()"),
                trace.places.get("train_labels") or entry.place,
            )
            return
    yield from labels.invalid_labels(run)


@rule("split-shift", "warning", explains=("suspicious-validation",))
def split_shift(run: RunRecord) -> Iterator[Finding]:
    """Most features of the evaluation inputs differ in mean or scale from those of the training inputs.

    Silent for sequences, for grids of points (drawn for a picture) and for MC dropout, which asks about unknown inputs.
    """
    trace = trace_of(run)
    for shift in trace.eval_data.get("shift", ()):
        mean, ratio, rows = float(shift["mean"]), float(shift["ratio"]), int(shift["rows"])
        if rows < 30 or int(trace.train_data.get("rows_seen", 0)) < 60 or (mean < 3 and 1 / 2 < ratio < 2):
            continue
        if _ordered(trace) or shift.get("windows"):
            continue
        yield Finding(
            "split-shift",
            "warning",
            f"The inputs of {shift['name']} are shifted by {mean:.2g} deviations and {ratio:.3g} times as wide as "
            "those of the training (median over features): they were normalised differently.",
            {"mean_shift": mean, "scale_ratio": ratio, "evaluation_rows": rows},
            Remedy("Apply to all splits the scaling that was fitted on the training split."),
        )
        return


def _ordered(trace: TraceRecord) -> bool:
    """Whether the training data are sequences, whose later part may differ by nature."""
    first = [m.first_layer.get("stats", {}).get("shape", []) for m in trace.models]
    return any(len(shape) == 3 for shape in first)


@rule("leaky-feature", "warning", explains=("suspicious-validation",))
def leaky_feature(run: RunRecord) -> Iterator[Finding]:
    """One column of a table separates the classes with a gap while no other comes near."""
    leak = trace_of(run).train_data.get("leak")
    if leak:
        yield Finding(
            "leaky-feature",
            "warning",
            f"Feature {leak['feature']} alone gives the target away (AUC {leak['auc']:.4f}; the next best has "
            f"{leak['next']:.3f}).",
            dict(leak),
            Remedy(f"Ask when the value of feature {leak['feature']} is known; drop it if that is after the target."),
        )
