"""Many runs of one problem trained as one."""

from trainwell.train.fused.choose import Choices
from trainwell.train.fused.halving import Halving, Rung, Standing, halving
from trainwell.train.fused.lane import Lane
from trainwell.train.fused.many import fit_many, loss_after, train_lanes
from trainwell.train.fused.together import Together

__all__ = [
    "Choices",
    "Halving",
    "Lane",
    "Rung",
    "Standing",
    "Together",
    "fit_many",
    "halving",
    "loss_after",
    "train_lanes",
]
