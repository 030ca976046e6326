"""Digits with a staged CNN whose stages are recomputed in the backward pass to save memory."""
import argparse
import time

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.checkpoint import checkpoint


class Stage(nn.Module):
    def __init__(self, c_in, c_out, pool):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm = nn.GroupNorm(4, c_out)
        self.act = nn.SiLU()
        self.pool = nn.MaxPool2d(2) if pool else nn.Identity()

    def forward(self, x):
        return self.pool(self.act(self.norm(self.conv(x))))


class StagedCNN(nn.Module):
    def __init__(self, n_classes=10, width=16, save_memory=True):
        super().__init__()
        self.save_memory = save_memory
        self.stages = nn.ModuleList([Stage(1, width, True), Stage(width, 2 * width, True)])
        self.mix = Stage(2 * width, 2 * width, False)
        self.head = nn.Linear(2 * width * 4, n_classes)

    def forward(self, x):
        for stage in self.stages:
            if self.save_memory and self.training:
                x = checkpoint(stage, x, use_reentrant=True)
            else:
                x = stage(x)
        return self.head(self.mix(x).flatten(1))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--no-checkpointing", action="store_true")
    args = p.parse_args()
    torch.manual_seed(42)

    X, y = load_digits(return_X_y=True)
    X = (X / 16.0 - 0.305) / 0.376
    Xtr, Xva, ytr, yva = train_test_split(X, y, test_size=0.2, stratify=y, random_state=42)
    Xtr, Xva = (torch.tensor(a, dtype=torch.float32).view(-1, 1, 8, 8) for a in (Xtr, Xva))
    ytr, yva = torch.tensor(ytr), torch.tensor(yva)

    model = StagedCNN(save_memory=not args.no_checkpointing)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        start, total = time.time(), 0.0
        for idx in torch.randperm(len(Xtr)).split(64):
            loss = nn.functional.cross_entropy(model(Xtr[idx]), ytr[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        v_loss, v_acc = accuracy(model, Xva, yva)
        print(f"epoch {epoch}: train {total / len(Xtr):.4f}  val {v_loss:.4f}  acc {v_acc:.4f}  ({time.time() - start:.1f}s)")


if __name__ == "__main__":
    main()
