"""Small real problems for the tests of the trainer."""

from __future__ import annotations

from functools import cache, partial

import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

from trainwell import Problem
from trainwell.problem.models import cnn, mlp


@cache
def digits(examples: int = 400) -> Problem:
    X, y = load_digits(return_X_y=True)
    return Problem(partial(mlp, 64, 10, width=32), (X[:examples] / 16, y[:examples]), name="digits")


@cache
def digit_images(examples: int = 200) -> Problem:
    X, y = load_digits(return_X_y=True)
    images = torch.tensor(X[:examples] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return Problem(partial(cnn, 1, 8, 10, width=4), (images, y[:examples]), name="digit images")


@cache
def diabetes() -> Problem:
    X, y = load_diabetes(return_X_y=True)
    return Problem(partial(mlp, 10, 1, width=16), (X, y), name="diabetes")


class Exploding(nn.Module):
    """A linear model whose output becomes infinite after some forward passes in training."""

    def __init__(self, after: int = 5) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 10)
        self.after = after
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.calls += 1
        scale = float("inf") if self.calls == self.after and self.training else 1.0
        return self.layer(x) * scale


def exploding(after: int = 5) -> Problem:
    X, y = load_digits(return_X_y=True)
    return Problem(partial(Exploding, after), (X[:400] / 16, y[:400]), name="exploding")
