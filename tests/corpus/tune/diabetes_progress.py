"""Predict the (standardised) one-year disease progression of diabetes patients."""
import argparse

import numpy as np
import torch
from sklearn.datasets import load_diabetes
from torch import nn


def mlp(*sizes, act=nn.ReLU):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers)


def load(seed, share=0.3):
    x, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    cut = int(share * len(x))
    va, tr = order[:cut], order[cut:]
    x = (x - x[tr].mean(0)) / x[tr].std(0)
    y = (y - y[tr].mean()) / y[tr].std()
    t = lambda a: torch.tensor(a, dtype=torch.float32)
    return t(x[tr]), t(y[tr]), t(x[va]), t(y[va])


def main(argv=None):
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=30)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--batch", type=int, default=32)
    args = ap.parse_args(argv)
    torch.manual_seed(0)
    xt, yt, xv, yv = load(3)
    model = mlp(10, 32, 16, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    mse = nn.MSELoss()
    for epoch in range(args.epochs):
        model.train()
        for idx in torch.randperm(len(xt)).split(args.batch):
            optimizer.zero_grad()
            loss = mse(model(xt[idx]).squeeze(1), yt[idx])
            loss.backward()
            optimizer.step()
        if (epoch + 1) % 5 == 0:
            model.eval()
            with torch.no_grad():
                val = mse(model(xv).squeeze(1), yv).item()
            print(f"epoch {epoch + 1}: train batch {loss.item():.3f}, validation {val:.3f}")


if __name__ == "__main__":
    main()
