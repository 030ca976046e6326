import math
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_spirals(points_per_arm, arms=3, noise=0.12):
    xs, ys = [], []
    for k in range(arms):
        t = torch.rand(points_per_arm)
        r = 0.1 + 1.2 * t
        a = 3.5 * t + 2 * math.pi * k / arms + noise * torch.randn(points_per_arm)
        xs.append(torch.stack([r * torch.cos(a), r * torch.sin(a)], 1))
        ys.append(torch.full((points_per_arm,), k))
    return torch.cat(xs), torch.cat(ys)


def train_one_epoch(model, loader, loss_fn, optimizer):
    model.train()
    total, n = 0.0, 0
    for inputs, targets in loader:
        outputs = model(inputs)
        loss = loss_fn(outputs, targets)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        total += loss.item() * inputs.size(0)
        n += inputs.size(0)
    return total / n


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    hits = n = 0
    for inputs, targets in loader:
        hits += (model(inputs).argmax(1) == targets).sum().item()
        n += targets.numel()
    return hits / n


def main(epochs=12, batch_size=60):
    torch.manual_seed(8)
    x, y = make_spirals(600)
    shuffle = torch.randperm(len(x))
    x, y = x[shuffle], y[shuffle]
    train_dl = DataLoader(TensorDataset(x[:1350], y[:1350]), batch_size=batch_size, shuffle=True)
    test_dl = DataLoader(TensorDataset(x[1350:], y[1350:]), batch_size=450)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.CrossEntropyLoss()
    t0 = time.time()
    for epoch in range(epochs):
        loss = train_one_epoch(model, train_dl, loss_fn, optimizer)
        print(f"epoch {epoch + 1:2d}  loss {loss:.4f}  acc {evaluate(model, test_dl):.3f}  ({time.time() - t0:.1f}s)")


main()
