"""What is learned from: sources, splits, batches, scaling, augmentation, the audit."""

from trainwell.data.audit import audit
from trainwell.data.augment import Augment, augmentation
from trainwell.data.baselines import baselines
from trainwell.data.batches import balanced_order, batch_count, batches, epoch_order, stored_order
from trainwell.data.examples import Examples, Inputs, map_inputs, tensors_of
from trainwell.data.scaling import Scaling, Standardize, fit_targets
from trainwell.data.sources import as_source
from trainwell.data.splits import Fold, folds, holdout
from trainwell.data.streamed import Source, Streamed, count, first, sample, subset

__all__ = [
    "Augment",
    "Examples",
    "Fold",
    "Inputs",
    "Scaling",
    "Source",
    "Standardize",
    "Streamed",
    "as_source",
    "audit",
    "augmentation",
    "balanced_order",
    "baselines",
    "batch_count",
    "batches",
    "count",
    "epoch_order",
    "first",
    "fit_targets",
    "folds",
    "holdout",
    "map_inputs",
    "sample",
    "stored_order",
    "subset",
    "tensors_of",
]
