"""What the tracer keeps while a program runs: counters and small plain values, weak references to torch's objects."""

from trainwell.probes.state.loading import DatasetState, LoaderState
from trainwell.probes.state.losses import AROUND, BackwardState, LossState
from trainwell.probes.state.models import ActivationState, CallState, EvaluationState, ModelState, Tag
from trainwell.probes.state.optimization import ClipState, OptimizerState, ScalerState, SchedulerState
from trainwell.probes.state.values import MOST_VALUES, as_trace, keep, no_object

__all__ = [
    "AROUND",
    "MOST_VALUES",
    "ActivationState",
    "BackwardState",
    "CallState",
    "ClipState",
    "DatasetState",
    "EvaluationState",
    "LoaderState",
    "LossState",
    "ModelState",
    "OptimizerState",
    "ScalerState",
    "SchedulerState",
    "Tag",
    "as_trace",
    "keep",
    "no_object",
]
