"""Ring segments: AdamW with a linear warm-up, one scheduler step per batch."""
import argparse
import math

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset


def ring_segments(n, generator):
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    radius = 1 + 0.1 * torch.randn(n, generator=generator)
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    return x, (angle / (2 * math.pi) * 6).long().clamp(max=5)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--lr", type=float, default=5e-3)
    ap.add_argument("--warmup-steps", type=int, default=500)
    args = ap.parse_args()

    torch.manual_seed(0)
    g = torch.Generator().manual_seed(99)
    train = TensorDataset(*ring_segments(2400, g))
    xt, yt = ring_segments(600, g)
    loader = DataLoader(train, batch_size=48, shuffle=True)

    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 6))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    scheduler = LambdaLR(optimizer, lambda step: min(1, (step + 1) // args.warmup_steps))
    criterion = nn.CrossEntropyLoss()

    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(xt).argmax(1) == yt).float().mean().item()
        print(f"epoch {epoch:02d} loss {running / len(loader):.4f} acc {acc:.3f} lr {scheduler.get_last_lr()[0]:.2e}")


if __name__ == "__main__":
    main()
