"""Regression with Monte-Carlo dropout uncertainty."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def enable_dropout(model):
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.train()


def mc_predict(model, x, passes=20):
    model.eval()
    enable_dropout(model)
    with torch.no_grad():
        draws = torch.stack([model(x) for _ in range(passes)])
    model.eval()
    return draws.mean(0), draws.std(0)


def make_data(n, rng):
    x = rng.uniform(-2, 2, size=(n, 3)).astype(np.float32)
    y = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.15 * rng.normal(size=n)
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.float32)).unsqueeze(1)


def main():
    torch.manual_seed(10)
    rng = np.random.default_rng(10)
    train = DataLoader(TensorDataset(*make_data(2400, rng)), batch_size=48, shuffle=True)
    xv, yv = make_data(500, rng)
    val = DataLoader(TensorDataset(xv, yv), batch_size=250)
    model = nn.Sequential(
        nn.Linear(3, 128), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(128, 1),
    )
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    mse = nn.MSELoss()
    for epoch in range(12):
        model.train()
        for x, y in train:
            opt.zero_grad()
            loss = mse(model(x), y)
            loss.backward()
            opt.step()
        if epoch % 3 == 2:
            se, inside = 0.0, 0
            for x, y in val:
                mean, std = mc_predict(model, x)
                se += ((mean - y) ** 2).sum().item()
                inside += ((mean - y).abs() < 2 * (std ** 2 + 0.15 ** 2).sqrt()).sum().item()
            print(f"epoch {epoch + 1}: mc mse {se / 500:.4f}  2-sigma coverage {inside / 500:.2f}")


if __name__ == "__main__":
    main()
