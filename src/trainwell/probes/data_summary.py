"""What is said of the data at the end: overlap of evaluation with training, shifts, what augmentation does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from trainwell.probes import label_change, pairs
from trainwell.probes.naming import HELD_OUT, claim, telling, tokens
from trainwell.probes.place import place
from trainwell.probes.state import LoaderState
from trainwell.probes.watch_data import Source
from trainwell.records import OverlapTrace

if TYPE_CHECKING:
    from trainwell.probes.tracer import Tracer


def _shifts(tracer: Tracer) -> tuple[list[dict[str, Any]], int]:
    """Evaluation sources against the training inputs of their model: median shift of means, median ratio of scales."""
    found: list[dict[str, Any]] = []
    rows = 0
    for source in tracer.sources.values():
        state = source.state
        if source.sums is None or not state.is_evaluation() or state.model.fed or source.grid:
            continue
        if state.repeated > 0.5 * state.calls and state.dropout_on:
            continue  # MC dropout: how unsure it is, often of inputs that it must not know
        train = [
            other
            for other in tracer.sources.values()
            if other.state.model is state.model and other.state.trained and other.sums is not None
        ]
        if not train or any(other.sums.shape != source.sums.shape for other in train):
            continue
        if not all(np.isfinite(other.sums).all() for other in (source, *train)):
            continue
        a, b = sum(other.sums for other in train), source.sums
        mean_a, mean_b = a[1] / a[0], b[1] / b[0]
        std_a = np.sqrt(np.maximum(a[2] / a[0] - mean_a**2, 0))
        std_b = np.sqrt(np.maximum(b[2] / b[0] - mean_b**2, 0))
        used = (std_a > 1e-6) & (std_b > 1e-6) & np.isfinite(std_a + std_b)
        rows = max(rows, sum(other.seen for other in train))
        if used.any():
            names = source.names if source.loader is None else source.loader.names
            found.append(
                {
                    "name": telling(names),
                    "mean": float(np.median(np.abs(mean_a - mean_b)[used] / std_a[used])),
                    "ratio": float(np.median(std_b[used] / std_a[used])),
                    "rows": source.seen,
                    "windows": source.windows,
                }
            )
    return found, rows


def summary(tracer: Tracer) -> tuple[tuple[OverlapTrace, ...], dict[str, Any], dict[str, Any]]:
    """Overlap of evaluation sources with the training data; facts of both."""
    loaders = [*tracer.past_loaders, *tracer.loaders.values()]
    found: list[OverlapTrace] = []
    for key in {source.state.model.key for source in tracer.sources.values()}:
        found.extend(_overlaps(tracer, loaders, key))
    shifts, rows = _shifts(tracer)
    change = _label_change(tracer, loaders) if tracer.final else None
    train = {**_data_facts(tracer, True), **pairs.facts_of(tracer.pairs, final=tracer.final), "rows_seen": rows}
    if change is not None:
        train["label_change"] = change
    return tuple(found), train, {**_data_facts(tracer, False), "shift": shifts}


def _label_change(tracer: Tracer, loaders: list[LoaderState]) -> dict[str, Any] | None:
    """What flips, turns and other changes of the training images do to their classes; None where none were seen."""
    tables = tracer.pairs.table
    if len({part.shape[1] for part in tables}) != 1:
        return None
    for loader in loaders:
        if loader.train and loader.dataset.stored is not None:
            drawn = torch.from_numpy(np.concatenate(tables))
            given = torch.from_numpy(np.concatenate(tracer.pairs.table_labels))
            found = [
                label_change.confusions(drawn, *loader.dataset.stored),
                label_change.strayed(drawn, given, *loader.dataset.stored),
            ]
            return max((f for f in found if f is not None), key=lambda f: float(f["share"]), default=None)
    return None


def _overlaps(tracer: Tracer, loaders: list[LoaderState], model: int) -> Iterator[OverlapTrace]:
    """Evaluation sources of one model against what that model was trained on.

    Training data that are evaluated beside held-out data count as held-out only if their own name says so.
    """
    mine = [source for source in tracer.sources.values() if source.state.model.key == model]
    trained = [source for source in mine if source.state.trained and (source.loader is None or source.loader.train)]
    parts = [part for source in trained for part in source.hashes]
    fed = {source.loader.key for source in trained if source.loader is not None}
    parts += [entry.dataset.hashes for entry in loaders if entry.key in fed and entry.dataset.hashes is not None]
    if not parts:
        return
    train = np.unique(np.concatenate(parts))
    objects = {identity for source in trained for identity in source.objects}
    if len(objects) == 1 and _by_mask(tracer, trained):
        return
    done: set[int] = set()
    found: list[tuple[bool, OverlapTrace]] = []
    for source in mine:
        state, loader = source.state, source.loader
        if loader is not None and loader.dataset.hashes is not None and len(loader.dataset.hashes):
            if loader.key in done or not loader.evaluate:
                continue
            done.add(loader.key)
            rows = loader.dataset.hashes[:20_000]
        elif source.hashes and not state.trained and (state.after_first_step or not state.grad) and not state.fed_on:
            rows = np.concatenate(source.hashes)[:20_000]
        else:
            continue
        if len(np.unique(rows)) < 4:
            continue
        inside = np.isin(rows, train)
        share = float(inside.mean())
        if loader is None and _mixes(source, train):
            continue
        names = source.names if loader is None else loader.names
        claimed, says_train = claim(names, state.words if loader is None else loader.words)
        by_name = bool(tokens(names) & HELD_OUT)
        found.append(
            (
                by_name,
                OverlapTrace(
                    name=telling(names),
                    share=share,
                    rows=round(share * len(rows)),
                    looked_at=len(rows),
                    place=place(state.site) if loader is None else place(loader.site) or place(loader.use_site),
                    claimed=claimed,
                    same_object=bool(source.objects & objects) or bool(loader is not None and loader.train),
                    says_train=says_train,
                    repeats=1 - len(np.unique(rows)) / len(rows),
                ),
            )
        )
    beside = any(entry.share < 0.1 and entry.looked_at >= 20 for _, entry in found)
    for by_name, entry in found:
        yield entry if by_name or not beside else replace(entry, claimed="")


def _by_mask(tracer: Tracer, trained: list[Source]) -> bool:
    """Whether training reads one tensor whole and its loss only some of the rows, as graph networks do."""
    rows = {source.state.output_shape[:1] for source in trained if source.state.output_shape}
    asked = {loss.facts["target_shape"][:1] for loss in tracer.losses.values() if loss.grad}
    return len(rows) == 1 and bool(asked) and not rows & asked


def _mixes(source: Source, train: Any) -> bool:
    """Whether the inputs given at one place are training data at one time and held-out data at another."""
    shares = [float(np.isin(part, train).mean()) for part in source.hashes if len(part) >= 4]
    return any(share > 0.9 for share in shares) and any(share < 0.1 for share in shares)


def _data_facts(tracer: Tracer, train: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for loader in [*tracer.past_loaders, *tracer.loaders.values()]:
        if (loader.train if train else loader.evaluate and not loader.train) and "examples" not in facts:
            facts |= {
                k: v
                for k, v in loader.dataset.facts.items()
                if k in ("label_counts", "duplicates", "conflicting", "largest_group")
            }
            if loader.dataset.length is not None:
                facts["examples"] = loader.dataset.length
            facts["sampler"] = loader.sampler
            facts["batch_size"] = loader.batch_size
            facts["batches"] = loader.batches
    return facts
