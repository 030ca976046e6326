"""What is minimised: the problem's loss with the recipe's smoothing, class weights and focus."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.data import Examples
from trainwell.errors import RecipeError
from trainwell.problem import Problem
from trainwell.problem.forward import call, read_outputs
from trainwell.recipe.parts import Loss

LossFunction = Callable[[Any, Tensor], Tensor]
CLASS_LOSSES = ("cross-entropy", "nll")


def scores(returned: Any) -> Tensor:
    """The tensor of predictions in what a model returned."""
    if isinstance(returned, Tensor):
        return returned
    found = read_outputs(returned).scores
    assert found is not None
    return found


def loss_of(model: nn.Module, batch: Examples, loss: LossFunction) -> tuple[Tensor, Any]:
    """Forward pass and loss of a batch; a model without targets returns its own loss.

    Returns:
        The loss, shape (), and what the model returned.
    """
    returned = call(model, batch.inputs)
    if batch.targets is not None:
        return loss(returned, batch.targets), returned
    return _own_loss(returned), returned


def plain_loss(problem: Problem) -> LossFunction:
    """The problem's own loss, mean over examples, as evaluations report it."""
    return _loss_function(problem, Loss(), None)


def training_loss(problem: Problem, loss: Loss, weights: Tensor | None) -> LossFunction:
    """The loss that a recipe minimises.

    Args:
        problem: Gives task and default loss.
        loss: The recipe's part.
        weights: Class weights, shape (classes,), mean 1 over the training examples; or None.

    Raises:
        RecipeError: If a setting does not fit the task.
    """
    return _loss_function(problem, loss, weights)


def class_weights(loss: Loss, counts: Sequence[int]) -> Tensor | None:
    """Weights by class: given, or inverse to the class counts; scaled so that the mean over examples is 1.

    Args:
        loss: The recipe's part.
        counts: Training examples of each class.

    Raises:
        RecipeError: If the number of given weights is not that of the classes.
    """
    if loss.class_weights == "none":
        return None
    n = torch.tensor(counts, dtype=torch.float32)
    if loss.class_weights == "balanced":
        return n.sum() / (len(n) * n.clamp(min=1))
    if len(loss.class_weights) != len(counts):
        raise RecipeError(
            f"`loss.class_weights` must have one weight per class ({len(counts)}), got {len(loss.class_weights)}. "
            'Or set "balanced"'
        )
    given = torch.tensor(loss.class_weights, dtype=torch.float32)
    return given * (n.sum() / (given * n).sum())


def _loss_function(problem: Problem, loss: Loss, weights: Tensor | None) -> LossFunction:
    own = problem.loss
    if loss.name == "problem" and callable(own):
        _refuse_settings(loss, "the problem's own callable loss")
        return own
    name = str(own) if loss.name == "problem" else loss.name
    if ":" in name:
        _refuse_settings(loss, f"the custom loss {name}")
        return _imported(name)
    if name == "bce" or (name == "cross-entropy" and problem.task == "binary"):
        return _binary(loss, weights, two_classes=problem.task == "binary")
    if name in CLASS_LOSSES:
        return _classification(name, loss, weights)
    if loss.label_smoothing:
        raise RecipeError(f"`loss.label_smoothing` must be 0 for the loss {name}, got {loss.label_smoothing:g}")
    _refuse_settings(loss, f"the loss {name}")
    if name == "model":
        return _own_loss
    functions: dict[str, Callable[..., Tensor]] = {
        "mse": F.mse_loss,
        "mae": F.l1_loss,
        "huber": partial(F.huber_loss, delta=loss.huber_delta),
    }
    function = functions[name]

    def regression(outputs: Any, targets: Tensor) -> Tensor:
        prediction = scores(outputs)
        return function(
            prediction.reshape(targets.shape) if prediction.numel() == targets.numel() else prediction, targets
        )

    return regression


