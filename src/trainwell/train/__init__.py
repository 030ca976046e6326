"""Trainings: one run, done right, recorded."""

from trainwell.train.callbacks import Callback
from trainwell.train.evaluate import evaluate
from trainwell.train.fit import fit
from trainwell.train.run import Run
from trainwell.train.training import Training

__all__ = ["Callback", "Run", "Training", "evaluate", "fit"]
