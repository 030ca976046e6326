"""Trainer class with callbacks-free loop; breast cancer data."""
from __future__ import annotations

from dataclasses import dataclass, field

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Meter:
    total: float = 0.0
    hits: int = 0
    n: int = 0

    def add(self, loss: Tensor, logits: Tensor, y: Tensor) -> None:
        self.total += loss.item() * len(y)
        self.hits += ((logits > 0) == (y > 0.5)).sum().item()
        self.n += len(y)

    def __str__(self) -> str:
        return f"{self.total / self.n:.4f} (acc {self.hits / self.n:.3f})"


@dataclass
class Trainer:
    model: nn.Module
    lr: float = 1e-3
    history: list = field(default_factory=list)

    def __post_init__(self):
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.lr)
        self.criterion = nn.BCEWithLogitsLoss()

    def _pass(self, loader: DataLoader, update: bool) -> Meter:
        meter = Meter()
        self.model.train()
        for x, y in loader:
            with torch.set_grad_enabled(update):
                logits = self.model(x).squeeze(1)
                loss = self.criterion(logits, y)
            if update:
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            meter.add(loss, logits, y)
        return meter

    def fit(self, train: DataLoader, valid: DataLoader, epochs: int) -> None:
        for epoch in range(epochs):
            tr = self._pass(train, update=True)
            va = self._pass(valid, update=False)
            self.history.append((tr, va))
            print(f"epoch {epoch:2d} | train {tr} | valid {va}")


def build_model(n_in: int) -> nn.Module:
    return nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Dropout(0.4), nn.Linear(64, 32), nn.ReLU(),
                         nn.Dropout(0.4), nn.Linear(32, 1))


def loaders(seed: int = 1) -> tuple[DataLoader, DataLoader]:
    X, y = load_breast_cancer(return_X_y=True)
    a, b, ya, yb = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    sc = StandardScaler().fit(a)
    mk = lambda m, t: TensorDataset(torch.tensor(sc.transform(m), dtype=torch.float32), torch.tensor(t, dtype=torch.float32))
    return DataLoader(mk(a, ya), batch_size=32, shuffle=True), DataLoader(mk(b, yb), batch_size=57)


if __name__ == "__main__":
    torch.manual_seed(1)
    Trainer(build_model(30)).fit(*loaders(), epochs=12)
