#!/usr/bin/env python
"""Two moons with a small MLP, one logit."""
import argparse

import torch
import torch.nn as nn
from sklearn.datasets import make_moons
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--n", type=int, default=2000)
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def build_data(args):
    points, side = make_moons(args.n, noise=0.2, random_state=args.seed)
    points = torch.tensor(points, dtype=torch.float32)
    points = (points - points.mean(0)) / points.std(0)
    target = torch.tensor(2 * side - 1, dtype=torch.float32).unsqueeze(1)
    cut = int(0.75 * args.n)
    return (TensorDataset(points[:cut], target[:cut]), TensorDataset(points[cut:], target[cut:]))


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    train, test = build_data(args)
    train_loader = DataLoader(train, batch_size=args.batch_size, shuffle=True)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.BCEWithLogitsLoss()

    for epoch in range(1, args.epochs + 1):
        model.train()
        for x, t in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), t)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            x, t = test.tensors
            accuracy = ((model(x) > 0).float() * 2 - 1 == t).float().mean().item()
        print(f"[{epoch:02d}/{args.epochs}] loss={loss.item():.4f} test_accuracy={accuracy:.3f}")


if __name__ == "__main__":
    main()
