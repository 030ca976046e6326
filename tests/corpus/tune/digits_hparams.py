from dataclasses import dataclass, asdict

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Hparams:
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.04
    epochs: int = 25
    batch_size: int = 64
    width: int = 96


def split(hp):
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X, dtype=torch.float32) / 16
    y = torch.tensor(y)
    i_tr, i_va = train_test_split(range(len(y)), test_size=0.2, random_state=1, stratify=y)
    return (DataLoader(TensorDataset(X[i_tr], y[i_tr]), hp.batch_size, shuffle=True),
            DataLoader(TensorDataset(X[i_va], y[i_va]), 360))


def evaluate(model, loader, loss_fn):
    model.eval()
    tot = hit = 0.0
    with torch.no_grad():
        for x, y in loader:
            o = model(x)
            tot += loss_fn(o, y).item() * len(y)
            hit += (o.argmax(1) == y).sum().item()
    return tot / len(loader.dataset), hit / len(loader.dataset)


def main():
    hp = Hparams()
    print(asdict(hp))
    torch.manual_seed(1)
    train_dl, val_dl = split(hp)
    model = nn.Sequential(nn.Linear(64, hp.width), nn.ReLU(), nn.Linear(hp.width, hp.width), nn.ReLU(), nn.Linear(hp.width, 10))
    opt = torch.optim.SGD(model.parameters(), lr=hp.lr, momentum=hp.momentum, weight_decay=hp.weight_decay)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(hp.epochs):
        model.train()
        run = 0.0
        for x, y in train_dl:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            run += loss.item() * len(y)
        vl, va = evaluate(model, val_dl, loss_fn)
        print(f"epoch {epoch + 1:2d} train {run / len(train_dl.dataset):.4f} val {vl:.4f} acc {va:.3f}")


if __name__ == "__main__":
    main()
