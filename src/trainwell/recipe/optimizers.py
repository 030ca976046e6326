"""The optimizers that a recipe can name, with the defaults and the meaning of torch.optim.

Differs from torch.optim: `weight_decay` spares norms, biases and embeddings unless `parameters.decay_all` is set.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from trainwell.recipe.part import Beta, Count, ImportPath, NonNegative, Part, Positive, Table, kind_tag


class _Rated(Part):
    """An optimizer with a learning rate and a weight decay."""

    lr: Positive = 1e-3
    weight_decay: NonNegative = 0.0


class SGD(_Rated):
    """Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013)."""

    name: Literal["sgd"] = "sgd"
    lr: Positive = 0.1
    momentum: Beta = 0.0
    dampening: Annotated[float, Field(ge=0, le=1)] = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> SGD:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError(
                "`nesterov` must go with momentum above 0 and dampening 0, got "
                f"momentum {self.momentum:g}, dampening {self.dampening:g}. Set momentum = 0.9"
            )
        return self


class _AdamLike(_Rated):
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    eps: Positive = 1e-8


class Adam(_AdamLike):
    """Adam (Kingma & Ba 2015); its weight decay is coupled (L2 in the gradient)."""

    name: Literal["adam"] = "adam"
    amsgrad: bool = False


class AdamW(_AdamLike):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    name: Literal["adamw"] = "adamw"
    weight_decay: NonNegative = 0.01
    amsgrad: bool = False


class NAdam(_AdamLike):
    """Adam with Nesterov momentum (Dozat 2016)."""

    name: Literal["nadam"] = "nadam"
    lr: Positive = 2e-3
    momentum_decay: NonNegative = 4e-3
    decoupled: bool = False


class RAdam(_AdamLike):
    """Rectified Adam (Liu et al. 2020)."""

    name: Literal["radam"] = "radam"
    decoupled: bool = False


class Adagrad(_Rated):
    """Adagrad (Duchi et al. 2011)."""

    name: Literal["adagrad"] = "adagrad"
    lr: Positive = 1e-2
    lr_decay: NonNegative = 0.0
    initial_accumulator: NonNegative = 0.0
    eps: Positive = 1e-10


class Adadelta(_Rated):
    """Adadelta (Zeiler 2012)."""

    name: Literal["adadelta"] = "adadelta"
    lr: Positive = 1.0
    rho: Beta = 0.9
    eps: Positive = 1e-6


class RMSprop(_Rated):
    """RMSprop (Tieleman & Hinton 2012)."""

    name: Literal["rmsprop"] = "rmsprop"
    lr: Positive = 1e-2
    alpha: Beta = 0.99
    eps: Positive = 1e-8
    momentum: Beta = 0.0
    centered: bool = False


class Adafactor(_Rated):
    """Adafactor (Shazeer & Stern 2018), as in torch.optim."""

    name: Literal["adafactor"] = "adafactor"
    lr: Positive = 1e-2
    beta2_decay: Annotated[float, Field(le=0)] = -0.8
    clip_threshold: Annotated[float, Field(ge=1)] = 1.0


class Lion(_Rated):
    """Lion, sign momentum (Chen et al. 2023)."""

    name: Literal["lion"] = "lion"
    lr: Positive = 1e-4
    betas: tuple[Beta, Beta] = (0.9, 0.99)


class Muon(_Rated):
    """Muon for matrices (Jordan et al. 2024), AdamW with `adamw_lr` for all other parameters."""

    name: Literal["muon"] = "muon"
    lr: Positive = 2e-2
    weight_decay: NonNegative = 0.1
    momentum: Beta = 0.95
    nesterov: bool = True
    ns_steps: Count = 5
    adamw_lr: Positive = 3e-3
    adamw_betas: tuple[Beta, Beta] = (0.9, 0.999)
    adamw_weight_decay: NonNegative = 0.01


class LBFGS(Part):
    """Limited-memory BFGS with closures (Liu & Nocedal 1989)."""

    name: Literal["lbfgs"] = "lbfgs"
    lr: Positive = 1.0
    max_iter: Count = 20
    history_size: Count = 10
    line_search: Literal["none", "strong_wolfe"] = "strong_wolfe"


class ScheduleFree(_Rated):
    """Schedule-free SGD or AdamW (Defazio et al. 2024), by the extra `trainwell[schedulefree]`."""

    name: Literal["schedulefree"] = "schedulefree"
    base: Literal["adamw", "sgd"] = "adamw"
    lr: Positive = 2.5e-3
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.9
    beta2: Beta = 0.999
    warmup_steps: Annotated[int, Field(ge=0)] = 0


class Custom(Part):
    """Any torch optimizer class by import path, `package.module:Class`, with its own arguments."""

    name: ImportPath
    lr: Positive = 1e-3
    weight_decay: NonNegative = 0.0
    arguments: Table = {}


KINDS: dict[str, type[Part]] = {
    kind.model_fields["name"].default: kind
    for kind in (
        SGD, Adam, AdamW, NAdam, RAdam, Adagrad, Adadelta, RMSprop, Adafactor, Lion, Muon, LBFGS, ScheduleFree,
    )
}  # fmt: skip

SHORTHANDS: dict[str, dict[str, Any]] = {
    "sgd-momentum": {"name": "sgd", "momentum": 0.9},
    "momentum": {"name": "sgd", "momentum": 0.9},
    "nesterov": {"name": "sgd", "momentum": 0.9, "nesterov": True},
}

Optimizer = Annotated[
    Annotated[SGD, Tag("sgd")]
    | Annotated[Adam, Tag("adam")]
    | Annotated[AdamW, Tag("adamw")]
    | Annotated[NAdam, Tag("nadam")]
    | Annotated[RAdam, Tag("radam")]
    | Annotated[Adagrad, Tag("adagrad")]
    | Annotated[Adadelta, Tag("adadelta")]
    | Annotated[RMSprop, Tag("rmsprop")]
    | Annotated[Adafactor, Tag("adafactor")]
    | Annotated[Lion, Tag("lion")]
    | Annotated[Muon, Tag("muon")]
    | Annotated[LBFGS, Tag("lbfgs")]
    | Annotated[ScheduleFree, Tag("schedulefree")]
    | Annotated[Custom, Tag("custom")],
    Discriminator(kind_tag),
]
