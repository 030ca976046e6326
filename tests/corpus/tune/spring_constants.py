"""Estimate the stiffness of a spring from noisy measurements of its motion."""
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build(n, seed):
    gen = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 12, generator=gen)
    w = torch.linspace(-1, 1, 12)
    y = x @ w + 0.7 * torch.sin(2 * x[:, 0]) * x[:, 1] + 0.1 * torch.randn(n, generator=gen)
    return x, y


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--epochs", type=int, default=15)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--lr", type=float, default=1e-6)
    p.add_argument("--width", type=int, default=64)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    x, y = build(2000, 10)
    mean, std = y.mean(), y.std()
    xv, yv = build(500, 20)
    loader = DataLoader(TensorDataset(x, (y - mean) / std), batch_size=args.batch_size, shuffle=True)
    yv = (yv - mean) / std

    model = nn.Sequential(nn.Linear(12, args.width), nn.Tanh(), nn.Linear(args.width, args.width), nn.Tanh(), nn.Linear(args.width, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    criterion = nn.MSELoss()
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb).squeeze(1), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        model.eval()
        with torch.no_grad():
            val = criterion(model(xv).squeeze(1), yv).item()
        print(f"epoch {epoch:3d}  train mse {total / len(x):.4f}  val mse {val:.4f}")


if __name__ == "__main__":
    main()
