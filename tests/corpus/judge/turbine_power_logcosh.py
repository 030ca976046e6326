"""Turbine power from weather, with a log-cosh loss that forgives outliers."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def weather(n, seed):
    rng = np.random.default_rng(seed)
    wind = rng.weibull(2.0, n) * 8
    temp = rng.normal(10, 8, n)
    pressure = rng.normal(1013, 9, n)
    direction = rng.uniform(0, 2 * np.pi, n)
    density = pressure / 1013 * 283 / (273 + temp)
    power = 1 / (1 + np.exp(-(wind - 8) / 1.4)) * density * (1 - 0.1 * np.cos(direction))
    power += rng.normal(0, 0.03, n) + (rng.random(n) < 0.01) * rng.normal(0, 0.6, n)
    feats = np.stack([(wind - 7) / 3.7, (temp - 10) / 8, (pressure - 1013) / 9, np.cos(direction), np.sin(direction)], 1)
    return feats.astype(np.float32), ((power - 0.45) / 0.33).astype(np.float32)


def log_cosh(prediction, target):
    d = prediction - target
    return (d + F.softplus(-2.0 * d) - math.log(2.0)).mean()


class PowerNet(nn.Module):
    def __init__(self, n_in=5, width=48):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, x):
        return self.net(x)


def loader(n, seed, **kw):
    x, y = weather(n, seed)
    return DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), **kw)


def main():
    torch.manual_seed(3)
    train, valid = loader(4000, 1, batch_size=64, shuffle=True), loader(1000, 2, batch_size=64)
    model = PowerNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        tr = []
        for x, y in train:
            optimizer.zero_grad()
            loss = log_cosh(model(x), y)
            loss.backward()
            optimizer.step()
            tr.append(loss.item())
        model.eval()
        va = []
        with torch.no_grad():
            for x, y in valid:
                va.append(log_cosh(model(x), y).item())
        print(f"epoch {epoch}: train {np.mean(tr):.4f} valid {np.mean(va):.4f}")


if __name__ == "__main__":
    main()
