#!/usr/bin/env python
import sys

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def get_sets(seed: int):
    bunch = load_diabetes(scaled=False)
    x = torch.tensor(bunch.data, dtype=torch.float32)
    y = torch.tensor(bunch.target, dtype=torch.float32)
    gen = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=gen)
    x, y = x[order], y[order]
    n = 350
    x = (x - x[:n].mean(0)) / x[:n].std(0)
    y = (y - y[:n].mean()) / y[:n].std()
    return TensorDataset(x[:n], y[:n]), TensorDataset(x[n:], y[n:])


def train(seed=5, epochs=25):
    torch.manual_seed(seed)
    tr, te = get_sets(seed)
    net = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3, betas=(0.9, 0.99))
    mse = nn.MSELoss()
    import warnings
    warnings.filterwarnings("ignore")
    for epoch in range(epochs):
        net.train()
        for x, y in DataLoader(tr, batch_size=25, shuffle=True):
            pred = net(x)
            loss = mse(pred, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 5 == 4:
            net.eval()
            with torch.no_grad():
                x, y = te.tensors
                v = mse(net(x), y).item()
            sys.stdout.write(f"epoch {epoch + 1:3d} batch mse {loss.item():.3f} held-out mse {v:.3f}\n")
    return net


if __name__ == "__main__":
    train()
