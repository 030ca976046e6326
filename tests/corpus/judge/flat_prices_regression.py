"""Predict log prices of flats from nine features (generated market)."""
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    n: int = 3000
    hidden: int = 64
    epochs: int = 12
    batch_size: int = 64
    lr: float = 2e-3
    seed: int = 5


def market(n, seed):
    rng = np.random.default_rng(seed)
    area = rng.gamma(9, 8, n) + 15
    rooms = np.clip(np.round(area / 25 + rng.normal(0, .6, n)), 1, 8)
    floor = rng.integers(0, 12, n)
    age = rng.integers(0, 120, n)
    dist = rng.gamma(2, 2.5, n)
    noise_db = rng.normal(15, 8, n)  # above 40 dB
    income = rng.normal(42, 9, n)
    lift = rng.integers(0, 2, n)
    garden = rng.integers(0, 2, n)
    logp = (0.9 * np.log(area) - 0.07 * dist + 0.012 * income + 0.05 * lift * (floor > 3)
            + 0.08 * garden + 0.0000225 * (age - 60) ** 2 - 0.006 * (noise_db - 15) + 0.02 * rooms
            + rng.normal(0, 0.08, n))
    X = np.column_stack([area, rooms, floor, age, dist, noise_db, income, lift, garden])
    return X, logp


def make_dataset(X, y, x_scaler, y_scaler):
    X = x_scaler.transform(X)
    y = y_scaler.transform(y.reshape(-1, 1))
    return TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


def prepare(cfg):
    X, y = market(cfg.n, cfg.seed)
    X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.2, random_state=cfg.seed)
    x_scaler = StandardScaler().fit(X_tr)
    y_scaler = StandardScaler().fit(y_tr.reshape(-1, 1))
    X_va = x_scaler.transform(X_va)
    train = make_dataset(X_tr, y_tr, x_scaler, y_scaler)
    valid = make_dataset(X_va, y_va, x_scaler, y_scaler)
    return (DataLoader(train, batch_size=cfg.batch_size, shuffle=True),
            DataLoader(valid, batch_size=256))


def mse_over(model, loader):
    model.eval()
    se, n = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            se += ((model(x) - y) ** 2).sum().item()
            n += y.numel()
    return se / n


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    train, valid = prepare(cfg)
    model = nn.Sequential(nn.Linear(9, cfg.hidden), nn.SiLU(), nn.Linear(cfg.hidden, cfg.hidden), nn.SiLU(),
                          nn.Linear(cfg.hidden, 1))
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        for x, y in train:
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            opt.step()
        print(f"epoch {epoch:02d} train mse {mse_over(model, train):.4f} valid mse {mse_over(model, valid):.4f}")


if __name__ == "__main__":
    main()
