"""Trainings: one run, done right, recorded."""

from trainwell.train.callbacks import Callback
from trainwell.train.evaluate import evaluate
from trainwell.train.exporters import MLflow, TensorBoard
from trainwell.train.fit import fit
from trainwell.train.folds import Folds, fit_folds
from trainwell.train.run import Run
from trainwell.train.training import Training

__all__ = ["Callback", "Folds", "MLflow", "Run", "TensorBoard", "Training", "evaluate", "fit", "fit_folds"]
