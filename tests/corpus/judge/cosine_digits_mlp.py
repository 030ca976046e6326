import math
from dataclasses import dataclass

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Settings:
    lr: float = 0.1
    momentum: float = 0.9
    floor: float = 0.02
    epochs: int = 12
    batch_size: int = 64
    seed: int = 5


def cosine_factor(total_steps, floor):
    def factor(step):
        progress = min(1.0, step / total_steps)
        return floor + (1 - floor) * 0.5 * (1 - math.cos(math.pi * progress))
    return factor


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


def main(s: Settings = Settings()):
    torch.manual_seed(s.seed)
    x, y = load_digits(return_X_y=True)
    x_tr, x_va, y_tr, y_va = train_test_split(x / 16, y, test_size=0.25, stratify=y, random_state=s.seed)
    ds = lambda a, b: TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(b))
    train_loader = DataLoader(ds(x_tr, y_tr), s.batch_size, shuffle=True)
    val_loader = DataLoader(ds(x_va, y_va), 512)

    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 10))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=s.lr, momentum=s.momentum, weight_decay=1e-4)
    scheduler = LambdaLR(optimizer, cosine_factor(s.epochs * len(train_loader), s.floor))
    for epoch in range(s.epochs):
        model.train()
        total = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(yb)
        val_loss, acc = evaluate(model, val_loader, criterion)
        print(f"epoch {epoch:2d}  train {total / len(y_tr):.4f}  val {val_loss:.4f}  acc {acc:.3f}")


if __name__ == "__main__":
    main()
