"""Loaders, the data behind them, and tensors fed by hand: who trains on what, who evaluates on what."""

from __future__ import annotations

import dis
import sys
import weakref
from dataclasses import dataclass, field
from time import perf_counter
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler, TensorDataset
from torch.utils.data.dataloader import _BaseDataLoaderIter
from torch.utils.data.distributed import DistributedSampler

from trainwell.probes import datasets, fingerprint, label_change, moments, pairs
from trainwell.probes.naming import HELD_OUT, TRAIN, telling, tokens
from trainwell.probes.place import Site, site, user_frames, words
from trainwell.probes.state import DatasetState, LoaderState

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.state import CallState
    from trainwell.probes.tracer import Tracer


@dataclass(eq=False)
class Source:
    """Rows that went through one call of a model, by hand or from one loader."""

    state: CallState
    loader: LoaderState | None
    hashes: list[Any] = field(default_factory=list)
    rows: int = 0
    names: tuple[str, ...] = ()
    objects: set[int] = field(default_factory=set)
    calls: int = 0
    sums: Any = None
    seen: int = 0
    windows: bool = False
    grid: bool = False


def install(tracer: Tracer) -> None:
    """Watch DataLoader and its iterators."""

    def made(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            if tracer.here:
                try:
                    _find(tracer, self, site(2))
                except Exception as error:
                    tracer.failed("loader", error)
            return result

        return wrapper

    def iterate(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            iterator = original(self, *args, **kwargs)
            if tracer.here:
                try:
                    _begin(tracer, self, iterator)
                except Exception as error:
                    tracer.failed("loader", error)
            return iterator

        return wrapper

    def following(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not tracer.here:
                return original(self, *args, **kwargs)
            begin = perf_counter()
            batch = original(self, *args, **kwargs)
            try:
                _deliver(tracer, self, batch, perf_counter() - begin)
            except Exception as error:
                tracer.failed("batch", error)
            tracer.tick()
            return batch

        return wrapper

    tracer.iterators = weakref.WeakKeyDictionary()
    tracer.patches.wrap(DataLoader, "__init__", made)
    tracer.patches.wrap(DataLoader, "__iter__", iterate)
    tracer.patches.wrap(_BaseDataLoaderIter, "__next__", following)


def _find(tracer: Tracer, loader: Any, where: Site | None) -> LoaderState:
    state = tracer.loaders.get(id(loader))
    if state is not None and state.loader() is loader:
        return state
    if state is not None:
        tracer.past_loaders.append(tracer.loaders.pop(id(loader)))
    dataset = _dataset(tracer, loader.dataset)
    sampler = loader.sampler
    state = LoaderState(
        key=tracer.next_key(),
        loader=weakref.ref(loader),
        dataset=dataset,
        site=where,
        batch_size=loader.batch_size,
        sampler=type(sampler).__name__ if sampler is not None else "",
        shuffled=not isinstance(sampler, SequentialSampler) and isinstance(sampler, RandomSampler | DistributedSampler),
        workers=loader.num_workers,
        worker_init=loader.worker_init_fn is not None,
    )
    if state.batch_size is None and loader.batch_sampler is not None:
        state.sampler = type(loader.batch_sampler).__name__
    if loader.worker_init_fn is not None:
        dataset.facts["constant_worker_seed"] = _seeds_constant(loader.worker_init_fn)
    if loader.num_workers > 1:
        dataset.facts["own_generators"] = datasets.own_generators(loader.dataset)
    tracer.loaders[id(loader)] = state
    return state


def _seeds_constant(function: Any) -> bool:
    """Whether a worker_init_fn seeds without using the worker's number."""
    code = getattr(function, "__code__", None)
    if code is None or "seed" not in " ".join(code.co_names) or not code.co_argcount:
        return False
    names = set(code.co_names)
    if "initial_seed" in names or "get_worker_info" in names:
        return False
    argument = code.co_varnames[0]
    return not any(i.opname.startswith("LOAD") and i.argval == argument for i in dis.get_instructions(code))


def _dataset(tracer: Tracer, dataset: Any) -> DatasetState:
    state = tracer.datasets.get(id(dataset))
    if state is not None and state.dataset() is dataset:
        return state
    if state is not None:
        tracer.past_datasets.append(state)
    try:
        ref: Any = weakref.ref(dataset)
    except TypeError:

        def ref() -> Any:
            return None

    state = DatasetState(
        key=tracer.next_key(),
        kind=type(dataset).__name__,
        dataset=ref,
        length=datasets.length(dataset),
        root=str(id(datasets.root(dataset))),
        transforms=datasets.transforms(datasets.root(dataset)),
    )
    tracer.datasets[id(dataset)] = state
    return state


def names_of(wanted: Any, frames: list[FrameType]) -> tuple[str, ...]:
    """Names under which the user's frames hold an object."""
    found: dict[str, None] = {}
    for frame in frames:
        held = frame.f_locals
        for name, value in list(held.items()):
            if value is wanted:
                found[name] = None
            elif isinstance(value, dict) and len(value) < 20 and not name.startswith("__"):
                for key, inner in list(value.items()):
                    if inner is wanted and isinstance(key, str):
                        found[key] = None
        owner = frame.f_globals
        if owner is not held:
            for name, value in list(owner.items()):
                if value is wanted:
                    found[name] = None
            if sys.version_info < (3, 13) and frame.f_code.co_flags & 1:
                held.clear()  # the snapshot would keep the user's tensors alive
    return tuple(found)


def _begin(tracer: Tracer, loader: Any, iterator: Any) -> None:
    state = _find(tracer, loader, None)
    with tracer.governor:
        state.passes += 1
        state.pass_hashes = state.pass_hashes[-1:]
        state.pass_hashes.append([])
        sampler = loader.sampler
        if isinstance(sampler, DistributedSampler) and sampler.shuffle:
            state.set_epoch_calls += state.passes > 1 and sampler.epoch != state.dataset.facts.get(
                "epoch", sampler.epoch
            )
            state.dataset.facts["epoch"] = sampler.epoch
        if state.passes <= 2:
            frames = list(user_frames(3))[:6]
            if state.use_site is None and frames:
                state.use_site = (frames[0].f_code.co_filename, frames[0].f_lineno)
            state.names = tuple(dict.fromkeys((*state.names, *names_of(loader, frames))))
            state.words = tuple(dict.fromkeys((*state.words, *words(frames))))
            data_names = names_of(loader.dataset, frames)
            state.dataset.facts["names"] = list(data_names)
            try:
                state.batches = len(loader)
            except TypeError:
                state.batches = None
            if not state.dataset.fingerprinted and tracer.governor.allows(4.0):
                state.dataset.fingerprinted = True
                try:
                    state.dataset.hashes = datasets.raw_rows(loader.dataset)
                    _describe_labels(state.dataset, loader.dataset)
                    state.dataset.stored = _copied_images(loader.dataset)
                except Exception as error:
                    tracer.failed("fingerprint", error)
    tracer.iterators[iterator] = state


def _copied_images(dataset: Any) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Some of the images that a dataset of the user's own stores, copied, with their labels."""
    found = None if isinstance(dataset, TensorDataset) else datasets.stored_images(dataset)
    if found is None or found[0][0].numel() > label_change.WIDEST:
        return None
    every = max(1, len(found[0]) // label_change.MOST_CLEAN)
    return found[0][::every].detach().float().clone(), found[1][::every].clone()


def _describe_labels(state: DatasetState, dataset: Any) -> None:
    found = datasets.labels(dataset)
    hashes = state.hashes
    if hashes is not None:
        unique, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        state.facts["duplicates"] = int(len(hashes) - len(unique))
        state.facts["largest_group"] = int(counts.max())
        del first
    if found is None or found.is_floating_point():
        return
    labels, counts = torch.unique(found, return_counts=True)
    if len(labels) <= 2000:
        state.facts["label_counts"] = {str(k): v for k, v in zip(labels.tolist(), counts.tolist(), strict=True)}
    if hashes is not None and len(hashes) == len(found):
        order = np.argsort(hashes, kind="stable")
        h, y = hashes[order], found.cpu().numpy()[order]
        same = h[1:] == h[:-1]
        state.facts["conflicting"] = int((same & (y[1:] != y[:-1])).sum())


def _labels_of(batch: Any) -> torch.Tensor | None:
    if isinstance(batch, dict):
        for name in ("labels", "label", "target", "targets", "y"):
            if isinstance(batch.get(name), torch.Tensor):
                found: torch.Tensor = batch[name]
                return found
        return None
    if isinstance(batch, tuple | list) and len(batch) >= 2 and isinstance(batch[-1], torch.Tensor):
        return batch[-1]
    return None


def _deliver(tracer: Tracer, iterator: Any, batch: Any, seconds: float) -> None:
    state = tracer.iterators.get(iterator)
    if state is None:
        return
    state.delivered += 1
    state.wait += seconds
    tracer.last_loader = tracer.fresh_loader = state
    labels = _labels_of(batch)
    tracer.last_batch = None if labels is None else weakref.ref(labels)
    now = state.pass_hashes[-1] if state.pass_hashes else None
    if now is not None and len(now) < 64 and state.passes <= 4 and state.train <= 3 and tracer.governor.allows(1.2):
        first = batch[0] if isinstance(batch, tuple | list) and batch else batch
        if isinstance(batch, dict):
            first = next((v for v in batch.values() if isinstance(v, torch.Tensor)), None)
        if isinstance(first, torch.Tensor) and first.ndim:
            with tracer.governor:
                found = fingerprint.rows(first, 64)
                if found is not None:
                    position = len(now)
                    now.extend(found.tolist()[: 64 - position])
                    if len(state.pass_hashes) > 1 and state.evaluate and not state.train and not state.shuffled:
                        before = state.pass_hashes[0][position : len(now)]
                        state.looked_twice += len(before)
                        state.drawn_twice += sum(a != b for a, b in zip(before, now[position:], strict=False))


def note_input(tracer: Tracer, state: CallState, tensor: torch.Tensor | None, frame: FrameType | None) -> None:
    """Tie a forward call to the data it was given."""
    loader, tracer.fresh_loader = tracer.fresh_loader, None
    tracer.input_name = ""
    if loader is not None:
        state.loader = loader.key
        if not state.grad:
            loader.evaluate += 1
    looked_through = state.grad and not state.training and tensor is not None and tensor.requires_grad
    if looked_through:  # gradients of inputs (attacks, attribution): no training, and no evaluation that wastes a graph
        state.fed_on += 1
    if state.grad and len(tracer.pending) < 500 and not (looked_through and tensor is not None and tensor.is_leaf):
        tracer.pending.append((state, loader))
    if state.grad:
        tracer.train_input = None if tensor is None or tensor.ndim < 2 else weakref.ref(tensor)
        if tensor is not None and tensor.requires_grad and tensor.grad_fn is not None:
            state.model.fed = True
    if tensor is None or tensor.ndim == 0 or torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return
    source = _source(tracer, state, loader, tensor, frame)
    if source is None:
        return
    source.calls += 1
    if source.rows >= pairs.MOST_ROWS or (source.calls > 64 and source.calls & (source.calls - 1)):
        return
    width = tensor.numel() // max(1, tensor.shape[0])
    if tensor.device.type != "cpu" or (not tensor.is_floating_point() and width < 4) or width < 1:
        return
    if loader is None and source.calls > 1 and id(tensor) in source.objects:
        return
    if not tracer.governor.allows(1.6):
        return
    with tracer.governor:
        if source.calls <= 2 and frame is not None:
            source.names = tuple(dict.fromkeys((*source.names, *names_of(tensor, _frames(frame)))))
        source.objects.add(id(tensor))
        if source.seen < 2000 and source.calls <= 24 and tensor.is_floating_point() and tensor.ndim in (2, 4):
            _add_moments(source, tensor)
            source.grid = source.grid or (loader is None and not state.grad and moments.is_grid(tensor))
        found = fingerprint.rows(tensor, 4096)
        if found is not None and not tensor.is_floating_point():
            tokens = tensor.detach()[: len(found)].reshape(len(found), -1)
            found = found[(tokens != tokens[:, :1]).any(1).numpy()]  # rows of padding are no examples
        if found is not None:
            source.hashes.append(found)
            source.rows += len(found)


def _source(
    tracer: Tracer, state: CallState, loader: LoaderState | None, tensor: torch.Tensor, frame: FrameType | None
) -> Source | None:
    """The source that a call reads: its loader, or by hand the tensor's names at that place, the first few times."""
    key: tuple[Any, ...] = (id(state), None if loader is None else loader.key)
    if loader is None and not state.grad and frame is not None:
        known = tracer.named_inputs.get((id(state), id(tensor)))
        if known is None or known[0]() is not tensor:
            names = names_of(tensor, _frames(frame)) if state.calls <= 12 else ()
            known = (weakref.ref(tensor), names)
            if len(tracer.named_inputs) < 400:
                tracer.named_inputs[(id(state), id(tensor))] = known
        telling = [name for name in known[1] if tokens((name,)) & (HELD_OUT | TRAIN)]
        tracer.input_name = telling[0] if telling else ""
        key = (*key, *telling[:1])
    source = tracer.sources.get(key)
    if source is None and len(tracer.sources) <= 400:
        source = tracer.sources[key] = Source(state, loader)
    return source


def _frames(frame: FrameType) -> list[FrameType]:
    """A frame and those above it, four in all."""
    frames, back = [frame], frame.f_back
    while back is not None and len(frames) < 4:
        frames.append(back)
        back = back.f_back
    return frames


def _add_moments(source: Source, tensor: torch.Tensor) -> None:
    """Add a batch to the sums of a source: count, sum and sum of squares per feature (or channel)."""
    values = tensor.detach()[:2000]
    if values.numel() > 2_000_000 or values.numel() == 0:
        return
    if values.ndim == 2 and min(values.shape) > 2 and bool((values[1:, :-1] == values[:-1, 1:]).all()):
        source.windows = True
    flat = values.double() if values.ndim == 2 else values.double().transpose(0, 1).flatten(1).T
    sums = torch.stack(
        [torch.full((flat.shape[1],), float(len(flat)), dtype=torch.double), flat.sum(0), (flat**2).sum(0)]
    )
    array = sums.numpy()
    if source.sums is None:
        source.sums = array
    elif source.sums.shape == array.shape:
        source.sums = source.sums + array
    source.seen += len(values)


def source_name(state: CallState, tracer: Tracer) -> str:
    """Name of an evaluation pass: by its loader's names, else by the function around it."""
    loader = tracer.last_loader
    if loader is not None and loader.names and state.loader is not None:
        return telling(loader.names)
    if tracer.input_name:
        return tracer.input_name
    for word in state.words:
        if word.startswith("def "):
            return word[4:]
    return "evaluation"
