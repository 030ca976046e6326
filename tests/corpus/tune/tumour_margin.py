"""Benign / malignant from the Wisconsin features."""
from dataclasses import dataclass

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    hidden: int = 32
    lr: float = 5e-4
    weight_decay: float = 1e-3
    batch_size: int = 32
    epochs: int = 15
    seed: int = 11


def get_data(cfg):
    X, y = load_breast_cancer(return_X_y=True)
    y = 2 * y - 1
    Xa, Xb, ya, yb = train_test_split(X, y, test_size=0.3, random_state=cfg.seed, stratify=y)
    sc = StandardScaler().fit(Xa)

    def ds(X, y):
        return TensorDataset(torch.tensor(sc.transform(X), dtype=torch.float32), torch.tensor(y, dtype=torch.float32))

    return (DataLoader(ds(Xa, ya), batch_size=cfg.batch_size, shuffle=True),
            DataLoader(ds(Xb, yb), batch_size=256))


class Classifier(nn.Module):
    def __init__(self, n_in, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


def run(cfg):
    torch.manual_seed(cfg.seed)
    train, test = get_data(cfg)
    model = Classifier(30, cfg.hidden)
    loss_fn = nn.BCEWithLogitsLoss()
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    for ep in range(1, cfg.epochs + 1):
        model.train()
        for x, y in train:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
        model.eval()
        correct = 0
        with torch.no_grad():
            for x, y in test:
                correct += (torch.sign(model(x)) == y).sum().item()
        print(f"[{ep:02d}] last train loss {loss.item():.3f}  test acc {correct / len(test.dataset):.3f}")


run(Config())
