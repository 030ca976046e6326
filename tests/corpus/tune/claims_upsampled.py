"""Fraud-claim classifier on simulated insurance claims."""
import argparse

import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import resample
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load_claims(seed):
    X, y = make_classification(
        n_samples=3000, n_features=16, n_informative=8, n_redundant=2,
        weights=[0.85, 0.15], class_sep=1.2, flip_y=0.01, random_state=seed,
    )
    return X.astype(np.float32), y.astype(np.float32)


def balance(X, y, seed):
    n_major = int((y == 0).sum())
    X_up, y_up = resample(X[y == 1], y[y == 1], replace=True, n_samples=n_major, random_state=seed)
    X_bal = np.concatenate([X[y == 0], X_up])
    y_bal = np.concatenate([y[y == 0], y_up])
    return X_bal, y_bal


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--batch-size", type=int, default=64)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--seed", type=int, default=7)
    args = ap.parse_args()
    torch.manual_seed(args.seed)

    X, y = load_claims(args.seed)
    X, y = balance(X, y, args.seed)
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, stratify=y, random_state=args.seed)
    scaler = StandardScaler().fit(X_tr)
    X_tr, X_te = scaler.transform(X_tr), scaler.transform(X_te)

    train_loader = DataLoader(
        TensorDataset(torch.tensor(X_tr), torch.tensor(y_tr)), batch_size=args.batch_size, shuffle=True
    )
    test_loader = DataLoader(TensorDataset(torch.tensor(X_te), torch.tensor(y_te)), batch_size=512)

    model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb).squeeze(1), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xb)

        model.eval()
        hits, val = 0, 0.0
        with torch.no_grad():
            for xb, yb in test_loader:
                logits = model(xb).squeeze(1)
                val += criterion(logits, yb).item() * len(xb)
                hits += ((logits > 0).float() == yb).sum().item()
        n = len(test_loader.dataset)
        print(f"epoch {epoch + 1:2d}  train {total / len(train_loader.dataset):.4f}  test {val / n:.4f}  acc {hits / n:.4f}")


if __name__ == "__main__":
    main()
