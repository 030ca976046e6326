"""Augmentations of whole batches, on the device of the batch, seeded by the generator that is passed in.

Shapes: images are (N, C, H, W), tables (N, D). Targets are class indices (N,), or whatever the task has; mixup and
cutmix turn class indices into soft targets, float32. Inputs are the scaled ones, so that 0 is their mean where they
are standardised.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Generator, Tensor
from torch.nn import functional

from trainwell.data.examples import Examples
from trainwell.data.mixing import cutmix, mixup, rectangles
from trainwell.errors import RecipeError
from trainwell.recipe import augmentations as parts
from trainwell.recipe.part import Part
from trainwell.records import InputKind, Task

Step: TypeAlias = Callable[[Tensor, Tensor | None, Generator], tuple[Tensor, Tensor | None]]
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True)
class Augment:
    """The augmentations of a recipe, one after the other, as a function of a batch."""

    steps: tuple[Step, ...]
    generator: Generator

    def __call__(self, batch: Examples) -> Examples:
        """Augment a training batch; its tensors stay as they are."""
        inputs, targets = batch.inputs, batch.targets
        assert isinstance(inputs, Tensor)  # checked by `augmentation`
        for step in self.steps:
            inputs, targets = step(inputs, targets, self.generator)
        return replace(batch, inputs=inputs, targets=targets)


def augmentation(
    recipe: Sequence[Part],
    *,
    task: Task,
    input_kind: InputKind,
    width: int | None,
    generator: Generator,
    several_inputs: bool = False,
) -> Augment | None:
    """Make the augmentation that a recipe means, or None where it has none; mistakes show here, before training.

    Args:
        recipe: `recipe.augmentation`.
        task: Says what targets mean: mixup and cutmix make soft targets of classes.
        input_kind: What the inputs look like.
        width: Columns of the model's output, hence of soft targets (N, width); 1 (one logit) gives (N,).
        generator: On the device of the batches; its state is all the randomness there is.
        several_inputs: Whether the model takes a tuple or a dict of tensors.

    Raises:
        RecipeError: If an augmentation does not suit the inputs or the targets; lists all.
    """
    if not recipe:
        return None
    mistakes = [m for part in recipe if (m := _mistake(part, task, input_kind, several_inputs))]
    mixing = [part.name for part in recipe if isinstance(part, parts.Mixup | parts.CutMix)]
    if len(mixing) > 1:
        mistakes.append(f"`augmentation` must mix examples once, got {' and '.join(mixing)}. Keep one of them")
    if mistakes:
        raise RecipeError("\n".join(mistakes))
    return Augment(tuple(_step(part, task, width) for part in recipe), generator)


_IMAGES = (parts.Crop, parts.Flip, parts.Rotate, parts.ColorJitter, parts.Erase, parts.CutMix)


def _mistake(part: Part, task: Task, kind: InputKind, several: bool) -> str:
    name = getattr(part, "name", "")
    if several:
        return f"`augmentation` must be empty for several inputs, got {name}. Augment in the data set"
    if isinstance(part, parts.CustomAugmentation):
        return ""
    if isinstance(part, _IMAGES) and kind != "image":
        return f"`augmentation` must suit the inputs, got {name} for {_said(kind)}. It needs images (N, C, H, W)"
    if isinstance(part, parts.FeatureDropout) and kind != "table":
        return f"`augmentation` must suit the inputs, got {name} for {_said(kind)}. It needs tables (N, D)"
    if kind == "tokens":
        return f"`augmentation` must suit the inputs, got {name} for tokens. Drop it"
    if isinstance(part, parts.Mixup | parts.CutMix) and task in ("sequence", "custom"):
        return f"`augmentation` must suit the task, got {name} for the task {task}. Drop it"
    return ""


def _said(kind: InputKind) -> str:
    return {"table": "tables", "image": "images", "tokens": "tokens", "other": "inputs of another shape"}[kind]


def _step(part: Part, task: Task, width: int | None) -> Step:
    match part:
        case parts.Crop():
            return lambda x, y, g: (crop(x, part.padding, g), y)
        case parts.Flip():
            return lambda x, y, g: (flip(x, part.p, g), y)
        case parts.Rotate():
            return lambda x, y, g: (rotate(x, part.degrees, g), y)
        case parts.ColorJitter():
            return lambda x, y, g: (color_jitter(x, part.brightness, part.contrast, part.saturation, g), y)
        case parts.Erase():
            return lambda x, y, g: (erase(x, part.p, part.area, g), y)
        case parts.Noise():
            return lambda x, y, g: (noise(x, part.std, g), y)
        case parts.FeatureDropout():
            return lambda x, y, g: (feature_dropout(x, part.p, g), y)
        case parts.Mixup():
            return lambda x, y, g: mixup(x, _soft(y, task, width), part.alpha, g)
        case parts.CutMix():
            return lambda x, y, g: cutmix(x, _soft(y, task, width), part.alpha, g)
        case parts.CustomAugmentation():
            return _custom(part)
        case _:
            raise RecipeError(f"`augmentation` must be a known part, got {part!r}. See trainwell.recipe.augmentations")


def _soft(targets: Tensor | None, task: Task, width: int | None) -> Tensor | None:
    """Class indices as one-hot float32, or as 0.0 and 1.0 for one logit; other targets as they are."""
    if targets is None or targets.is_floating_point() or task not in ("multiclass", "binary"):
        return targets
    if width == 1:
        return targets.float()
    return functional.one_hot(targets, width or int(targets.max()) + 1).float()


def _custom(part: parts.CustomAugmentation) -> Step:
    module, _, name = part.name.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise RecipeError(
            f"`augmentation` must be importable, got {part.name}: {error}. Check the name, or install the package"
        ) from error

    def step(inputs: Tensor, targets: Tensor | None, generator: Generator) -> tuple[Tensor, Tensor | None]:
        result = found(inputs, targets, generator, **part.arguments)
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[0], Tensor):
            raise RecipeError(
                f"`augmentation` {part.name} must return (inputs, targets), got a {type(result).__name__}. Mend it"
            )
        return result

    return step


def crop(images_NCHW: Tensor, padding: int, generator: Generator) -> Tensor:
    """Pad by zeros and cut the old size out at a place of its own for each image."""
    n, c, h, w = images_NCHW.shape
    padded = functional.pad(images_NCHW, (padding,) * 4)
    top, left = (_integers(n, 2 * padding + 1, generator) for _ in range(2))
    rows = (top[:, None] + _range(h, generator))[:, None, :, None].expand(n, c, h, w + 2 * padding)
    columns = (left[:, None] + _range(w, generator))[:, None, None, :].expand(n, c, h, w)
    return padded.gather(2, rows).gather(3, columns)


def flip(images_NCHW: Tensor, p: float, generator: Generator) -> Tensor:
    """Mirror each image left to right with probability p."""
    chosen = _uniform(len(images_NCHW), generator) < p
    return torch.where(chosen[:, None, None, None], images_NCHW.flip(3), images_NCHW)


def rotate(images_NCHW: Tensor, degrees: float, generator: Generator) -> Tensor:
    """Turn each image about its centre by an angle drawn from [-degrees, degrees]; bilinear, zeros outside."""
    n, _, h, w = images_NCHW.shape
    angles = (2 * _uniform(n, generator) - 1) * math.radians(degrees)
    cosine, sine, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    # affine_grid works in units of half the height and half the width: turn in pixels, not in these
    top = torch.stack([cosine, -sine * (h / w), zero], 1)
    bottom = torch.stack([sine * (w / h), cosine, zero], 1)
    grid = functional.affine_grid(torch.stack([top, bottom], 1), list(images_NCHW.shape), align_corners=False)
    return functional.grid_sample(images_NCHW, grid.to(images_NCHW.dtype), align_corners=False)


def color_jitter(
    images_NCHW: Tensor, brightness: float, contrast: float, saturation: float, generator: Generator
) -> Tensor:
    """Blend each image with black, with its mean grey, and with its grey version, by factors drawn from 1 +- value.

    As torchvision's ColorJitter in this order and without clamping, since scaled inputs have no fixed range. Saturation
    acts on images of three channels.
    """
    n = len(images_NCHW)
    by_brightness, by_contrast, by_saturation = (
        (1 + value * (2 * _uniform(n, generator) - 1))[:, None, None, None]
        for value in (brightness, contrast, saturation)
    )
    images = images_NCHW * by_brightness
    mean = _grey(images).mean((1, 2, 3), keepdim=True)
    images = mean + by_contrast * (images - mean)
    if images.shape[1] != 3:
        return images
    grey = _grey(images)
    return grey + by_saturation * (images - grey)


def erase(images_NCHW: Tensor, p: float, area: float, generator: Generator) -> Tensor:
    """Blank (zero) a rectangle of a share `area` of each image with probability p; its sides' ratio is 0.3 to 3.3."""
    n, _, h, w = images_NCHW.shape
    chosen = _uniform(n, generator) < p
    ratio = torch.exp((2 * _uniform(n, generator) - 1) * math.log(1 / 0.3))
    height = (math.sqrt(area) * h * ratio.sqrt()).round().clamp(1, h)
    width = (math.sqrt(area) * w / ratio.sqrt()).round().clamp(1, w)
    top = (_uniform(n, generator) * (h - height + 1)).floor()
    left = (_uniform(n, generator) * (w - width + 1)).floor()
    inside = rectangles(h, w, top, left, height, width) & chosen[:, None, None]
    return images_NCHW.masked_fill(inside[:, None], 0.0)


def noise(inputs: Tensor, std: float, generator: Generator) -> Tensor:
    """Add Gaussian noise."""
    return inputs + std * torch.randn(
        inputs.shape, generator=generator, device=generator.device, dtype=torch.float32
    ).to(inputs.dtype)


def feature_dropout(table_ND: Tensor, p: float, generator: Generator) -> Tensor:
    """Set each feature of each example to zero with probability p; the others keep their value."""
    drawn = torch.rand(table_ND.shape, generator=generator, device=generator.device)
    return table_ND.masked_fill(drawn < p, 0.0)


def _grey(images_NCHW: Tensor) -> Tensor:
    if images_NCHW.shape[1] != 3:
        return images_NCHW.mean(1, keepdim=True)
    luma = torch.tensor(_LUMA, device=images_NCHW.device, dtype=images_NCHW.dtype)
    return (images_NCHW * luma[:, None, None]).sum(1, keepdim=True)


def _uniform(n: int, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator, device=generator.device)


def _integers(n: int, below: int, generator: Generator) -> Tensor:
    return torch.randint(below, (n,), generator=generator, device=generator.device)


def _range(n: int, generator: Generator) -> Tensor:
    return torch.arange(n, device=generator.device)
