"""Triage of insurance claims into routine / review / fraud."""
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Split(NamedTuple):
    x: torch.Tensor
    y: torch.Tensor


def claims(n: int, gen: torch.Generator) -> Split:
    y = torch.multinomial(torch.tensor([0.70, 0.28, 0.02]), n, replacement=True, generator=gen)
    centres = torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.5, 0.5, 0.0, 0.0], [0.6, -0.4, 1.3, 0.8]])
    x = torch.cat([centres[y], torch.zeros(n, 6)], 1) + torch.randn(n, 10, generator=gen)
    return Split(x, y)


def build_model() -> nn.Module:
    return nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))


def fit(model: nn.Module, data: Split, valid: Split, epochs: int = 12) -> None:
    loader = DataLoader(TensorDataset(*data), batch_size=64, shuffle=True)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            opt.zero_grad()
            loss_fn(model(x), y).backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            out = model(valid.x)
            acc = (out.argmax(1) == valid.y).float().mean().item()
            print(f"epoch {epoch:2d}: valid loss {loss_fn(out, valid.y).item():.4f}, accuracy {acc:.3f}")


if __name__ == "__main__":
    g = torch.Generator().manual_seed(81)
    torch.manual_seed(81)
    train, valid = claims(4000, g), claims(1500, g)
    fit(build_model(), train, valid)
