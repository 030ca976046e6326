"""Put a run together from its problem, its recipe and its seed; every mistake shows here, before any training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.data import Examples, Source, Streamed, count, first, sample
from trainwell.data.augment import augmentation
from trainwell.errors import RecipeError
from trainwell.optim.build import build_optimizer, set_lr, to_evaluation, to_training
from trainwell.optim.clipping import clipper_of
from trainwell.optim.groups import treatments
from trainwell.optim.penalty import add_gradient_noise, add_penalty_gradient, project_rows
from trainwell.optim.plateau import PlateauState
from trainwell.optim.schedules import schedule_of
from trainwell.problem import Problem
from trainwell.problem.targets import known_targets
from trainwell.recipe import Recipe
from trainwell.recipe.schedules import Plateau
from trainwell.records import LayerFacts, ModelFacts
from trainwell.seeding import Streams, stream_seed
from trainwell.train.averaging import Average, average_of
from trainwell.train.compiled import update_of
from trainwell.train.custom_step import CustomUpdate, Step, optimizers_for
from trainwell.train.feed import Feed
from trainwell.train.initialization import initialize
from trainwell.train.layout import laid_out
from trainwell.train.lone_example import refuse_lone_example
from trainwell.train.losses import LossFunction, class_weights, loss_of, plain_loss, training_loss
from trainwell.train.noise import seed_torch
from trainwell.train.plan import Plan, plan_run
from trainwell.train.precision import autocast_of, scaler_of
from trainwell.train.scaled import Scaled, prepared
from trainwell.train.stopping import Keeper, keeper_for
from trainwell.train.threads import choose_threads
from trainwell.train.update import Hook, Update

_LOOKED_AT_TRAIN = 2048


@dataclass
class Assembly:
    """All live parts of one run."""

    recipe: Recipe
    model: nn.Module
    optimizer: Any
    update: Update | CustomUpdate
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
    autocast: Callable[[], AbstractContextManager[Any]] | None = None
    average: Average | None = None
    plateau: PlateauState | None = None
    noise: torch.Generator | None = None

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
        multiplier = self.schedule(step) * (1.0 if self.plateau is None else self.plateau.multiplier)
        set_lr(self.optimizer, multiplier)
        return self.lr * multiplier

    def unscale(self) -> Callable[[Tensor], Tensor] | None:
        """From the model's unit of the targets to the problem's."""
        return None if self.scaled is None or self.scaled.targets is None else self.scaled.targets.inverse

    def prepare(self, source: Source) -> Callable[[Examples], Examples] | None:
        """Scaling of the batches of a streamed source."""
        return self.scaled.apply_batch if self.scaled is not None and isinstance(source, Streamed) else None

    def weights(self) -> dict[str, Any]:
        """A copy of the model's and the optimizer's state."""
        return {
            "model": copy.deepcopy(self.model.state_dict()),
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
        }

    def load_weights(self, state: Mapping[str, Any]) -> None:
        """Go back to a copy of the state; the copy stays good."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))

    def finite(self) -> bool:
        """Whether all weights are finite."""
        return all(bool(torch.isfinite(p).all()) for p in self.model.parameters())

    @contextmanager
    def evaluated_weights(self) -> Iterator[None]:
        """Let the model hold the weights that are evaluated: the average, or those of a schedule-free optimizer."""
        if self.average is not None:
            with self.average.in_place():
                yield
        elif hasattr(self.optimizer, "eval"):
            own = [p.detach().clone() for p in self.model.parameters()]
            to_evaluation(self.optimizer)
            yield
            to_training(self.optimizer)
            with torch.no_grad():
                torch._foreach_copy_(list(self.model.parameters()), own)
        else:
            yield


