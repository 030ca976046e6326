"""From what the tracer saw to a run's record, so that the rules written for our own trainer can read it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from trainwell.records import (
    DataFacts,
    Evaluation,
    LayerFacts,
    LossTrace,
    ModelFacts,
    Overlap,
    ProblemFacts,
    RunInfo,
    RunRecord,
    Series,
    SplitFacts,
    Status,
    Steps,
    Task,
    TraceRecord,
)

_LOSS_NAMES = {
    "cross_entropy": "cross-entropy",
    "nll_loss": "nll",
    "binary_cross_entropy_with_logits": "bce",
    "binary_cross_entropy": "bce",
    "mse_loss": "mse",
    "l1_loss": "l1",
    "smooth_l1_loss": "smooth-l1",
    "huber_loss": "huber",
}

_SEVERAL = 8  # rows of a batch, before equal ones are called constant


def main_loss(trace: TraceRecord) -> LossTrace | None:
    """The loss that training minimised, if it is one of torch's and the only one."""
    trained = [entry for entry in trace.losses if entry.grad]
    if not trained:
        return None
    return trained[0] if len({(entry.function, str(entry.place)) for entry in trained}) == 1 else None


def run_of(trace: TraceRecord, name: str) -> RunRecord:
    """Fill a run's ordinary fields from a trace."""
    loss = main_loss(trace)
    task, classes = _task(loss)
    losses = [b for b in trace.backwards if b.losses]
    main = max(losses, key=lambda b: b.calls, default=None)
    optimizer = max(trace.optimizers, key=lambda o: o.steps, default=None)
    series: dict[str, Series] = {}
    alone = main is not None and main.calls >= 0.8 * sum(b.calls for b in losses)
    plain = main is not None and alone and optimizer is not None and not main.scaled
    if plain and main is not None:
        series["loss"] = _series(main.losses)
    if optimizer is not None and optimizer.lr:
        steps = np.arange(min(optimizer.steps, 200_000))
        at = np.array([s for s, _ in optimizer.lr])
        rates = np.array([r for _, r in optimizer.lr])
        series["lr"] = Series(steps, rates[np.searchsorted(at, steps, side="right") - 1])
    if optimizer is not None:
        series["gradient_norm"] = _series(optimizer.gradient_norm)
        series["update_ratio"] = _series(optimizer.update_ratio)
    train_examples = int(trace.train_data.get("examples", 0) or 0)
    diverged = bool(len(series.get("loss", ())) and not math.isfinite(series["loss"].value[-1]))
    status: Status = "diverged" if diverged else "completed" if trace.finished else "stopped"
    per_epoch = int(trace.train_data.get("batches") or 0)
    info = RunInfo(
        problem=ProblemFacts(
            name=name,
            task=task,
            classes=classes,
            metric="accuracy" if task in ("multiclass", "binary") else "loss",
            direction="max" if task in ("multiclass", "binary") else "min",
            metrics=("accuracy",) if task in ("multiclass", "binary") else ("loss",),
            loss=_LOSS_NAMES.get(loss.function, "custom") if loss is not None else "custom",
            examples={"train": train_examples},
            input_shape=(),
            input_kind="other",
            fingerprint="",
        ),
        recipe=_recipe(loss),
        seed=0,
        status=status,
        steps=trace.steps,
        planned_steps=trace.steps if trace.finished else 0,
        steps_per_epoch=per_epoch,
        device=trace.device,
        seconds=trace.seconds,
    )
    return RunRecord(
        info=info,
        steps=Steps(series),
        all_evaluations=tuple(_evaluations(trace, loss, task, per_epoch)),
        data=_data(trace, loss, task, classes),
        model_facts=_model(trace),
        trace=trace,
    )


def with_replicas(traces: list[TraceRecord]) -> list[TraceRecord]:
    """Tell the first process of a distributed training what the weights of the others sum to."""
    others = {str(t.rank): t.weight_sums for t in traces[1:] if t.weight_sums}
    if not traces or not traces[0].weight_sums or not others:
        return traces
    return [replace(traces[0], other_sums=others, processes=1 + len(others)), *traces[1:]]


def _recipe(loss: LossTrace | None) -> dict[str, Any]:
    """The few fields of a recipe that rules on data ask for."""
    return {"sampling": {"name": "ordered"}} if loss is not None and _in_blocks(loss) else {}