def _own_loss(returned: Any, targets: Tensor | None = None) -> Tensor:
    """The loss that the model's forward returned."""
    own = read_outputs(returned, own_loss=True).loss
    assert own is not None
    return own


def _classification(name: str, loss: Loss, weights: Tensor | None) -> LossFunction:
    gamma, smoothing = loss.focal_gamma, loss.label_smoothing

    def classification(outputs: Any, targets: Tensor) -> Tensor:
        z = scores(outputs)
        w = None if weights is None else weights.to(z.device)
        if z.ndim > 2 and targets.ndim == z.ndim - 1 and z.shape[-1] != targets.shape[-1]:
            z, targets = z.flatten(0, -2), targets.flatten()  # sequences: (N, T, C) with (N, T)
        elif z.ndim == 3 and targets.ndim == 2 and z.shape[:2] == targets.shape:
            z, targets = z.flatten(0, 1), targets.flatten()
        if name == "nll":
            return F.nll_loss(z, targets, w)
        if gamma == 0:
            return F.cross_entropy(z, targets, w, label_smoothing=smoothing)
        return _focal(z, targets, w, gamma, smoothing)

    return classification


def _focal(z: Tensor, targets: Tensor, weights: Tensor | None, gamma: float, smoothing: float) -> Tensor:
    """Focal loss: cross-entropy times (1 - p)^gamma of the true class (Lin et al. 2017)."""
    each = F.cross_entropy(z, targets, weights, label_smoothing=smoothing, reduction="none")
    if targets.is_floating_point():
        p = (F.softmax(z, 1) * targets).sum(1)
        return ((1 - p) ** gamma * each).mean()
    valid = targets != -100
    p = F.softmax(z, 1).gather(1, targets.clamp(min=0).unsqueeze(1)).squeeze(1)
    focus = (1 - p) ** gamma * each
    # no boolean index here: stacks of runs are vectorised over this function
    total = valid.sum() if weights is None else (weights[targets.clamp(min=0)] * valid).sum()
    return torch.where(valid, focus, 0.0).sum() / total


def _binary(loss: Loss, weights: Tensor | None, *, two_classes: bool) -> LossFunction:
    """Binary cross-entropy of one logit (or one per label); two scores of a binary task take the cross-entropy."""

    def binary(outputs: Any, targets: Tensor) -> Tensor:
        z = scores(outputs)
        if z.ndim == 2 and z.shape[1] == 2 and (targets.ndim == 1 or targets.shape == z.shape) and two_classes:
            return _classification("cross-entropy", loss, weights)(z, targets)
        y = targets.to(z.dtype)
        z = z.reshape(y.shape)
        each_weight = None
        if weights is not None:
            w = weights.to(z.device)
            each_weight = w[targets.long()] if y.ndim == 1 else None
        if loss.label_smoothing:
            y = y * (1 - loss.label_smoothing) + loss.label_smoothing / 2
        if loss.focal_gamma == 0:
            return F.binary_cross_entropy_with_logits(z, y, each_weight)
        each = F.binary_cross_entropy_with_logits(z, y, each_weight, reduction="none")
        p = torch.sigmoid(z)
        truth = p * targets + (1 - p) * (1 - targets.to(z.dtype))
        return ((1 - truth) ** loss.focal_gamma * each).mean()

    return binary


def _refuse_settings(loss: Loss, what: str) -> None:
    for field in ("label_smoothing", "focal_gamma"):
        if getattr(loss, field):
            raise RecipeError(f"`loss.{field}` must be 0 with {what}, got {getattr(loss, field):g}. Drop it")
    if loss.class_weights != "none":
        raise RecipeError(f'`loss.class_weights` must be "none" with {what}, got {loss.class_weights}. Drop it')


def _imported(path: str) -> Callable[..., Tensor]:
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise RecipeError(f"`loss.name` must be importable, got {path}: {error}") from None
    return found() if isinstance(found, type) else found  # type: ignore[no-any-return]
