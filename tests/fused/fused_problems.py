"""Small problems and models for the tests of fused training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.problem import Problem


def table(model, *, n=160, features=10, classes=3, seed=0, **options) -> Problem:
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(n, features, generator=g)
    y = (X[:, :classes] + 0.3 * torch.randn(n, classes, generator=g)).argmax(1)
    return Problem(model, (X, y), test=None, name="table", **options)


def images(model, *, n=120, seed=0) -> Problem:
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(n, 1, 8, 8, generator=g)
    return Problem(model, (X, (X.mean((1, 2, 3)) > 0).long()), test=None, task="multiclass", name="images")


def tokens(model, *, n=120, length=6, seed=0) -> Problem:
    g = torch.Generator().manual_seed(seed)
    X = torch.randint(0, 12, (n, length), generator=g)
    y = (X.sum(1) % 3).long()
    return Problem(model, (X, y), test=None, task="multiclass", name="tokens")


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 3))


# No bias before a batch norm: its gradient is rounding noise, which Adam blows up to steps of its full rate.
def normed_mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(10, 16, bias=False),
        nn.BatchNorm1d(16),
        nn.GELU(),
        nn.Linear(16, 12),
        nn.LayerNorm(12),
        nn.Tanh(),
        nn.Linear(12, 3),
    )


def dropped_mlp(p: float = 0.3) -> nn.Module:
    return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Dropout(p), nn.Linear(16, 3))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2)
    )


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.inner = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + F.relu(self.norm(self.inner(x)))
        return self.head(x.mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self, kind=nn.LSTM, **options) -> None:
        super().__init__()
        self.tokens = nn.Embedding(12, 6)
        self.recurrent = kind(6, 7, batch_first=True, **options)
        self.head = nn.Linear(14 if options.get("bidirectional") else 7, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(self.tokens(x))[0][:, -1])


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(12, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.tokens(x)).mean(1))


class Tied(nn.Module):
    """Output weights are the embedding's."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(12, 8)
        self.scores = nn.Linear(8, 12, bias=False)
        self.scores.weight = self.tokens.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(self.tokens(x).mean(1))
