"""Texture patches, CNN with SGD. The rate follows the batch size."""
import argparse
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SIZE = 16


def patches(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    yy, xx = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    angle = y * math.pi / 4 + 0.15 * torch.randn(n, generator=g)
    freq = 0.9 + 0.4 * torch.rand(n, generator=g)
    phase = 6.28 * torch.rand(n, generator=g)
    c, s = angle.cos()[:, None, None], angle.sin()[:, None, None]
    img = torch.sin(freq[:, None, None] * (c * xx + s * yy) + phase[:, None, None])
    img = img + 0.6 * torch.randn(img.shape, generator=g)
    return TensorDataset(img[:, None], y)


def scaled_lr(base_lr, batch_size, reference=256):
    return base_lr * reference / batch_size


def build():
    return nn.Sequential(
        nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(24 * 16, 32), nn.ReLU(), nn.Linear(32, 4))


def evaluate(model, loader, criterion):
    model.eval()
    loss, hits, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += criterion(out, y).item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, hits / n


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--base-lr", type=float, default=0.03)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args(argv)
    torch.manual_seed(a.seed)
    train = DataLoader(patches(1600, 10), batch_size=a.batch_size, shuffle=True)
    valid = DataLoader(patches(400, 11), batch_size=200)
    model, criterion = build(), nn.CrossEntropyLoss()
    opt = torch.optim.SGD(model.parameters(), lr=scaled_lr(a.base_lr, a.batch_size), momentum=0.9)
    for epoch in range(a.epochs):
        model.train()
        total = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        vl, va = evaluate(model, valid, criterion)
        print(f"epoch {epoch}: train {total / 1600:.3f} valid {vl:.3f} acc {va:.3f}")


if __name__ == "__main__":
    main()
