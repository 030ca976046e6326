"""Predict energy of small spring systems; large effective batch through accumulation."""
import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def spring_systems(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 6, generator=g)
    pos = x.view(n, 3, 2)
    gaps = (pos[:, [0, 1, 2]] - pos[:, [1, 2, 0]]).norm(dim=-1)
    energy = 0.5 * ((gaps - 1.0) ** 2).sum(1)
    return x, energy


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--accumulate", type=int, default=4)
    ap.add_argument("--micro", type=int, default=16)
    ap.add_argument("--epochs", type=int, default=20)
    ap.add_argument("--lr", type=float, default=3e-3)
    args = ap.parse_args()
    torch.manual_seed(1)

    x, y = spring_systems(2500, 1)
    xv, yv = spring_systems(600, 2)
    mean, std = y.mean(), y.std()
    y, yv = (y - mean) / std, (yv - mean) / std
    loader = DataLoader(TensorDataset(x, y), batch_size=args.micro, shuffle=True)

    model = nn.Sequential(nn.Linear(6, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    loss_fn = nn.MSELoss()

    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        n_batches = len(loader)
        for i, (xb, yb) in enumerate(loader):
            first_of_group = i - i % args.accumulate
            group = min(args.accumulate, n_batches - first_of_group)
            loss = loss_fn(model(xb).squeeze(-1), yb)
            (loss / group).backward()
            if (i + 1) % args.accumulate == 0 or i + 1 == n_batches:
                optimizer.step()
                optimizer.zero_grad()
            total += loss.item() * len(xb)
        schedule.step()
        model.eval()
        with torch.no_grad():
            valid = loss_fn(model(xv).squeeze(-1), yv).item()
        print(f"epoch {epoch:2d} train {total / len(x):.4f} valid {valid:.4f}")


if __name__ == "__main__":
    main()
