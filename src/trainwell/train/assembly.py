"""Put a run together from its problem, its recipe and its seed; every mistake shows here, before any training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainwell.data import Examples, Source, Streamed, count, first, sample
from trainwell.errors import RecipeError
from trainwell.optim.build import build_optimizer, set_lr
from trainwell.optim.clipping import clipper_of
from trainwell.optim.schedules import schedule_of
from trainwell.problem import Problem
from trainwell.problem.targets import known_targets
from trainwell.recipe import Recipe
from trainwell.records import LayerFacts, ModelFacts
from trainwell.seeding import Streams
from trainwell.train.feed import Feed
from trainwell.train.losses import LossFunction, class_weights, loss_of, plain_loss, training_loss
from trainwell.train.plan import Plan, plan_run
from trainwell.train.scaled import Scaled, prepared
from trainwell.train.stopping import Keeper, keeper_for
from trainwell.train.threads import choose_threads
from trainwell.train.update import Update

_LOOKED_AT_TRAIN = 2048


@dataclass
class Assembly:
    """All live parts of one run."""

    recipe: Recipe
    model: nn.Module
    optimizer: torch.optim.Optimizer
    update: Update
    schedule: Callable[[int], float]
    feed: Feed
    plan: Plan
    keeper: Keeper
    plain_loss: LossFunction
    evaluated: Mapping[str, Source]
    device: torch.device
    threads: int
    scaled: Scaled | None
    model_facts: ModelFacts

    @property
    def reads_loss(self) -> bool:
        """Whether the loss of each step is read at once: on an accelerator that would make it wait."""
        return self.device.type == "cpu"

    @property
    def lr(self) -> float:
        """The base rate of the optimizer."""
        return float(getattr(self.recipe.optimizer, "lr", 1.0))

    def set_rate(self, step: int) -> float:
        """Set the learning rate of a step and return it, as of the first parameter group."""
        multiplier = self.schedule(step)
        set_lr(self.optimizer, multiplier)
        return self.lr * multiplier

    def unscale(self) -> Callable[[Tensor], Tensor] | None:
        """From the model's unit of the targets to the problem's."""
        return None if self.scaled is None or self.scaled.targets is None else self.scaled.targets.inverse

    def prepare(self, source: Source) -> Callable[[Examples], Examples] | None:
        """Scaling of the batches of a streamed source."""
        return self.scaled.apply_batch if self.scaled is not None and isinstance(source, Streamed) else None

    def finite(self) -> bool:
        """Whether all weights are finite."""
        return all(bool(torch.isfinite(p).all()) for p in self.model.parameters())

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put averaged weights into the model for an evaluation."""
        yield


def assemble(problem: Problem, recipe: Recipe, streams: Streams) -> Assembly:
    """Build everything that a run needs.

    Raises:
        RecipeError: If the recipe does not fit the problem.
        ProblemError: If the model does not fit the data.
    """
    device = _device(recipe)
    plan = plan_run(recipe, count(problem.train))
    keeper = keeper_for(problem, recipe.stopping)
    torch.manual_seed(streams.weights)
    model = problem.build(recipe.model)
    problem.check_output(model)
    model.to(device)
    scaled, splits = prepared(problem, recipe, device)
    optimizer = build_optimizer(recipe.optimizer, recipe.parameters, model)
    labels = known_targets(problem.train)
    loss = training_loss(problem, recipe.loss, _weights(problem, recipe, labels))
    looked_at = min(_LOOKED_AT_TRAIN, max(1, count(splits["val"]) or _LOOKED_AT_TRAIN))
    threads = _threads(problem, recipe, model, loss, splits["train"]) if device.type == "cpu" else 1
    return Assembly(
        recipe=recipe,
        model=model,
        optimizer=optimizer,
        update=Update(
            model,
            loss,
            optimizer,
            clip=None if recipe.clipping.name == "none" else clipper_of(recipe.clipping),
            gradients_every=recipe.recording.gradients_every,
        ),
        schedule=schedule_of(recipe.schedule, plan.total_steps),
        feed=Feed(splits["train"], plan, recipe, streams, device, labels=labels, scaled=scaled),
        plan=plan,
        keeper=keeper,
        plain_loss=plain_loss(problem),
        evaluated={"train": sample(splits["train"], looked_at), "val": splits["val"]},
        device=device,
        threads=threads,
        scaled=scaled,
        model_facts=describe(model),
    )


def describe(model: nn.Module) -> ModelFacts:
    """A model in plain values: its modules without children, and its size."""
    layers = tuple(
        LayerFacts(name, type(module).__name__, sum(p.numel() for p in module.parameters()))
        for name, module in model.named_modules()
        if not list(module.children())
    )
    parameters = list(model.parameters())
    return ModelFacts(
        parameters=sum(p.numel() for p in parameters),
        trainable=sum(p.numel() for p in parameters if p.requires_grad),
        layers=layers,
    )


def _weights(problem: Problem, recipe: Recipe, labels: Tensor | None) -> Tensor | None:
    if recipe.loss.class_weights == "none":
        return None
    if labels is None or labels.is_floating_point() or problem.classes is None:
        raise RecipeError(
            f"`loss.class_weights` must be none for the task {problem.task}, got {recipe.loss.class_weights}. Drop it"
        )
    counts = torch.bincount(labels.flatten().clamp(min=0), minlength=problem.classes)
    return class_weights(recipe.loss, counts.tolist())


def _threads(problem: Problem, recipe: Recipe, model: nn.Module, loss: LossFunction, train: Source) -> int:
    key = (problem.fingerprint, tuple(sorted(map(str, recipe.model.items()))), recipe.batch_size)

    def probe(copy: nn.Module) -> Tensor:
        return loss_of(copy, first(train, recipe.batch_size), loss)[0]

    return choose_threads(recipe.precision.threads, model, probe, recipe.batch_size, key)


def _device(recipe: Recipe) -> torch.device:
    """The device that a recipe means; auto takes an accelerator where there is one.

    Raises:
        RecipeError: If the device is not there.
    """
    name = recipe.precision.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    available = name == "cpu" or (
        torch.cuda.is_available() if name.startswith("cuda") else torch.backends.mps.is_available()
    )
    if not available:
        raise RecipeError(f"`precision.device` must be there, got {name} on a machine without it. Set it to auto")
    return torch.device(name)
