"""What all update rules share: hyper-parameters per run, state, and the pure form of an in-place update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Value = float | Tensor
"""A hyper-parameter: one number, or one per run, float64 (K,)."""
Hyper = Mapping[str, Value]
State = dict[str, list[Tensor]]
Step = int | Tensor
"""Updates done so far: one number, or one per run, (K,)."""


@dataclass(frozen=True)
class Rule(ABC):
    """An update rule as a pure function of (gradients, state, parameters, hyper-parameters, step).

    It updates one run, or K stacked runs at once: then every tensor has a first dimension K and every
    hyper-parameter may be a tensor (K,), float64 so that bias corrections are exact. What depends on the shape of a
    parameter (Adafactor, Muon) looks at the dimensions behind the first. Runs never mix: a run that is not finite
    leaves the others as they are.

    Attributes:
        stacked: Whether tensors have the first dimension K.
    """

    stacked: bool = False

    @abstractmethod
    def init(self, params: Sequence[Tensor], hyper: Hyper) -> State:
        """State before the first update: lists of tensors by name, one tensor a parameter."""

    @abstractmethod
    def update_(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> None:
        """Update parameters and state in place; the gradients stay as they are."""

    @torch.no_grad()
    def update(
        self, grads: Sequence[Tensor], state: State, params: Sequence[Tensor], hyper: Hyper, step: Step
    ) -> tuple[list[Tensor], State]:
        """Return new parameters and state, the same numbers as `update_`.

        Args:
            grads: Gradients, shaped like the parameters.
            state: From `init` or the update before.
            params: Parameters, (...) or stacked (K, ...).
            hyper: Hyper-parameters by name; `lr` is the rate of this step.
            step: Updates done so far, from 0.
        """
        new = [p.clone() for p in params]
        new_state = {name: [t.clone() for t in tensors] for name, tensors in state.items()}
        self.update_(grads, new_state, new, hyper, step)
        return new, new_state


def zeros(params: Sequence[Tensor]) -> list[Tensor]:
    """One tensor of zeros a parameter."""
    return [torch.zeros_like(p) for p in params]


def count(step: Step) -> Value:
    """Updates including this one, ready for powers: an int or float64."""
    return step.to(torch.float64) + 1 if isinstance(step, Tensor) else step + 1


def shaped(value: Value, like: Tensor) -> Value:
    """A value that broadcasts along the runs of a tensor, in its dtype; numbers stay numbers."""
    if not isinstance(value, Tensor):
        return value
    return value.to(like.dtype).reshape(value.shape + (1,) * (like.ndim - value.ndim))


def is_zero(value: Value) -> bool:
    """Whether a value is the number 0 (never true of a tensor, whose values are not looked at)."""
    return not isinstance(value, Tensor) and value == 0


def add_scaled_(target: Tensor, source: Tensor, value: Value) -> Tensor:
    """Add value * source in place."""
    value = shaped(value, target)
    return target.addcmul_(source, value) if isinstance(value, Tensor) else target.add_(source, alpha=value)


def add_quotient_(target: Tensor, numerator: Tensor, denominator: Tensor, value: Value) -> Tensor:
    """Add value * numerator / denominator in place."""
    value = shaped(value, target)
    if isinstance(value, Tensor):
        return target.addcdiv_(numerator * value, denominator)
    return target.addcdiv_(numerator, denominator, value=value)


def approach_(target: Tensor, end: Tensor, share: Value) -> Tensor:
    """Go the share of the way to `end` in place: an exponential average with decay 1 - share."""
    return target.lerp_(end, shaped(share, target))


def with_coupled_decay(grad: Tensor, parameter: Tensor, weight_decay: Value) -> Tensor:
    """The gradient of the loss with weight_decay / 2 * |parameter|^2 added."""
    if is_zero(weight_decay):
        return grad
    value = shaped(weight_decay, parameter)
    return torch.addcmul(grad, parameter, value) if isinstance(value, Tensor) else grad.add(parameter, alpha=value)


def decay_(parameter: Tensor, lr: Value, weight_decay: Value) -> None:
    """Shrink the parameter by lr * weight_decay of itself (decoupled decay)."""
    if not is_zero(weight_decay):
        parameter.mul_(shaped(1 - lr * weight_decay, parameter))