def _in_blocks(loss: LossTrace) -> bool:
    """Whether batches are of few classes while the data are of many: labels come in blocks."""
    stats, total = loss.target_stats, sum(loss.label_counts.values())
    purity, batches = stats.get("purity"), int(stats.get("batches", 0))
    if purity is None or batches < 6 or total < 40:
        return False
    chance = sum((n / total) ** 2 for n in loss.label_counts.values())
    return chance < 0.9 and purity > chance + 0.4 * (1 - chance)


def _series(pairs: Iterable[tuple[int, float]]) -> Series:
    listed = sorted(dict(pairs).items())
    return Series(np.array([s for s, _ in listed], np.int64), np.array([v for _, v in listed], np.float64))


def _task(loss: LossTrace | None) -> tuple[Task, int | None]:
    if loss is None:
        return "custom", None
    if loss.function in ("cross_entropy", "nll_loss") and len(loss.input_shape) == 2 and loss.label_counts:
        return "multiclass", loss.input_shape[1]
    if loss.function.startswith("binary_cross_entropy"):
        width = loss.input_shape[-1] if len(loss.input_shape) > 1 else 1
        return ("binary", 2) if width == 1 else ("multilabel", width)
    if loss.function in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        return "regression", None
    return "custom", None


def _held_names(trace: TraceRecord) -> set[str]:
    """Names of evaluations on other data than those of the training."""
    train = {o.name for o in trace.overlaps if o.says_train or o.share > 0.5}
    return {entry.name for entry in trace.evaluations} - train


def _evaluations(trace: TraceRecord, loss: LossTrace | None, task: Task, per_epoch: int) -> list[Evaluation]:
    found = []
    says_train = {o.name for o in trace.overlaps if o.says_train or o.share > 0.5}
    names = [e.name for e in trace.evaluations if e.name not in says_train]
    main = max(set(names), key=names.count, default=None)
    for entry in trace.evaluations:
        if entry.loss is None or (entry.name != main and entry.name not in says_train):
            continue
        metrics: dict[str, float] = {}
        if entry.accuracy is not None and task in ("multiclass", "binary"):
            metrics["accuracy"] = entry.accuracy
        found.append(
            Evaluation(
                step=entry.step,
                epoch=entry.step / per_epoch if per_epoch else 0.0,
                split="train" if entry.name in says_train else "val",
                loss=entry.loss,
                metrics=metrics,
                examples=entry.rows,
            )
        )
    return found if any(e.split == "train" for e in found) else [*found, *_fitted(trace, found)]


def _fitted(trace: TraceRecord, found: list[Evaluation]) -> list[Evaluation]:
    """The training loss between evaluations, as evaluations of the training data, where there are none."""
    main = max((b for b in trace.backwards if b.losses), key=lambda b: b.calls, default=None)
    if main is None or len(trace.optimizers) != 1:
        return []
    steps, values = np.array([s for s, _ in main.losses]), np.array([v for _, v in main.losses])
    rows, last = [], 0
    for entry in sorted(found, key=lambda e: e.step):
        inside = values[(steps >= last) & (steps < entry.step)]
        if len(inside) and entry.step > last and np.isfinite(inside).all():
            rows.append(replace(entry, split="train", loss=float(inside.mean()), metrics={}))
            last = entry.step
    return rows


def _model(trace: TraceRecord) -> ModelFacts | None:
    trained = {c.model for c in trace.calls if c.trained}
    models = [m for m in trace.models if m.key in trained and m.parameters]
    if len(models) != 1:
        return None
    model = models[0]
    sizes = {p.name: math.prod(p.shape) for p in model.parameters}
    layers = tuple(
        LayerFacts(name, kind, sum(s for n, s in sizes.items() if n.rpartition(".")[0] == name))
        for name, kind in model.layers.items()
    )
    trainable = sum(math.prod(p.shape) for p in model.parameters if p.requires_grad)
    return ModelFacts(parameters=sum(sizes.values()), trainable=trainable, layers=layers)