def assemble(
    problem: Problem, recipe: Recipe, streams: Streams, step: Step | None = None, parts: Sequence[str] = ()
) -> Assembly:
    """Build everything that a run needs.

    Args:
        step, parts: A user's own update, and the submodules that get an optimizer each.

    Raises:
        RecipeError: If the recipe does not fit the problem.
        ProblemError: If the model does not fit the data.
    """
    device = device_of(recipe)
    plan = plan_run(recipe, count(problem.train))
    keeper = keeper_for(problem, recipe.stopping)
    seed_torch(streams.weights)
    model = problem.build(recipe.model)
    outputs = problem.check_output(model)
    refuse_lone_example(problem, recipe, model, plan)
    scaled, splits = prepared(problem, recipe, device)
    initialize(model, recipe.initialization, lambda: first(_scaled_train(problem, scaled), recipe.batch_size))
    model = model.to(device)
    model = laid_out(model, recipe, splits["train"], plain_loss(problem))
    optimizer: Any = build_optimizer(recipe.optimizer, recipe.parameters, model) if step is None else None
    if step is not None:
        optimizer = optimizers_for(recipe, model, parts)
    labels = known_targets(problem.train)
    loss = training_loss(problem, recipe.loss, weights_of(problem, recipe, labels))
    evaluated = {"val": splits["val"]}
    if recipe.recording.train:
        looked_at = min(_LOOKED_AT_TRAIN, max(1, count(splits["val"]) or _LOOKED_AT_TRAIN))
        evaluated = {"train": sample(splits["train"], looked_at), **evaluated}
    threads = _threads(problem, recipe, model, loss, splits["train"]) if device.type == "cpu" else 1
    average = average_of(recipe.averaging, model, plan.total_steps, plan.steps_per_epoch)
    noise = torch.Generator(device).manual_seed(stream_seed(streams.seed, "noise", 1))
    autocast = autocast_of(recipe.precision, device)
    schedule = recipe.schedule
    plateau = PlateauState(schedule, keeper.higher_is_better) if isinstance(schedule, Plateau) else None
    augment = augmentation(
        recipe.augmentation,
        task=problem.task,
        input_kind=problem.input_kind,
        width=outputs[-1] if len(outputs) > 1 else 1,
        generator=noise,
        several_inputs=not isinstance(first(problem.train, 1).inputs, Tensor),
    )
    after_step = _after_step(recipe, optimizer, average)
    update: Update | CustomUpdate
    if step is not None:
        update = CustomUpdate(model, step, optimizer, augment, after_step)
    else:
        options = {
            "autocast": autocast,
            "scaler": scaler_of(recipe.precision, device),
            "clip": None if recipe.clipping.name == "none" else clipper_of(recipe.clipping),
            "augment": augment,
            "before_step": _before_step(recipe, model, optimizer, noise),
            "after_step": after_step,
            "sam_rho": recipe.regularization.sam_rho,
            "gradients_every": recipe.recording.gradients_every,
            "guarded": recipe.stopping.on_nonfinite != "stop",
        }
        update = update_of(recipe, model, loss, optimizer, device, plan.total_steps, options)
    return Assembly(
        recipe=recipe,
        model=model,
        optimizer=optimizer,
        update=update,
        schedule=schedule_of(recipe.schedule, plan.total_steps),
        feed=Feed(splits["train"], plan, recipe, streams, device, labels=labels, scaled=scaled),
        plan=plan,
        keeper=keeper,
        plain_loss=plain_loss(problem),
        evaluated=evaluated,
        device=device,
        threads=threads,
        scaled=scaled,
        model_facts=describe(model, outputs),
        autocast=autocast,
        average=average,
        plateau=plateau,
        noise=noise,
    )


def _before_step(recipe: Recipe, model: nn.Module, optimizer: Any, noise: torch.Generator) -> list[Hook]:
    """Penalties and noise on the gradients, where the recipe has them. Penalties spare what weight decay spares."""
    part = recipe.regularization
    everything = [p for group in optimizer.param_groups for p in group["params"]]
    hooks: list[Hook] = []
    if part.l1 or part.l2:
        penalised = [t.parameter for t in treatments(model, recipe.parameters) if t.decays and not t.frozen]

        def penalise(step: int) -> None:
            kept = [p for p in penalised if p.grad is not None]
            add_penalty_gradient([p.grad for p in kept if p.grad is not None], kept, part.l1, part.l2)

        hooks.append(penalise)
    if part.gradient_noise:

        def disturb(step: int) -> None:
            add_gradient_noise([p.grad for p in everything if p.grad is not None], step, part.gradient_noise, noise)

        hooks.append(disturb)
    return hooks


def _after_step(recipe: Recipe, optimizer: Any, average: Average | None) -> list[Hook]:
    """Projection and averages after an update, where the recipe has them."""
    hooks: list[Hook] = []
    limit = recipe.regularization.max_norm
    if limit:
        weights = [p for group in optimizer.param_groups for p in group["params"]]
        hooks.append(lambda step: project_rows(weights, limit))
    if average is not None:
        hooks.append(average.update)
    return hooks


def _scaled_train(problem: Problem, scaled: Scaled | None) -> Source:
    return problem.train if scaled is None else scaled.apply(problem.train)


def describe(model: nn.Module, output_shape: tuple[int, ...] = ()) -> ModelFacts:
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
        output_shape=output_shape[1:],
    )


def weights_of(problem: Problem, recipe: Recipe, labels: Tensor | None) -> Tensor | None:
    """Class weights of the training loss, shape (classes,), or None.

    Raises:
        RecipeError: If the task has no classes, or another number of them.
    """
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


def device_of(recipe: Recipe) -> torch.device:
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
