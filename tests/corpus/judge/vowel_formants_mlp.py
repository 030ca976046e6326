"""Vowels from formant frequencies. The learning rate shrinks from epoch to epoch."""
import numpy as np
import torch
from torch import nn

VOWELS = {"a": (750, 1200, 2500), "e": (480, 1950, 2550), "i": (300, 2300, 3000), "o": (500, 900, 2450),
          "u": (330, 800, 2300), "ae": (650, 1700, 2450)}


def speakers(n, seed):
    rng = np.random.default_rng(seed)
    table = np.array(list(VOWELS.values()), float)
    y = rng.integers(0, len(table), n)
    tract = rng.normal(1.0, 0.09, (n, 1))
    f = table[y] * tract + rng.normal(0, (45, 90, 120), (n, 3))
    pitch = 190 * tract ** 3 + rng.normal(0, 25, (n, 1))
    return np.hstack([f, pitch]), y


def build():
    return nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, len(VOWELS)))


def train_epoch(model, x, y, loss_fn, lr, batch_size=32):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    model.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(batch_size):
        optimizer.zero_grad()
        loss = loss_fn(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    return total / len(x)


def evaluate(model, x, y, loss_fn):
    model.eval()
    with torch.no_grad():
        logits = model(x)
        return loss_fn(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def main(epochs=12, lr0=3e-3, decay=0.9):
    torch.manual_seed(14)
    x_tr, y_tr = speakers(2500, seed=1)
    x_te, y_te = speakers(700, seed=2)
    mean, std = x_tr.mean(0), x_tr.std(0)
    x_tr, x_te = (torch.tensor((x - mean) / std, dtype=torch.float32) for x in (x_tr, x_te))
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)
    model, loss_fn = build(), nn.CrossEntropyLoss()
    for epoch in range(epochs):
        lr = lr0 * decay ** epoch
        tr = train_epoch(model, x_tr, y_tr, loss_fn, lr)
        te, acc = evaluate(model, x_te, y_te, loss_fn)
        print(f"epoch {epoch + 1:2d} lr {lr:.5f} train {tr:.4f} test {te:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
