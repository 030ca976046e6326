"""1-D CNN on synthetic waveforms with the linear learning-rate scaling rule."""
import argparse
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BASE_BATCH = 256


def waveforms(n, g):
    t = torch.linspace(0, 1, 64)
    y = torch.randint(0, 4, (n,), generator=g)
    f = 2 + 3 * torch.rand(n, 1, generator=g)
    ph = torch.rand(n, 1, generator=g)
    u = (f * t + ph) % 1.0
    shapes = torch.stack([torch.sin(2 * math.pi * u), torch.sign(u - 0.5), 2 * u - 1, 4 * (u - 0.5).abs() - 1], 1)
    x = shapes[torch.arange(n), y] + 0.2 * torch.randn(n, 64, generator=g)
    return x.unsqueeze(1), y


def build_model():
    return nn.Sequential(
        nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(),
        nn.Linear(128, 4),
    )


def build_optimizer(model, args):
    lr = args.base_lr * (args.batch_size // BASE_BATCH)
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=False, weight_decay=1e-4)


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--base-lr", type=float, default=0.1)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--seed", type=int, default=0)
    return p.parse_args()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    train = DataLoader(TensorDataset(*waveforms(2000, g)), batch_size=args.batch_size, shuffle=True)
    valid = DataLoader(TensorDataset(*waveforms(400, g)), batch_size=200)
    model = build_model()
    optimizer = build_optimizer(model, args)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        losses = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses += loss.item()
        model.eval()
        with torch.no_grad():
            acc = sum((model(x).argmax(1) == y).sum().item() for x, y in valid) / 400
        print(f"epoch {epoch:02d} train loss {losses / len(train):.4f} valid acc {acc:.3f}")


if __name__ == "__main__":
    main()
