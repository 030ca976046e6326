"""Points on interleaved spiral arms, an MLP and a config."""
from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass(frozen=True)
class Config:
    classes: int = 4
    per_class: int = 400
    hidden: int = 64
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-2
    batch: int = 50
    epochs: int = 14
    seed: int = 14


def spirals(cfg, gen):
    """One arm a class, all winding around the origin."""
    n = cfg.classes * cfg.per_class
    y = torch.arange(n) % cfg.classes
    r = 0.15 + 1.6 * torch.rand(n, generator=gen)
    angle = 2.2 * r + y * (2 * torch.pi / cfg.classes) + 0.12 * torch.randn(n, generator=gen)
    return torch.stack([r * angle.cos(), r * angle.sin()], 1), y


def train(cfg):
    torch.manual_seed(cfg.seed)
    gen = torch.Generator().manual_seed(cfg.seed)
    x, y = spirals(cfg, gen)
    order = torch.randperm(len(x), generator=gen)
    tr, va = order[: len(x) * 3 // 4], order[len(x) * 3 // 4:]

    model = nn.Sequential(nn.Linear(2, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, cfg.hidden), nn.ReLU(),
                          nn.Linear(cfg.hidden, cfg.classes))
    loss_fn = nn.CrossEntropyLoss()
    opt = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum, weight_decay=cfg.weight_decay)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for idx in tr[torch.randperm(len(tr), generator=gen)].split(cfg.batch):
            loss = loss_fn(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(x[va])
        print(f"epoch {epoch:2d} train {total / len(tr):.3f} valid {loss_fn(out, y[va]):.3f} acc {(out.argmax(1) == y[va]).float().mean():.3f}")
    return model


if __name__ == "__main__":
    train(Config())
