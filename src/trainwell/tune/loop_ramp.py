"""The range test around a person's own loop.

```python
with trainwell.lr_range(model, optimizer) as test:
    for inputs, targets in itertools.cycle(loader):
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets)
        loss.backward()
        optimizer.step()
print(test.suggestion)
```
"""

from __future__ import annotations

import copy
import math
from types import TracebackType
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.errors import UsageError
from trainwell.records import RateTest
from trainwell.tune.ramp import Explosion
from trainwell.tune.rate_curve import read_ramp


class _Over(BaseException):
    """Ends the loop inside the block; never leaves it."""


class LoopRamp:
    """Raises the rate at each `optimizer.step()` of the block, reads the loss of each `backward()`, and ends the loop.

    The block ends by itself where the ramp is over or the loss has diverged. Afterwards model and optimizer are as they
    were before it.

    Attributes:
        result: The curve with its suggestion; after the block.

    Raises:
        UsageError: After the block, if no step or no loss was seen in it.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, low: float, high: float, steps: int) -> None:
        self.model, self.optimizer = model, optimizer
        self.rates = np.geomspace(low, high, steps)
        self.result: RateTest | None = None
        self._losses: list[float] = []
        self._last = math.nan

    @property
    def suggestion(self) -> float | None:
        """The suggested rate; None where the curve is flat."""
        if self.result is None:
            raise UsageError("`suggestion` must be read after the block, got it before. Let the loop run inside `with`")
        return self.result.suggestion

    def __enter__(self) -> LoopRamp:
        self._before = copy.deepcopy(self.model.state_dict()), copy.deepcopy(self.optimizer.state_dict())
        first = float(self.optimizer.param_groups[0]["lr"]) or 1.0
        self._ratios = [float(group["lr"]) / first or 1.0 for group in self.optimizer.param_groups]
        self._explosion = Explosion()
        optimizer: Any = cast(Any, self.optimizer)
        self._hook = optimizer.register_step_post_hook(self._stepped)
        original: Any = torch.Tensor.backward
        self._backward: Any = original
        ramp = self

        def backward(tensor: torch.Tensor, *arguments: Any, **keywords: Any) -> None:
            if tensor.numel() == 1:
                ramp._last = float(tensor.detach())
            original(tensor, *arguments, **keywords)

        tensor_class: Any = torch.Tensor
        tensor_class.backward = backward
        self._set_rate()
        return self

    def _set_rate(self) -> None:
        for group, ratio in zip(self.optimizer.param_groups, self._ratios, strict=True):
            group["lr"] = float(self.rates[len(self._losses)]) * ratio

    def _stepped(self, optimizer: Optimizer, arguments: Any, keywords: Any) -> None:
        self._losses.append(self._last)
        if self._explosion.seen(self._last) or len(self._losses) >= len(self.rates):
            raise _Over
        self._set_rate()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._hook.remove()
        tensor_class: Any = torch.Tensor
        tensor_class.backward = self._backward
        self.model.load_state_dict(self._before[0])
        self.optimizer.load_state_dict(self._before[1])
        for parameter in self.model.parameters():
            parameter.grad = None
        if kind is not None and not issubclass(kind, _Over):
            return False
        if len(self._losses) < 8:
            raise UsageError(
                f"`lr_range` must see at least 8 steps with their losses inside the block, got {len(self._losses)}. "
                "Call loss.backward() and optimizer.step() of this optimizer in it"
            )
        losses = self._losses + [math.nan] * (len(self.rates) - len(self._losses))
        self.result = read_ramp(self.rates.tolist(), losses)
        return True
