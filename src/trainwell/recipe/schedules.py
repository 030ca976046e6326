"""The learning-rate schedules that a recipe can name: multipliers of the optimizer's rate, by step.

The functions themselves are in `trainwell.optim.schedules`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from trainwell.recipe.part import Count, OpenShare, Part, Positive, Share, kind_tag


class _Warmed(Part):
    """A schedule with a linear rise at the start, in steps or as a share of the run."""

    warmup_steps: Annotated[int, Field(ge=0)] = 0
    warmup_share: OpenShare = 0.0

    @model_validator(mode="after")
    def _one_warmup(self) -> _Warmed:
        if self.warmup_steps and self.warmup_share:
            raise ValueError("`warmup_steps` must not go with `warmup_share`, got both. Keep one of them")
        return self


class _Floored(_Warmed):
    """A schedule that never falls below `floor` of the rate."""

    floor: Share = 0.0


class Constant(_Warmed):
    """The same rate throughout."""

    name: Literal["constant"] = "constant"


class Linear(_Floored):
    """A straight line down to the floor."""

    name: Literal["linear"] = "linear"


class Cosine(_Floored):
    """Half a cosine down to the floor (Loshchilov & Hutter 2017)."""

    name: Literal["cosine"] = "cosine"


class CosineRestarts(_Floored):
    """Cosines one after another, each `factor` times as long as the one before (SGDR)."""

    name: Literal["cosine-restarts"] = "cosine-restarts"
    cycles: Count = 3
    factor: Annotated[float, Field(ge=1)] = 1.0


class StepDecay(_Floored):
    """Multiply by `gamma` every `every` share of the run."""

    name: Literal["step"] = "step"
    every: Annotated[float, Field(gt=0, le=1)] = 1 / 3
    gamma: Annotated[float, Field(gt=0, lt=1)] = 0.1


class MultiStep(_Floored):
    """Multiply by `gamma` at each milestone."""

    name: Literal["multi-step"] = "multi-step"
    milestones: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5, 0.75)
    gamma: Annotated[float, Field(gt=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _rising(self) -> MultiStep:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"`milestones` must rise, got {list(self.milestones)}. Sort them")
        return self


class Exponential(_Floored):
    """Multiply by a constant each step, ending at `final` of the rate."""

    name: Literal["exponential"] = "exponential"
    final: Annotated[float, Field(gt=0, lt=1)] = 0.01


class Polynomial(_Floored):
    """(1 - p) to a power."""

    name: Literal["polynomial"] = "polynomial"
    power: Positive = 2.0


class InverseSqrt(_Floored):
    """1 over the square root of the step (Vaswani et al. 2017), flat for the first `shift` steps."""

    name: Literal["inverse-sqrt"] = "inverse-sqrt"
    shift: Count = 1


class OneCycle(Part):
    """Up and down once (Smith & Topin 2018); the optimizer's lr is the peak."""

    name: Literal["one-cycle"] = "one-cycle"
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3
    start: Annotated[float, Field(gt=0, le=1)] = 1 / 25
    final: Annotated[float, Field(gt=0, le=1)] = 4e-6


class Cyclic(_Floored):
    """Triangles between `floor` and the rate (Smith 2017)."""

    name: Literal["cyclic"] = "cyclic"
    cycles: Count = 4
    floor: Share = 0.1


class WarmupStableDecay(_Floored):
    """Warm-up, a plateau, then a decay over the last `decay_share` (Hu et al. 2024)."""

    name: Literal["wsd"] = "wsd"
    warmup_share: OpenShare = 0.0
    decay_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    shape: Literal["linear", "cosine", "sqrt"] = "linear"


class Plateau(_Floored):
    """Multiply by `factor` when the watched value has not improved for `patience` evaluations.

    An improvement is one by more than `min_delta`, absolute.
    """

    name: Literal["plateau"] = "plateau"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    patience: Annotated[int, Field(ge=0)] = 10
    min_delta: Annotated[float, Field(ge=0)] = 1e-4


KINDS: dict[str, type[Part]] = {
    kind.model_fields["name"].default: kind
    for kind in (
        Constant, Linear, Cosine, CosineRestarts, StepDecay, MultiStep, Exponential, Polynomial, InverseSqrt,
        OneCycle, Cyclic, WarmupStableDecay, Plateau,
    )
}  # fmt: skip

SHORTHANDS: dict[str, dict[str, object]] = {}

Schedule = Annotated[
    Annotated[Constant, Tag("constant")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[Cosine, Tag("cosine")]
    | Annotated[CosineRestarts, Tag("cosine-restarts")]
    | Annotated[StepDecay, Tag("step")]
    | Annotated[MultiStep, Tag("multi-step")]
    | Annotated[Exponential, Tag("exponential")]
    | Annotated[Polynomial, Tag("polynomial")]
    | Annotated[InverseSqrt, Tag("inverse-sqrt")]
    | Annotated[OneCycle, Tag("one-cycle")]
    | Annotated[Cyclic, Tag("cyclic")]
    | Annotated[WarmupStableDecay, Tag("wsd")]
    | Annotated[Plateau, Tag("plateau")],
    Discriminator(kind_tag),
]
