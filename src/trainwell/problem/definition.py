"""A problem: what is to be learned (model factory, data, loss, metrics), and nothing of how it is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainwell.data.audit import audit
from trainwell.data.baselines import baselines
from trainwell.data.batches import random_state_kept
from trainwell.data.examples import Examples, tensors_of
from trainwell.data.sources import as_source
from trainwell.data.streamed import Source, count, first, sample, subset
from trainwell.errors import ProblemError
from trainwell.problem import forward, targets
from trainwell.problem.factory import build, check_factory, knobs
from trainwell.problem.metrics import METRICS, Metric, resolve_metrics
from trainwell.problem.partition import Plan, joined
from trainwell.records import Baselines, DataFacts, InputKind, ProblemFacts, Task

_HASHED_ROWS = 200_000


class Problem:
    """What is to be learned: a model factory, train, validation and test data, a loss, metrics.

    Args:
        model: Function, class or partial that builds the network; its keyword arguments are knobs that recipes set.
        train: (X, y) of arrays, tables or tensors, a `Dataset`, an `IterableDataset`, or a dict of arrays.
        val: The same, or the share of `train` that is held out. [fraction]
        test: The same; None for no test data (nothing can then be proved).
        loss: Name (cross-entropy, bce, mse, mae, huber, nll), a function of (outputs, targets), or None for the task's.
        metrics: Names or `Metric` objects, the first decides; {name: (function, "max" | "min")} for own ones.
        name: For reports.
        task: multiclass, binary, multilabel, regression, sequence or custom; None infers it from the targets.
        classes: Number of classes, labels or tokens; None counts them.
        groups: Group of each training example: shares are held out by whole groups.
        split: auto, stratified, grouped, time, random, or a scikit-learn splitter: its first fold becomes `val`.
        split_seed: Equal seeds give equal splits.
        collate: Makes a batch of a list of a data set's items.
        in_memory: Whether data sets are read into memory; None decides by size and steadiness.
        workers: Loader processes for streamed data sets.

    Raises:
        ProblemError: If anything of it is wrong.

    Attributes:
        train, val, test: The splits, `Examples` or `Streamed`.
        task, classes, loss, metrics: As given or inferred.
    """

    train: Source
    val: Source
    test: Source | None

    def __init__(
        self,
        model: Callable[..., nn.Module],
        train: Any,
        val: Any = 0.1,
        test: Any = 0.1,
        *,
        loss: str | Callable[..., Any] | None = None,
        metrics: Any = None,
        name: str | None = None,
        task: Task | None = None,
        classes: int | None = None,
        groups: Any = None,
        split: Any = "auto",
        split_seed: int = 0,
        collate: Callable[[Any], Any] | None = None,
        in_memory: bool | None = None,
        workers: int = 0,
    ) -> None:
        self.factory = check_factory(model)
        if val is None:
            raise ProblemError("`val` must be data or a share of `train`, got None. Decisions need it: pass val=0.1")
        reading: dict[str, Any] = {"collate": collate, "in_memory": in_memory, "workers": workers}
        given = {
            part: as_source(value, name=part, **reading)
            for part, value in (("train", train), ("val", val), ("test", test))
            if value is not None and not _is_share(value)
        }
        whole = given["train"] if "train" in given else _refuse_share(train)
        with random_state_kept():
            some = targets.first_targets(whole)
            self.task: Task = targets.check_task(task or targets.infer_task(some, _are_tokens(whole), loss))
        given = {part: targets.with_targets(source, self.task, part) for part, source in given.items()}
        self.classes = targets.count_classes(given, self.task, classes)
        self.loss = targets.check_loss(loss, self.task, some is not None)
        self.metrics: tuple[Metric, ...] = resolve_metrics(metrics, self.task)
        self.name = name or getattr(model, "__name__", "problem").strip("<>")
        self.split_seed = split_seed
        self.spec = ""
        self._part(given, {"val": val, "test": test}, split, None if groups is None else np.asarray(groups))
        self._refuse_different_shapes()

    def _part(
        self, given: Mapping[str, Source], asked: Mapping[str, Any], split: Any, groups: NDArray[Any] | None
    ) -> None:
        """Set the splits, and the group of each example where groups are given."""
        whole = given["train"]
        self.train, self.val, self.test = whole, given.get("val", whole), given.get("test")
        self.groups: dict[str, NDArray[Any]] = {}
        shares = {part: float(value) for part, value in asked.items() if _is_share(value)}
        if not shares:
            if groups is not None:
                raise ProblemError("`groups` must go with a share to hold out, got val and test as data. Drop `groups`")
            return
        for part, index in Plan(split, self.task, groups, self.split_seed).hold_out(whole, shares).items():
            setattr(self, part, subset(whole, torch.from_numpy(index)))
            if groups is not None:
                self.groups[part] = groups[index]

    def _refuse_different_shapes(self) -> None:
        held = {part: source for part, source in self.splits().items() if isinstance(source, Examples)}
        inputs = {part: " and ".join(str(tuple(t.shape[1:])) for t in tensors_of(s.inputs)) for part, s in held.items()}
        columns = {part: str(tuple(s.targets.shape[1:])) for part, s in held.items() if s.targets is not None}
        for what, shapes in (("inputs", inputs), ("targets", columns)):
            if self.task != "sequence" and len(set(shapes.values())) > 1:
                said = ", ".join(f"{part} {shape}" for part, shape in shapes.items())
                raise ProblemError(f"{what} must have one shape in all splits, got {said}. Prepare all splits alike")

    def splits(self) -> dict[str, Source]:
        """The splits by name; `test` only where there is one."""
        parts: dict[str, Source] = {"train": self.train, "val": self.val}
        return parts if self.test is None else {**parts, "test": self.test}

    def knobs(self) -> dict[str, Any]:
        """Keywords of the model factory and their defaults."""
        return knobs(self.factory)

    def build(self, values: Mapping[str, Any] | None = None) -> nn.Module:
        """Build a model with some knobs set; its weights come from torch's generator.

        Raises:
            RecipeError: For unknown knobs.
            ProblemError: If the factory fails.
        """
        return build(self.factory, values or {})

    def check_output(self, model: nn.Module) -> tuple[int, ...]:
        """Run two training examples through a model, in eval mode, and refuse outputs that do not suit the targets.

        Returns:
            Shape of the scores for two examples; empty where the model returns only its loss.

        Raises:
            ProblemError: If the model fails on the inputs or its output has the wrong shape.
        """
        strict = isinstance(self.loss, str) or any(METRICS.get(metric.name) is metric for metric in self.metrics)
        with random_state_kept():
            return forward.check_output(model, self._few, self.task if strict else "custom", self.classes)

    def folds(self, k: int = 5, *, repeats: int = 1, split: Any = "auto", seed: int = 0) -> list[Problem]:
        """One problem per fold over training and validation data together; the test data stay the same.

        Args:
            k: Number of folds.
            repeats: How often to fold anew.
            split: As for `Problem`, or any scikit-learn splitter (k and repeats are then its own).
            seed: Seed of the folds.

        Raises:
            ProblemError: If the data are streamed in their own order, or are too few for so many folds.
        """
        whole = joined(self.train, self.val)
        if self.groups and "val" not in self.groups:
            raise ProblemError("`folds` must know the group of each example, got none for the validation data")
        groups = np.concatenate([self.groups["train"], self.groups["val"]]) if self.groups else None
        found = []
        for number, fold in enumerate(Plan(split, self.task, groups, seed).fold(whole, k, repeats), 1):
            sides = {part: torch.from_numpy(index) for part, index in (("train", fold.train), ("val", fold.val))}
            twin = self.on(**{part: subset(whole, index) for part, index in sides.items()})
            twin.name = f"{self.name} fold {number}"
            found.append(twin)
        return found

    def on(self, *, train: Source, val: Source) -> Problem:
        """The same problem on other training and validation data, e.g. on one batch."""
        twin = object.__new__(Problem)
        twin.__dict__.update({key: value for key, value in self.__dict__.items() if key not in ("fingerprint", "_few")})
        twin.train, twin.val = train, val
        return twin

    @cached_property
    def _few(self) -> Examples:
        """Two training examples."""
        with random_state_kept():
            return first(self.train, 2)

    @property
    def metric(self) -> Metric:
        """The metric that decides; the loss for a custom task without metrics."""
        return self.metrics[0] if self.metrics else Metric("loss", "min", lambda outputs, _: float(outputs.mean()))

    @property
    def input_kind(self) -> InputKind:
        """What the inputs look like: table (N, D), image (N, C, H, W), tokens (whole numbers), or other."""
        inputs = self._few.inputs
        if not isinstance(inputs, Tensor):
            return "other"
        if not inputs.is_floating_point():
            return "tokens"
        kinds: dict[int, InputKind] = {2: "table", 4: "image"}
        return kinds.get(inputs.ndim, "other")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example's (first) input."""
        return tuple(tensors_of(self._few.inputs)[0].shape[1:])

    @cached_property
    def fingerprint(self) -> str:
        """Hash of data and splits; equal for equal problems."""
        digest = hashlib.blake2b(repr((self.task, self.classes)).encode(), digest_size=16)
        for part, source in self.splits().items():
            digest.update(f"{part} {count(source)}".encode())
            some = source if isinstance(source, Examples) and len(source) <= _HASHED_ROWS else _steady_sample(source)
            for tensor in [] if some is None else [*tensors_of(some.inputs), some.targets]:
                if tensor is not None:
                    digest.update(repr((tuple(tensor.shape), str(tensor.dtype))).encode())
                    array: Any = tensor.detach().cpu().contiguous().numpy()
                    digest.update(array)
        return digest.hexdigest()

    def audit(self) -> DataFacts:
        """Look at the data: counts, moments, overlap, duplicates, labels, leaks."""
        return audit(self.splits(), self.task, self.classes, input_kind=self.input_kind)

    def baselines(self, *, width: int | None = None) -> Baselines:
        """What a constant guess and a linear model reach on the validation split.

        Args:
            width: Columns of a binary model's output; 1 for one logit.
        """
        loss = self.loss if isinstance(self.loss, str) else ""
        return baselines(self.train, self.val, self.task, self.classes, self.metric, loss=loss, width=width)

    def facts(self) -> ProblemFacts:
        """The problem in plain values. `examples` is 0 for an iterable that does not say its length."""
        return ProblemFacts(
            name=self.name,
            task=self.task,
            classes=self.classes,
            metric=self.metric.name,
            direction=self.metric.direction,
            metrics=tuple(metric.name for metric in self.metrics) or (self.metric.name,),
            loss=self.loss if isinstance(self.loss, str) else getattr(self.loss, "__name__", type(self.loss).__name__),
            examples={part: count(source) or 0 for part, source in self.splits().items()},
            input_shape=self.input_shape,
            input_kind=self.input_kind,
            fingerprint=self.fingerprint,
        )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{part} {count(source)}" for part, source in self.splits().items())
        return f"Problem({self.name}: {self.task}, {sizes})"


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse_share(train: Any) -> Source:
    raise ProblemError(f"`train` must be (X, y) or a data set, got {train!r}. Only val and test may be shares")


def _are_tokens(source: Source) -> bool:
    inputs = tensors_of(first(source, 1).inputs)[0]
    return not inputs.is_floating_point()


def _steady_sample(source: Source) -> Examples | None:
    """Some rows of a large source; of a streamed one only the labels it tells, since its draws may be random."""
    if isinstance(source, Examples):
        return sample(source, _HASHED_ROWS)
    labels = source.labels()
    return None if labels is None else Examples(labels)
