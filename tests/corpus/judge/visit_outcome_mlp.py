"""Predict whether a clinic visit ends in an admission, from the vitals taken at that visit."""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_visits(n_patients, rng):
    rows = []
    for patient in range(n_patients):
        base = rng.normal(size=10) * 0.6
        for visit in range(int(rng.integers(3, 7))):
            vitals = base + rng.normal(size=10) * 0.9
            score = 1.6 * vitals[0] - 1.3 * vitals[3] + vitals[5] * vitals[6] + 0.3 * rng.normal()
            rows.append((patient, visit, vitals.astype(np.float32), int(score > 0)))
    return rows


def build_table(rows, patients):
    patients = set(patients)
    vitals = {}
    outcomes = []
    for patient, visit, values, admitted in rows:
        if patient not in patients:
            continue
        vitals[patient] = values
        outcomes.append((patient, admitted))
    x = np.stack([vitals[patient] for patient, _ in outcomes])
    y = np.array([admitted for _, admitted in outcomes], dtype=np.float32)
    return x, y


def evaluate(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for x, y in loader:
            right += ((model(x).squeeze(1) > 0).float() == y).sum().item()
            total += len(y)
    return right / total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--patients", type=int, default=900)
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=3)
    args = p.parse_args()

    rng = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    rows = make_visits(args.patients, rng)
    order = rng.permutation(args.patients)
    cut = int(0.75 * args.patients)
    x_tr, y_tr = build_table(rows, order[:cut].tolist())
    x_va, y_va = build_table(rows, order[cut:].tolist())
    mean, std = x_tr.mean(0), x_tr.std(0)
    train = TensorDataset(torch.from_numpy((x_tr - mean) / std), torch.from_numpy(y_tr))
    val = TensorDataset(torch.from_numpy((x_va - mean) / std), torch.from_numpy(y_va))
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    val_loader = DataLoader(val, batch_size=256)

    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x).squeeze(1), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        print(f"epoch {epoch:2d}  loss {total / len(train):.4f}  val acc {evaluate(model, val_loader):.3f}")


if __name__ == "__main__":
    main()
