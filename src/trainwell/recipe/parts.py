"""The parts of a recipe beside optimizer, schedule and augmentation."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from trainwell.recipe.mistakes import DEVICE
from trainwell.recipe.part import Count, ImportPath, NonNegative, OpenShare, Part, Positive

LossName = Literal["cross-entropy", "bce", "mse", "mae", "huber", "nll"]
LOSSES: tuple[str, ...] = get_args(LossName)


class Loss(Part):
    """What is minimised; `name = "problem"` keeps the problem's own loss."""

    name: Literal["problem", LossName] | ImportPath = "problem"
    label_smoothing: OpenShare = 0.0
    class_weights: Literal["none", "balanced"] | tuple[Positive, ...] = "none"
    focal_gamma: NonNegative = 0.0
    huber_delta: Positive = 1.0


class Inputs(Part):
    """How inputs are scaled, by statistics of the training split only.

    `standardize`: each feature (tables) or channel (images) to mean 0 and deviation 1.
    """

    scaling: Literal["none", "standardize"] = "none"


class Targets(Part):
    """How regression targets are scaled for the loss; metrics stay in the problem's own unit."""

    scaling: Literal["none", "standardize"] = "none"


class Parameters(Part):
    """Which parameters get which rate and decay."""

    decay_all: bool = False
    layer_lr_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    overrides: tuple[Override, ...] = ()


class Override(Part):
    """Own settings for parameters whose name matches a pattern (`fnmatch`, e.g. `encoder.*`).

    Where several match, rate factors multiply and the last weight decay counts.
    """

    pattern: Annotated[str, Field(min_length=1)]
    lr_factor: Positive | None = None
    weight_decay: NonNegative | None = None
    freeze: bool = False


class Regularization(Part):
    """Penalties and perturbations beside weight decay and dropout.

    The penalty is `l1 * sum|w| + l2 / 2 * sum w^2` over decayed parameters (elastic net with both).
    `sam_rho`: radius of sharpness-aware minimisation (Foret et al. 2021), 0 = off.
    `gradient_noise`: variance eta at the start of noise with variance eta / (1 + t)^0.55 (Neelakantan et al. 2015).
    """

    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
    max_norm: NonNegative = 0.0
    gradient_noise: NonNegative = 0.0
    sam_rho: NonNegative = 0.0


class Averaging(Part):
    """Averages of the weights that are evaluated and exported instead of the last ones.

    `ema`: decay per step of an exponential average with the warm-up min(decay, (1 + t) / (10 + t)).
    `swa`: equal average (Izmailov et al. 2018) of the weights at each epoch end after `start` of the run.
    """

    name: Literal["none", "ema", "swa"] = "none"
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999
    start: OpenShare = 0.75


class Sampling(Part):
    """How training examples are drawn: each once an epoch, or with equal chances for the classes."""

    name: Literal["shuffled", "ordered", "balanced"] = "shuffled"
    drop_last: bool = False


class Initialization(Part):
    """How weights start; `default` keeps what the model factory made."""

    name: Literal["default", "xavier", "kaiming", "orthogonal", "lsuv"] = "default"
    gain: Positive = 1.0
    zero_residual: bool = False


class Clipping(Part):
    """Limits of the gradient: its norm, each value, or a percentile of its own history of norms."""

    name: Literal["none", "norm", "value", "adaptive"] = "none"
    limit: Positive = 1.0
    percentile: Annotated[float, Field(gt=0, lt=100)] = 90.0


class Precision(Part):
    """Number formats, compilation, threads and place of the computation.

    `threads`: intra-op threads; 0 chooses by a short measurement and leaves settings of the user alone.
    `channels_last`: layout of image networks; auto uses it on a CPU where it is known to be faster.
    """

    dtype: Literal["float32", "bf16", "fp16", "tf32"] = "float32"
    compile: Literal["off", "model", "step", "auto"] = "off"
    threads: Annotated[int, Field(ge=0)] = 0
    channels_last: bool | Literal["auto"] = "auto"
    device: Annotated[str, Field(pattern=DEVICE)] = "auto"


class Stopping(Part):
    """When to stop before the planned end, and which weights to keep.

    `watch`: the value of the validation split that decides; `metric` is the problem's first metric.
    """

    watch: str = "metric"
    patience: Count | None = None
    min_delta: NonNegative = 0.0
    seconds: Positive | None = None
    keep: Literal["best", "last"] = "best"
    on_nonfinite: Literal["stop", "skip", "rollback"] = "stop"


class Recording(Part):
    """How often to evaluate and look.

    `initial` evaluates before the first step too, `train` a part of the training split beside the validation split.
    `findings` diagnoses the run at its end; without it `trainwell diagnose` still can.
    """

    initial: bool = True
    train: bool = True
    findings: bool = True
    evaluations_per_epoch: Annotated[float, Field(gt=0, le=100)] = 1.0
    gradients_every: Count = 10


class Checkpoints(Part):
    """How often the state is saved in the run's folder, and how many of the latest are kept."""

    every_epochs: Annotated[float, Field(gt=0)] | None = None
    every_seconds: Positive | None = 20.0
    every_steps: Count | None = None
    keep: Count = 2


Parameters.model_rebuild()
