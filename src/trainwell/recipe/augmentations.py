"""The augmentations that a recipe can name; each works on whole batches (`trainwell.data.augment`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from trainwell.recipe.part import Count, ImportPath, NonNegative, OpenShare, Part, Positive, Share, Table, kind_tag


class Crop(Part):
    """Pad an image by zeros (of the scaled inputs) and cut its size out at a random place."""

    name: Literal["crop"] = "crop"
    padding: Count = 2


class Flip(Part):
    """Mirror an image left to right with probability `p`."""

    name: Literal["flip"] = "flip"
    p: Share = 0.5


class Rotate(Part):
    """Turn an image by a random angle up to `degrees` either way."""

    name: Literal["rotate"] = "rotate"
    degrees: Annotated[float, Field(gt=0, le=180)] = 10.0


class ColorJitter(Part):
    """Change brightness, contrast and saturation by random factors within 1 +- the values."""

    name: Literal["color-jitter"] = "color-jitter"
    brightness: OpenShare = 0.2
    contrast: OpenShare = 0.2
    saturation: OpenShare = 0.2


class Erase(Part):
    """Blank a random rectangle of an image (Zhong et al. 2020)."""

    name: Literal["erase"] = "erase"
    p: Share = 0.5
    area: Annotated[float, Field(gt=0, lt=1)] = 0.1


class Mixup(Part):
    """Train on convex mixtures of two examples and their labels (Zhang et al. 2018)."""

    name: Literal["mixup"] = "mixup"
    alpha: Positive = 0.2


class CutMix(Part):
    """Paste a rectangle of one image into another and mix the labels by area (Yun et al. 2019)."""

    name: Literal["cutmix"] = "cutmix"
    alpha: Positive = 1.0


class Noise(Part):
    """Add Gaussian noise of standard deviation `std` to the scaled inputs."""

    name: Literal["noise"] = "noise"
    std: NonNegative = 0.1


class FeatureDropout(Part):
    """Set features of a table to zero (their mean, when standardised) with probability `p`."""

    name: Literal["feature-dropout"] = "feature-dropout"
    p: OpenShare = 0.1


class CustomAugmentation(Part):
    """A callable `(inputs, targets, generator) -> (inputs, targets)` on batches, by import path."""

    name: ImportPath
    arguments: Table = {}


KINDS: dict[str, type[Part]] = {
    kind.model_fields["name"].default: kind
    for kind in (Crop, Flip, Rotate, ColorJitter, Erase, Mixup, CutMix, Noise, FeatureDropout)
}

Augmentation = Annotated[
    Annotated[Crop, Tag("crop")]
    | Annotated[Flip, Tag("flip")]
    | Annotated[Rotate, Tag("rotate")]
    | Annotated[ColorJitter, Tag("color-jitter")]
    | Annotated[Erase, Tag("erase")]
    | Annotated[Mixup, Tag("mixup")]
    | Annotated[CutMix, Tag("cutmix")]
    | Annotated[Noise, Tag("noise")]
    | Annotated[FeatureDropout, Tag("feature-dropout")]
    | Annotated[CustomAugmentation, Tag("custom")],
    Discriminator(kind_tag),
]