def _data(trace: TraceRecord, loss: LossTrace | None, task: Task, classes: int | None) -> DataFacts | None:
    splits: dict[str, SplitFacts] = {}
    trained = {c.model for c in trace.calls if c.trained}
    model = next((m for m in trace.models if m.key in trained and m.first_layer), None)
    first = dict(model.first_layer) if model is not None else {}
    stats: dict[str, Any] = dict(first.get("stats", {}))
    normalises = bool(first.get("normalises") or first.get("integer"))
    facts = trace.train_data
    counts = facts.get("label_counts")
    if counts is None and loss is not None and task in ("multiclass", "binary"):
        counts = dict(loss.label_counts)
    if stats or counts:
        rows = int(stats.get("rows", 0))
        target = loss.target_stats if loss is not None else {}
        splits["train"] = SplitFacts(
            name="train",
            examples=int(facts.get("examples") or sum((counts or {}).values()) or rows),
            looked_at=max(rows, sum((counts or {}).values())),
            label_counts=counts if task in ("multiclass", "binary") else None,
            input_mean=stats.get("mean"),
            input_std=stats.get("std"),
            input_min=stats.get("min"),
            input_max=stats.get("max"),
            constant_share=1.0 if stats.get("same_rows") and rows >= _SEVERAL else 0.0,
            feature_std_min=stats.get("feature_std_min"),
            feature_std_max=stats.get("feature_std_max"),
            non_finite_inputs=int(stats.get("non_finite", 0)),
            non_finite_targets=int(target.get("non_finite", 0)),
            target_mean=target.get("mean") if task == "regression" else None,
            target_std=target.get("std") if task == "regression" else None,
            **_repeats(facts, max(rows, sum((counts or {}).values()))),
        )
    asked = [entry for entry in trace.evaluations if entry.label_counts and entry.name in _held_names(trace)]
    if asked and task in ("multiclass", "binary"):
        rows, seen = asked[-1].rows, asked[-1].label_counts
        splits["val"] = SplitFacts(
            "val", rows, rows, label_counts={k: n for k, n in seen.items() if k in (counts or {})}
        )
    overlaps = []
    for entry in _held_out(trace):
        overlaps.append(Overlap(entry.name, entry.rows, entry.share))
        splits.setdefault(entry.name, SplitFacts(entry.name, entry.looked_at, entry.looked_at))
    if not splits:
        return None
    return DataFacts(
        splits=splits,
        overlaps=tuple(overlaps),
        scaled_by_recipe=normalises,
        sequential=loss is not None and _in_blocks(loss),
    )


def _repeats(facts: Mapping[str, Any], looked_at: int) -> dict[str, int]:
    """Repeated inputs and those with several labels: of the data set behind the loader, else of the batches seen."""
    pairs = facts.get("pairs", {})
    unique = max(1, int(pairs.get("looked_at", 0)))
    by_batch = {
        "duplicates": round(float(pairs.get("repeats", 0.0)) * looked_at),
        "conflicting": round(int(pairs.get("conflicting", 0)) / unique * looked_at) if pairs.get("conflicting") else 0,
    }
    return {name: int(facts.get(name, seen) or 0) for name, seen in by_batch.items()}


def _held_out(trace: TraceRecord) -> list[Any]:
    """Overlaps of sources that count as held-out data; evaluating on training data on purpose is none."""
    found: dict[str, Any] = {}
    for entry in trace.overlaps:
        if not entry.claimed or entry.rows == 0:
            continue
        before = found.get(entry.name)
        if before is None or before.share < entry.share:
            found[entry.name] = entry
    return list(found.values())


def unseen(runs: Iterable[RunRecord], status: str, error: str = "") -> list[str]:
    """Plain sentences on what was not seen; `error` says why the program was stopped, where its process could not."""
    notes = []
    traces = [run.trace for run in runs if run.trace is not None]
    if not any(t.backward_calls for t in traces):
        notes.append("No training was seen: the program made no backward pass.")
    elif not any(t.steps for t in traces):
        notes.append("Backward passes were seen, but no optimizer of torch made a step.")
    stopped = [t.stopped for t in traces if t.stopped] or ([error] if status == "stopped" else [])
    if stopped:
        notes.append(f"The program was stopped: {stopped[0]}. What comes later was not seen.")
    elif status in ("failed", "killed", "interrupted"):
        notes.append("The program did not come to its end. What would have come later was not seen.")
    if any(t.backward_calls for t in traces) and not any(
        c.after_first_step and not c.trained for t in traces for c in t.calls
    ):
        notes.append("No evaluation was seen.")
    return notes
