"""SGD with the linear scaling rule (Goyal et al.), Nesterov momentum and a cosine schedule."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Hyper:
    base_lr: float = 0.4
    reference_batch: int = 256
    batch_size: int = 64
    world_size: int = 1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    epochs: int = 6
    seed: int = 99

    @property
    def lr(self):
        return self.base_lr * (self.batch_size * self.world_size // self.reference_batch)


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.b1, self.b2 = nn.BatchNorm2d(c), nn.BatchNorm2d(c)

    def forward(self, x):
        y = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))
        return F.relu(x + y)


def resnet(c=8):
    return nn.Sequential(nn.Conv2d(1, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
                         ResBlock(c), nn.MaxPool2d(2), ResBlock(c), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
                         nn.Linear(4 * c, 10))


def loaders(h):
    X, y = load_digits(return_X_y=True)
    X = torch.tensor((X / 16.0 - 0.3) / 0.38).float().view(-1, 1, 8, 8)
    tr, va = train_test_split(range(len(X)), test_size=0.2, stratify=y, random_state=h.seed)
    y = torch.tensor(y)
    return (DataLoader(TensorDataset(X[tr], y[tr]), h.batch_size, shuffle=True, drop_last=True),
            DataLoader(TensorDataset(X[va], y[va]), 180))


def main():
    h = Hyper()
    torch.manual_seed(h.seed)
    train_loader, val_loader = loaders(h)
    model = resnet()
    optimizer = torch.optim.SGD(model.parameters(), lr=h.lr, momentum=h.momentum, nesterov=True,
                                weight_decay=h.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, h.epochs * len(train_loader))
    for epoch in range(h.epochs):
        model.train()
        total = 0.0
        for x, y in train_loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        model.eval()
        v, hit = 0.0, 0
        with torch.no_grad():
            for x, y in val_loader:
                out = model(x)
                v += F.cross_entropy(out, y, reduction="sum").item()
                hit += (out.argmax(1) == y).sum().item()
        n = len(val_loader.dataset)
        print(f"epoch {epoch}  train {total / len(train_loader):.4f}  val {v / n:.4f}  top1 {hit / n:.3f}")


if __name__ == "__main__":
    main()
