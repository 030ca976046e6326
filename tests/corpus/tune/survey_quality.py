import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


def answers(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    W = np.random.default_rng(1).normal(size=(10, 3))
    group = (X @ W + 0.3 * np.sin(2 * X[:, :3])).argmax(1)
    quality = rng.uniform(0, 1, n)
    careless = quality < 0.45
    group[careless] = rng.integers(0, 3, careless.sum())
    return {"X": X.astype("float32"), "group": group, "quality": quality}


def take(table, rows):
    return {k: v[rows] for k, v in table.items()}


def clean(table):
    return take(table, table["quality"] > 0.5)


def as_dataset(table):
    return TensorDataset(torch.tensor(table["X"]), torch.tensor(table["group"]))


def evaluate(model, loader):
    model.eval()
    loss = hits = 0.0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
    n = len(loader.dataset)
    return loss / n, hits / n


def main():
    torch.manual_seed(1)
    table = answers(4000, seed=12)
    train_part, valid_part = take(table, slice(0, 2800)), take(table, slice(2800, None))
    valid_part = clean(valid_part)
    train_dl = DataLoader(as_dataset(train_part), batch_size=64, shuffle=True)
    train_eval_dl = DataLoader(as_dataset(train_part), batch_size=500)
    valid_dl = DataLoader(as_dataset(valid_part), batch_size=500)
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 3))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(10):
        model.train()
        for x, y in train_dl:
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
        tl, ta = evaluate(model, train_eval_dl)
        vl, va = evaluate(model, valid_dl)
        print(f"epoch {epoch + 1:2d} | train {tl:.3f} {ta:.3f} | valid {vl:.3f} {va:.3f}")


if __name__ == "__main__":
    main()
