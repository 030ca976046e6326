"""Classifies waveforms (sine, square, saw) with a 1-D CNN on random crops."""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

SHAPES = ("sine", "square", "saw")


class Waveforms(Dataset):
    def __init__(self, n, seed, length=160, crop=64):
        rng = np.random.default_rng(seed)
        t = np.linspace(0, 1, length)
        self.crop = crop
        self.labels = rng.integers(0, 3, n)
        f = rng.uniform(3, 9, n)[:, None]
        phase = (f * t + rng.uniform(0, 1, (n, 1))) % 1.0
        table = np.stack([np.sin(2 * np.pi * phase), np.sign(phase - 0.5), 2 * phase - 1], 1)
        waves = table[np.arange(n), self.labels] + 0.5 * rng.normal(size=(n, length))
        self.waves = torch.tensor(waves, dtype=torch.float32)

    def __len__(self):
        return len(self.waves)

    def __getitem__(self, i):
        start = int(torch.randint(0, self.waves.shape[1] - self.crop + 1, ()))
        return self.waves[i, None, start:start + self.crop], int(self.labels[i])


class ConvNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, width, 7, padding=3), nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(width, width * 2, 5, padding=2), nn.BatchNorm1d(width * 2), nn.ReLU(), nn.AdaptiveAvgPool1d(4),
        )
        self.classifier = nn.Linear(width * 8, len(SHAPES))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    total, right = 0.0, 0
    for x, y in loader:
        out = model(x)
        total += F.cross_entropy(out, y, reduction="sum").item()
        right += (out.argmax(1) == y).sum().item()
    return total / len(loader.dataset), right / len(loader.dataset)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=7)
    ap.add_argument("--lr", type=float, default=3e-3)
    opt = ap.parse_args()
    torch.manual_seed(123)
    train_loader = DataLoader(Waveforms(1400, seed=1), 64, shuffle=True, drop_last=True)
    val_loader = DataLoader(Waveforms(400, seed=2), 128)
    net = ConvNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=opt.lr, weight_decay=1e-3)
    for epoch in range(opt.epochs):
        train_loss = train_one_epoch(net, train_loader, optimizer)
        val_loss, val_acc = evaluate(net, val_loader)
        print(f"epoch {epoch + 1:2d} | train {train_loss:.4f} | val {val_loss:.4f} | acc {val_acc:.3f}")
