"""Benign / malignant classifier on the Wisconsin data with a balanced training table."""
import argparse

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def balance(X, y, rng):
    """Resample the rarer class until both have the same number of rows."""
    counts = np.bincount(y)
    small = counts.argmin()
    extra = rng.choice(np.flatnonzero(y == small), size=counts.max() - counts.min(), replace=True)
    idx = np.concatenate([np.arange(len(y)), extra])
    return X[idx], y[idx]


def load(seed, batch_size):
    rng = np.random.default_rng(seed)
    X, y = load_breast_cancer(return_X_y=True)
    X, y = balance(X.astype(np.float32), y, rng)
    X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X_tr)
    X_tr, X_va = scaler.transform(X_tr), scaler.transform(X_va)
    to_ds = lambda a, b: TensorDataset(torch.tensor(a, dtype=torch.float32), torch.tensor(b))
    train = DataLoader(to_ds(X_tr, y_tr), batch_size=batch_size, shuffle=True)
    valid = DataLoader(to_ds(X_va, y_va), batch_size=256)
    return train, valid


@torch.no_grad()
def evaluate(model, loader, criterion):
    model.eval()
    loss = correct = n = 0
    for xb, yb in loader:
        out = model(xb)
        loss += criterion(out, yb).item() * len(yb)
        correct += (out.argmax(1) == yb).sum().item()
        n += len(yb)
    return loss / n, correct / n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train, valid = load(args.seed, args.batch_size)
    model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)

    for epoch in range(1, args.epochs + 1):
        model.train()
        for xb, yb in train:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        tr_loss, tr_acc = evaluate(model, train, criterion)
        va_loss, va_acc = evaluate(model, valid, criterion)
        print(f"epoch {epoch:2d}  train {tr_loss:.4f}/{tr_acc:.3f}  valid {va_loss:.4f}/{va_acc:.3f}")


if __name__ == "__main__":
    main()
