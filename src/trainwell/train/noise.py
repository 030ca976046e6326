"""The noise stream of a run (dropout, random layers): torch's generators, saved and put back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class NoiseState:
    """State of torch's generator on the CPU, and on the run's CUDA device where it has one."""

    cpu: Tensor
    cuda: Tensor | None = None
    device: torch.device | None = None

    @classmethod
    def now(cls, device: torch.device) -> NoiseState:
        """Read the present state."""
        cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        return cls(torch.get_rng_state(), cuda, device)

    def use(self) -> None:
        """Make it the present state."""
        torch.set_rng_state(self.cpu)
        if self.cuda is not None and self.device is not None:
            torch.cuda.set_rng_state(self.cuda, self.device)


def seed_torch(seed: int) -> None:
    """`torch.manual_seed`; without CUDA only the CPU's generator, since torch would note the call for a CUDA start.

    That note holds a formatted stack: 1 ms a call, and a little memory that is never freed.
    """
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)
