"""Trainings: one run, done right, recorded; many runs as one."""

from trainwell.train.callbacks import Callback
from trainwell.train.evaluate import evaluate
from trainwell.train.exporters import MLflow, TensorBoard
from trainwell.train.fit import fit
from trainwell.train.folds import Folds, fit_folds
from trainwell.train.fused import (
    Choices,
    Halving,
    Lane,
    Rung,
    Standing,
    Together,
    fit_many,
    halving,
    loss_after,
    train_lanes,
)
from trainwell.train.run import Run
from trainwell.train.training import Training

__all__ = [
    "Callback",
    "Choices",
    "Folds",
    "Halving",
    "Lane",
    "MLflow",
    "Run",
    "Rung",
    "Standing",
    "TensorBoard",
    "Together",
    "Training",
    "evaluate",
    "fit",
    "fit_folds",
    "fit_many",
    "halving",
    "loss_after",
    "train_lanes",
]
