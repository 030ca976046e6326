"""What is known of a run beside its curves: the problem, the data, the model, the sanity checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Task = Literal["multiclass", "binary", "multilabel", "regression", "sequence", "custom"]
Direction = Literal["max", "min"]
InputKind = Literal["table", "image", "tokens", "other"]


@dataclass(frozen=True)
class ProblemFacts:
    """A problem in plain values.

    Attributes:
        classes: Number of classes or labels; None for regression.
        metric: Name of the metric that decides; `direction` says which way is better.
        metrics: All metrics, the deciding one first.
        fingerprint: Hash of data and splits; equal for equal problems.
    """

    name: str
    task: Task
    classes: int | None
    metric: str
    direction: Direction
    metrics: tuple[str, ...]
    loss: str
    examples: Mapping[str, int]
    input_shape: tuple[int, ...]
    input_kind: InputKind
    fingerprint: str

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger metric is better."""
        return self.direction == "max"


@dataclass(frozen=True)
class SplitFacts:
    """Counts and moments of one split, over at most `looked_at` examples.

    Attributes:
        label_counts: Examples per class (per label for multi-label), by class index; None for regression.
        input_mean, input_std, input_min, input_max: Over all finite elements of the inputs. [input unit]
        feature_std_min, feature_std_max: Smallest and largest deviation of a feature (table) or channel
            (image) that varies at all. [input unit]
        constant_share: Share of features that never change. [0 to 1]
        target_mean, target_std: Of regression targets; else None. [target unit]
        duplicates: Examples that repeat an earlier one of the same split.
        conflicting: Examples whose inputs also occur with another label.
    """

    name: str
    examples: int
    looked_at: int
    label_counts: Mapping[str, int] | None = None
    input_mean: float | None = None
    input_std: float | None = None
    input_min: float | None = None
    input_max: float | None = None
    feature_std_min: float | None = None
    feature_std_max: float | None = None
    constant_share: float = 0.0
    target_mean: float | None = None
    target_std: float | None = None
    target_min: float | None = None
    target_max: float | None = None
    non_finite_inputs: int = 0
    non_finite_targets: int = 0
    invalid_labels: int = 0
    duplicates: int = 0
    conflicting: int = 0


@dataclass(frozen=True)
class Overlap:
    """Examples of an evaluation split whose inputs also stand in the training split."""

    split: str
    examples: int
    share: float


@dataclass(frozen=True)
class DataFacts:
    """The audit of a problem's data.

    Attributes:
        overlaps: One entry per evaluation split that shares examples with the training split.
        shift: Largest standardised mean difference of a feature between training and each evaluation split.
        leaky_feature: Index and AUC (or |rank correlation|) of the single most telling feature, if any.
        nearest_neighbour_agreement: Share of examples whose nearest neighbour has the same label.
        sequential: Whether labels run in blocks instead of mixed order (probability under mixing below 1e-6).
    """

    splits: Mapping[str, SplitFacts]
    overlaps: tuple[Overlap, ...] = ()
    shift: Mapping[str, float] = field(default_factory=dict)
    leaky_feature: tuple[int, float] | None = None
    nearest_neighbour_agreement: float | None = None
    sequential: bool = False
    scaled_by_recipe: bool = False


@dataclass(frozen=True)
class LayerFacts:
    """One module that holds parameters or acts on activations."""

    name: str
    kind: str
    parameters: int


@dataclass(frozen=True)
class ModelFacts:
    """The model in plain values, in the order of `named_modules`."""

    parameters: int
    trainable: int
    layers: tuple[LayerFacts, ...]
    output_shape: tuple[int, ...] = ()

    def kinds(self) -> tuple[str, ...]:
        """Class names of the layers."""
        return tuple(layer.kind for layer in self.layers)


@dataclass(frozen=True)
class Baselines:
    """What simple predictors reach on the validation split.

    Attributes:
        uninformed_loss: Loss of the best constant prediction on the training split: entropy of the label
            shares, or variance of the targets (for MSE). [loss unit]
        chance_metric: Metric of the input-blind prediction on the validation split.
        linear_metric: Metric of a regularised linear model on standardised inputs; None if not tried.
    """

    uninformed_loss: float | None = None
    chance_metric: float | None = None
    linear_metric: float | None = None


@dataclass(frozen=True)
class Sanity:
    """Checks before the first training.

    Attributes:
        initial_loss: Mean loss of the untrained model over several seeds, in eval mode.
        expected_initial_loss: Loss of an uninformed guess (ln K, or the targets' variance).
        one_batch_loss: Loss on one small batch after training on it alone.
        one_batch_start: Loss on that batch before.
        one_batch_metric: Metric on that batch after.
    """

    initial_loss: float | None = None
    expected_initial_loss: float | None = None
    one_batch_start: float | None = None
    one_batch_loss: float | None = None
    one_batch_metric: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
