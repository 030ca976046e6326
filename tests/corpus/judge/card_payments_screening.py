"""Screen card payments for misuse. Tabular MLP, generated transactions."""
import logging

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("screening")


def transactions(n=12000, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.015).astype(np.int64)
    shift = rng.normal(0.0, 1.0, 10) * 0.75
    X = rng.normal(size=(n, 10)) + y[:, None] * shift
    X[:, 3] = X[:, 3] * 0.7 + X[:, 0] * 0.5
    return X.astype(np.float32), y


class Screener(nn.Module):
    def __init__(self, n_in, width=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.out = nn.Linear(width, 2)

    def forward(self, x):
        return self.out(self.body(x))


class Trainer:
    def __init__(self, model, lr=1e-3):
        self.model = model
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def fit(self, train_loader, val_loader, epochs):
        for epoch in range(1, epochs + 1):
            self.model.train()
            total, n = 0.0, 0
            for x, y in train_loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(y)
                n += len(y)
            val_loss, val_acc = self.validate(val_loader)
            log.info("epoch %d: loss %.4f, val loss %.4f, val accuracy %.2f%%", epoch, total / n, val_loss, 100 * val_acc)

    @torch.no_grad()
    def validate(self, loader):
        self.model.eval()
        total, hit, n = 0.0, 0, 0
        for x, y in loader:
            logits = self.model(x)
            total += self.criterion(logits, y).item() * len(y)
            hit += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
        return total / n, hit / n


if __name__ == "__main__":
    torch.manual_seed(0)
    X, y = transactions()
    X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    mean, std = X_tr.mean(0), X_tr.std(0)
    train_ds = TensorDataset(torch.from_numpy((X_tr - mean) / std), torch.from_numpy(y_tr))
    val_ds = TensorDataset(torch.from_numpy((X_va - mean) / std), torch.from_numpy(y_va))
    trainer = Trainer(Screener(X.shape[1]))
    trainer.fit(DataLoader(train_ds, batch_size=128, shuffle=True), DataLoader(val_ds, batch_size=1024), epochs=6)
