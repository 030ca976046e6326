"""Bag-of-words sentiment on generated reviews. Stops when the validation loss has not improved for a while."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB = 600


def reviews(n, seed):
    rng = np.random.default_rng(seed)
    mood = np.random.default_rng(1000).normal(0, 0.55, VOCAB)
    y = rng.integers(0, 2, n)
    base = np.random.default_rng(1001).gamma(0.6, 1.0, VOCAB)
    docs = np.zeros((n, VOCAB), np.float32)
    for i in range(n):
        w = base * np.exp((2 * y[i] - 1) * mood)
        ids = rng.choice(VOCAB, 25, p=w / w.sum())
        np.add.at(docs[i], ids, 1.0)
    flip = rng.random(n) < 0.1
    y = np.where(flip, 1 - y, y)
    return TensorDataset(torch.from_numpy(np.log1p(docs)), torch.tensor(y, dtype=torch.float32))


class Patience:
    def __init__(self, limit):
        self.limit, self.best, self.waited = limit, float("inf"), 0

    def should_stop(self, value):
        if value < self.best:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.limit


def evaluate(model, loader, criterion):
    model.eval()
    loss = hits = n = 0
    with torch.no_grad():
        for x, y in loader:
            z = model(x).squeeze(1)
            loss += criterion(z, y).item() * len(y)
            hits += ((z > 0).float() == y).sum().item()
            n += len(y)
    return loss / n, hits / n


def main():
    torch.manual_seed(40)
    train = DataLoader(reviews(900, 1), batch_size=32, shuffle=True)
    valid = DataLoader(reviews(500, 2), batch_size=250)
    test = DataLoader(reviews(500, 3), batch_size=250)
    model = nn.Sequential(nn.Linear(VOCAB, 64), nn.ReLU(), nn.Linear(64, 1))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    patience = Patience(limit=12)
    for epoch in range(60):
        model.train()
        total = 0.0
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x).squeeze(1), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        val_loss, val_acc = evaluate(model, valid, criterion)
        print(f"epoch {epoch:2d} train {total / 900:.3f} valid {val_loss:.3f} acc {val_acc:.3f}")
        if patience.should_stop(val_loss):
            print("no improvement, stopping; best validation loss", round(patience.best, 3))
            break
    print("test: loss %.3f acc %.3f" % evaluate(model, test, criterion))


if __name__ == "__main__":
    main()
