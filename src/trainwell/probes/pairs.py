"""Inputs and labels that met at the training loss: conflicts, a column that tells, agreement of neighbours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from trainwell.probes import fingerprint

if TYPE_CHECKING:
    from trainwell.probes.tracer import Tracer

MOST_ROWS = 6000


@dataclass(eq=False)
class Pairs:
    """Inputs and labels that met at the training loss: hashes of rows with their labels, and some rows of tables."""

    hashes: list[Any] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    table: list[Any] = field(default_factory=list)
    table_labels: list[Any] = field(default_factory=list)
    flat: bool = True
    rows: int = 0


def note_pairs(tracer: Tracer, targets: torch.Tensor) -> None:
    """Keep hashes (and of narrow tables the rows) of a training batch beside its labels."""
    inputs = None if tracer.train_input is None else tracer.train_input()
    pairs = tracer.pairs
    if inputs is None or pairs.rows >= MOST_ROWS or inputs.device.type != "cpu":
        return
    if targets.numel() != len(inputs) or len(inputs) < 2:
        return
    labels = targets.detach().reshape(-1)
    if not inputs.is_floating_point() and not _are_texts(inputs, labels):
        return
    if labels.is_floating_point() and not bool((labels == labels.round()).all()):
        return
    if len(labels) >= 8 and len(torch.unique(labels)) == len(labels):
        return  # positions in the batch, not classes
    found = fingerprint.rows(inputs, MOST_ROWS)
    if found is None or len(found) != len(labels):
        return
    pairs.hashes.append(found)
    pairs.labels.append(labels.long().numpy().copy())
    pairs.rows += len(found)
    if inputs.is_floating_point() and 2 <= inputs[0].numel() <= 1024 and sum(map(len, pairs.table)) < 1000:
        pairs.flat = pairs.flat and inputs.ndim == 2
        pairs.table.append(inputs.detach().float().flatten(1).numpy().copy())
        pairs.table_labels.append(pairs.labels[-1])


def _are_texts(tokens: torch.Tensor, labels: torch.Tensor) -> bool:
    """Whether rows are 8 tokens or more and labels are classes, not the next token: few beside the tokens there are."""
    if tokens.is_complex() or tokens.dtype == torch.bool or tokens[0].numel() < 8:
        return False
    return int(tokens.max()) >= 4 * (int(labels.max()) + 1)


def facts_of(pairs: Pairs, *, final: bool) -> dict[str, Any]:
    """Conflicts among the pairs; at the end of the program also a telling column and the agreement of neighbours."""
    facts: dict[str, Any] = {}
    if not pairs.rows:
        return facts
    both = np.unique(np.stack([np.concatenate(pairs.hashes), np.concatenate(pairs.labels)]), axis=1)
    _, counts = np.unique(both[0], return_counts=True)
    inside = [len(part) - len(np.unique(part)) for part in pairs.hashes]
    facts["pairs"] = {
        "conflicting": int((counts > 1).sum()),
        "looked_at": len(counts),
        "again": pairs.rows - len(np.unique(np.concatenate(pairs.hashes))),
        "repeats": max((n / len(part) for n, part in zip(inside, pairs.hashes, strict=True)), default=0.0),
    }
    if not final:
        return facts
    leak = _leak(pairs) if pairs.flat else None
    if leak is not None:
        facts["leak"] = leak
    agreement = _agreement(pairs)
    if agreement is not None:
        facts["agreement"] = agreement
    return facts


def _agreement(pairs: Pairs) -> dict[str, float] | None:
    """How often an example's nearest neighbour among 200 or more others has its label."""
    if len({part.shape[1] for part in pairs.table}) != 1:
        return None
    table, labels = np.concatenate(pairs.table)[:1000], np.concatenate(pairs.table_labels)[:1000]
    _, first = np.unique(table, axis=0, return_index=True)
    table, labels = table[first], labels[first]
    if len(labels) < 200 or not np.isfinite(table).all():
        return None
    deviation = table.std(0)
    table = table[:, deviation > 0] / deviation[deviation > 0]
    squares = (table**2).sum(1)
    distance = squares[:, None] + squares - 2 * table @ table.T
    np.fill_diagonal(distance, np.inf)
    return {"share": float((labels[distance.argmin(1)] == labels).mean()), "rows": float(len(labels))}


def _leak(pairs: Pairs) -> dict[str, Any] | None:
    """A column that alone separates two classes with a gap, where no other comes near; None without one."""
    widths = {part.shape[1] for part in pairs.table}
    if len(widths) != 1:
        return None
    table, labels = np.concatenate(pairs.table), np.concatenate(pairs.table_labels)
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) != 2 or counts.min() < 20 or len(labels) < 100 or not np.isfinite(table).all():
        return None
    one = labels == classes[1]
    ranks = table.argsort(0, kind="stable").argsort(0) + 1.0
    n, m = int(one.sum()), int((~one).sum())
    auc = (ranks[one].sum(0) - n * (n + 1) / 2) / (n * m)
    if len(auc) < 3:
        return None
    strength = np.maximum(auc, 1 - auc)
    order = strength.argsort()[::-1]
    best, following = int(order[0]), float(strength[order[1]])
    column = table[:, best]
    upper, lower = (column[one], column[~one]) if auc[best] > 0.5 else (column[~one], column[one])
    gap = float(upper.min() - lower.max()) / max(float(column.std()), 1e-12)
    still = min(float(upper.std()), float(lower.std())) < 1e-6  # recorded for one class only
    if strength[best] < 0.999 or following > 0.95 or (gap < 0.2 and not (still and gap > 0)):
        return None
    return {"feature": best, "auc": float(strength[best]), "next": following, "gap": gap, "rows": len(labels)}
