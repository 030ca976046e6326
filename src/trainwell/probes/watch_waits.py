"""Lines that wait for the accelerator to read one number."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from trainwell.probes.place import site

if TYPE_CHECKING:
    from trainwell.probes.patch import Function
    from trainwell.probes.tracer import Tracer


def install(tracer: Tracer) -> None:
    """Watch `item`, `tolist`, `cpu` and `numpy` of tensors, where there is an accelerator."""
    if not torch.accelerator.is_available():
        return

    def read(original: Function) -> Function:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if tracer.here and self.device.type != "cpu" and not torch.compiler.is_compiling():
                tracer.waits[site(2)] += 1
            return original(self, *args, **kwargs)

        return wrapper

    for name in ("item", "tolist", "cpu", "numpy", "__bool__", "__float__"):
        if name not in vars(torch.Tensor):  # inherited from C, unless the user put something there
            setattr(torch.Tensor, name, read(getattr(torch.Tensor, name)))
            tracer.patches.later(functools.partial(delattr, torch.Tensor, name))
