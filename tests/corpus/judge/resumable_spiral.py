"""Training in two sittings: the job is stopped after `--stop-after` epochs and goes on from its checkpoint."""
import argparse
import math
import os
import tempfile

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def spirals(n, gen):
    y = torch.randint(0, 3, (n,), generator=gen)
    r = torch.rand(n, generator=gen).sqrt()
    angle = 4.5 * r + y * 2 * math.pi / 3
    x = torch.stack([r * angle.cos(), r * angle.sin()], 1) * 2
    return TensorDataset(x + 0.06 * torch.randn(n, 2, generator=gen), y)


def build(lr):
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.3)
    return model, optimizer, scheduler


def save_checkpoint(path, epoch, model, optimizer, scheduler):
    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict()}, path)


def load_checkpoint(path, model):
    state = torch.load(path)
    model.load_state_dict(state["model"])
    return state["epoch"] + 1


def evaluate(model, loader):
    model.eval()
    loss = hit = n = 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += nn.functional.cross_entropy(out, y, reduction="sum").item()
            hit += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, hit / n


def run(path, train_loader, val_loader, until, lr):
    model, optimizer, scheduler = build(lr)
    start = 0
    if os.path.exists(path):
        start = load_checkpoint(path, model)
        print(f"resuming at epoch {start}")
    for epoch in range(start, until):
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        scheduler.step()
        val_loss, acc = evaluate(model, val_loader)
        print(f"epoch {epoch:2d}  train {total / len(train_loader.dataset):.4f}  val {val_loss:.4f}  acc {acc:.3f}")
        save_checkpoint(path, epoch, model, optimizer, scheduler)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=16)
    p.add_argument("--stop-after", type=int, default=8)
    p.add_argument("--lr", type=float, default=0.02)
    args = p.parse_args()
    torch.manual_seed(10)
    gen = torch.Generator().manual_seed(10)
    train_loader = DataLoader(spirals(1500, gen), batch_size=50, shuffle=True)
    val_loader = DataLoader(spirals(500, gen), batch_size=500)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "last.pt")
        run(path, train_loader, val_loader, args.stop_after, args.lr)
        run(path, train_loader, val_loader, args.epochs, args.lr)


if __name__ == "__main__":
    main()
