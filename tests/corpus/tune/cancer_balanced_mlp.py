"""Tumour classifier on the Wisconsin diagnostic table, with balanced classes."""
import argparse

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load_table():
    table = load_breast_cancer()
    return table.data.astype(np.float32), table.target.astype(np.int64)


def equalise(X, y, rng):
    """Bring every class to the size of the largest one."""
    counts = np.bincount(y)
    rows = []
    for cls, n in enumerate(counts):
        own = np.flatnonzero(y == cls)
        extra = rng.choice(own, size=counts.max() - n, replace=True)
        rows.append(np.concatenate([own, extra]))
    rows = np.concatenate(rows)
    return X[rows], y[rows]


def prepare(seed):
    rng = np.random.default_rng(seed)
    X, y = load_table()
    X, y = equalise(X, y, rng)
    X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X_tr)
    train = TensorDataset(torch.tensor(scaler.transform(X_tr)), torch.tensor(y_tr))
    valid = TensorDataset(torch.tensor(scaler.transform(X_va)), torch.tensor(y_va))
    return train, valid


def evaluate(model, loader, criterion):
    model.eval()
    loss, right, n = 0.0, 0, 0
    with torch.no_grad():
        for xb, yb in loader:
            logits = model(xb)
            loss += criterion(logits, yb).item() * len(yb)
            right += (logits.argmax(1) == yb).sum().item()
            n += len(yb)
    return loss / n, right / n


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--seed", type=int, default=11)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    train, valid = prepare(args.seed)
    train_loader = DataLoader(train, batch_size=16, shuffle=True)
    valid_loader = DataLoader(valid, batch_size=128)

    model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

    for epoch in range(1, args.epochs + 1):
        model.train()
        running = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(yb)
        val_loss, val_acc = evaluate(model, valid_loader, criterion)
        print(f"epoch {epoch:2d}  train {running / len(train):.4f}  valid {val_loss:.4f}  acc {val_acc:.3f}")


if __name__ == "__main__":
    main()
