"""Forest cover style tabular classification with gradient accumulation."""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    seed: int = 17
    batch_size: int = 32
    accumulate: int = 2
    epochs: int = 6
    lr: float = 2e-3
    hidden: int = 64
    n_classes: int = 4


class TabularDataset(Dataset):
    def __init__(self, features, labels):
        self.features = torch.as_tensor(features, dtype=torch.float32)
        self.labels = torch.as_tensor(labels, dtype=torch.long)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.features[i], self.labels[i]


class Trainer:
    def __init__(self, cfg, model, train_loader, valid_loader):
        self.cfg = cfg
        self.model = model
        self.train_loader = train_loader
        self.valid_loader = valid_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.0)
        self.global_step = 0

    def fit(self):
        for epoch in range(1, self.cfg.epochs + 1):
            train_loss = self._train_epoch()
            val_loss, val_acc = self._validate()
            print(f"[{epoch}/{self.cfg.epochs}] train {train_loss:.3f} | val {val_loss:.3f} | acc {val_acc:.3f}")

    def _train_epoch(self):
        self.model.train()
        total = 0.0
        for i, (x, y) in enumerate(self.train_loader):
            loss = self.criterion(self.model(x), y)
            (loss / self.cfg.accumulate).backward()
            total += loss.item()
            if (i + 1) % self.cfg.accumulate == 0:
                self.optimizer.zero_grad()
                self.optimizer.step()
                self.global_step += 1
        return total / len(self.train_loader)

    def _validate(self):
        self.model.eval()
        loss, hits, n = 0.0, 0, 0
        with torch.no_grad():
            for x, y in self.valid_loader:
                out = self.model(x)
                loss += self.criterion(out, y).item() * len(y)
                hits += (out.argmax(-1) == y).sum().item()
                n += len(y)
        return loss / n, hits / n


def build_data(cfg):
    X, y = make_classification(n_samples=4000, n_features=20, n_informative=10, n_classes=cfg.n_classes,
                               class_sep=1.5, random_state=cfg.seed)
    cut = 3200
    scaler = StandardScaler().fit(X[:cut])
    train = TabularDataset(scaler.transform(X[:cut]), y[:cut])
    valid = TabularDataset(scaler.transform(X[cut:]), y[cut:])
    return (DataLoader(train, cfg.batch_size, shuffle=True),
            DataLoader(valid, 256))


if __name__ == "__main__":
    cfg = Config()
    torch.manual_seed(cfg.seed)
    np.random.seed(cfg.seed)
    train_loader, valid_loader = build_data(cfg)
    net = nn.Sequential(
        nn.Linear(20, cfg.hidden), nn.ReLU(),
        nn.Linear(cfg.hidden, cfg.hidden), nn.ReLU(),
        nn.Linear(cfg.hidden, cfg.n_classes),
    )
    trainer = Trainer(cfg, net, train_loader, valid_loader)
    trainer.fit()
    print("optimizer steps:", trainer.global_step)
