"""From a run to findings: every rule is asked; each finding gets a place; causes come first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from trainwell.diagnose.ranking import ranked
from trainwell.diagnose.rule import selected
from trainwell.records import SEVERITIES, Finding, Place, RunRecord, TraceRecord

_ROLES: dict[str, tuple[str, ...]] = {
    "train-eval-overlap": ("eval_split", "eval_loader", "evaluation"),
    "class-imbalance": ("train_labels", "train_loader", "loss"),
    "conflicting-labels": ("train_labels", "train_loader", "loss"),
    "constant-inputs": ("train_inputs", "train_loader", "model_call"),
    "duplicate-samples": ("train_inputs", "train_loader", "model_call"),
    "invalid-labels": ("train_labels", "loss"),
    "labels-unrelated-to-inputs": ("train_labels", "train_loader", "model_call"),
    "leaky-feature": ("train_inputs", "train_loader", "model_call"),
    "non-finite-inputs": ("train_inputs", "train_loader", "model_call"),
    "non-finite-loss": ("loss", "backward"),
    "bad-initial-loss": ("output_layer", "model", "loss", "backward"),
    "split-shift": ("eval_inputs", "eval_loader", "evaluation"),
    "tiny-evaluation-set": ("eval_split", "eval_loader", "evaluation"),
    "unscaled-inputs": ("train_inputs", "train_loader", "model_call"),
    "unshuffled-training": ("train_loader", "model_call"),
    "learning-rate-too-high": ("optimizer",),
    "learning-rate-too-low": ("optimizer",),
    "loss-spikes": ("optimizer",),
    "exploding-gradients": ("backward",),
    "overfitting": ("model", "model_call"),
    "underfitting": ("model", "model_call"),
    "best-weights-lost": ("evaluation",),
    "suspicious-validation": ("eval_loader", "evaluation"),
    "no-better-than-chance": ("model_call",),
    "stopped-early": ("step",),
}
_FALLBACK = ("loss", "backward", "step", "optimizer")


def findings_of(
    run: RunRecord, select: Iterable[str] = (), ignore: Iterable[str] = ()
) -> tuple[list[Finding], list[str]]:
    """Ask the selected rules; a rule that fails is told, never fatal."""
    found: list[Finding] = []
    trouble: list[str] = []
    trace = run.trace if run.trace is not None else TraceRecord()
    for rule in selected(select, ignore):
        try:
            found.extend(placed(finding, trace) for finding in rule.check(run))
        except Exception as error:
            trouble.append(f"rule {rule.name} could not be asked: {type(error).__name__}: {error}")
    once = {(finding.rule, str(finding.place), finding.severity): finding for finding in reversed(found)}
    return ranked(reversed(once.values())), trouble


def placed(finding: Finding, trace: TraceRecord) -> Finding:
    """Give a finding without a place the one where its subject stands in the program."""
    if finding.place is not None:
        return finding
    place: Place | None = None
    if finding.rule == "train-eval-overlap":
        entries = [o for o in trace.overlaps if o.claimed and o.rows]
        named = [o for o in entries if o.name in finding.message]
        place = next((o.place for o in named or entries if o.place is not None), None)
        if place == trace.places.get("evaluation"):  # fed by hand: where the rows were chosen, if that is known
            place = trace.places.get("eval_split") or place
    for role in (*_ROLES.get(finding.rule, ()), *_FALLBACK):
        place = place or trace.places.get(role)
    return replace(finding, place=place)


def merge(per_process: list[list[Finding]]) -> list[Finding]:
    """Findings of several processes of one program: equal rule and place count once."""
    if len(per_process) == 1:
        return per_process[0]
    merged: dict[tuple[str, str], Finding] = {}
    for found in per_process:
        for finding in found:
            merged.setdefault((finding.rule, str(finding.place)), finding)
    return sorted(merged.values(), key=lambda f: SEVERITIES.index(f.severity))
