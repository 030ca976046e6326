"""Memory layout of image networks: channels last where that is faster and the network allows it."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import backward

from trainwell.data import Source, first
from trainwell.errors import RecipeError
from trainwell.recipe import Recipe
from trainwell.recipe.optimizers import LBFGS, Custom, ScheduleFree
from trainwell.train.losses import LossFunction, loss_of

_FEWEST_PIXELS = 256
_SLOWER_BY_CHANNELS_LAST = (nn.GroupNorm, nn.InstanceNorm2d, nn.LocalResponseNorm)


def laid_out(model: nn.Module, recipe: Recipe, train: Source, loss: LossFunction) -> nn.Module:
    """Put image weights into channels-last layout where the recipe says so, or leaves it open and it pays.

    Left open (`channels_last = "auto"`), the rule is fixed rather than measured, so that a run is the same on every
    machine of a kind: on a CPU, for networks with ordinary 2-d convolutions of images of at least 16 x 16 pixels.
    Measured time of a step against the usual layout (one thread, float32): LeNet 0.82, two convolutions on 28 x 28
    pixels 0.62, convolutions with batch norm on 32 x 32 pixels 0.83; with group norm 1.13 and on 8 x 8 pixels 1.09,
    so these are left alone. A network that cannot be laid out so (a `view` of feature maps) is left alone too.

    Args:
        model: On its device.
        train: What it learns from; the layout is tried on two examples before it is decided.
        loss: Mean loss of a batch.

    Raises:
        RecipeError: If the recipe demands the layout and the network refuses it.
    """
    wanted = recipe.precision.channels_last
    if not wanted or not any(isinstance(m, nn.Conv2d) for m in model.modules()):
        return model
    flattens = isinstance(recipe.optimizer, LBFGS)
    if flattens and wanted is True:
        raise RecipeError(
            f"`precision.channels_last` must be false for the optimizer {recipe.optimizer.name}, which takes weights "
            "row by row, got true. Set it to false"
        )
    few = first(train, 2)
    if wanted == "auto" and (flattens or _is_foreign(recipe) or not _pays(model, few.inputs)):
        return model
    try:
        with torch.random.fork_rng():
            backward(loss_of(_last(copy.deepcopy(model)), few, loss)[0])
    except Exception as error:
        if wanted == "auto":
            return model
        raise RecipeError(
            "`precision.channels_last` must be a layout that the model works in, got true and then "
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}. "
            "Use flatten or reshape in place of view, or set it to false"
        ) from error
    return _last(model)


def _last(model: nn.Module) -> nn.Module:
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _is_foreign(recipe: Recipe) -> bool:
    """Whether the optimizer is one that we do not know, which may take weights by `view`."""
    return isinstance(recipe.optimizer, Custom | ScheduleFree)


def _pays(model: nn.Module, images: Any) -> bool:
    images_on_cpu = isinstance(images, Tensor) and images.ndim == 4 and images.device.type == "cpu"
    if not images_on_cpu or images[0, 0].numel() < _FEWEST_PIXELS:
        return False
    modules = list(model.modules())
    ordinary = any(isinstance(m, nn.Conv2d) and m.groups == 1 and max(m.kernel_size) > 1 for m in modules)
    return ordinary and not any(isinstance(m, _SLOWER_BY_CHANNELS_LAST) for m in modules)
