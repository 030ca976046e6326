from dataclasses import dataclass, field
from typing import List

import numpy as np
import torch
import torch.nn as nn


@dataclass
class Settings:
    sizes: List[int] = field(default_factory=lambda: [8, 64, 32, 1])
    lr: float = 1e-3
    epochs: int = 15
    batch: int = 50
    seed: int = 19


def mlp(sizes):
    layers = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        layers.append(nn.Linear(n_in, n_out))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def buildings(n, rng):
    """Heating demand from eight (already standardised) building properties."""
    X = rng.normal(size=(n, 8))
    y = (3 * X[:, 0] - 2 * X[:, 1] + 1.5 * X[:, 2] * X[:, 3] + 2 * np.tanh(X[:, 4])
         + np.abs(X[:, 5]) + 0.3 * rng.normal(size=n) + 20)
    return X.astype(np.float32), y.astype(np.float32)


def main(cfg):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    X, y = buildings(2500, rng)
    y_mean, y_std = y[:2000].mean(), y[:2000].std()
    X = torch.from_numpy(X)
    t = torch.from_numpy((y - y_mean) / y_std)
    x_train, t_train, x_val, t_val = X[:2000], t[:2000], X[2000:], t[2000:]

    model = mlp(cfg.sizes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=1e-4)
    huber = nn.SmoothL1Loss()
    for epoch in range(cfg.epochs):
        model.train()
        perm = torch.randperm(len(x_train))
        for i in range(0, len(perm), cfg.batch):
            idx = perm[i:i + cfg.batch]
            optimizer.zero_grad()
            loss = huber(model(x_train[idx]).squeeze(-1), t_train[idx])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            pred = model(x_val).squeeze(-1)
            rmse = ((pred - t_val).pow(2).mean().sqrt() * y_std).item()
            val = huber(pred, t_val).item()
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1:2d} | val huber {val:.4f} | val rmse {rmse:.2f} kWh/m2")


if __name__ == "__main__":
    main(Settings())
