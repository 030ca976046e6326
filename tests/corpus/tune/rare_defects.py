"""Rare production defects: balanced sampling, average precision."""
import argparse

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler


class Parts(Dataset):
    def __init__(self, n, rng):
        self.y = (rng.random(n) < 0.04).astype(np.float32)
        x = rng.normal(size=(n, 12))
        bad = self.y > 0
        x[bad, 0] += 1.6
        x[bad, 3] -= 1.4
        x[bad, 5] = np.abs(x[bad, 5]) + 1.2
        x[bad, 7] *= 1.8
        self.x = x.astype(np.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--lr", type=float, default=1e-3)
    args = ap.parse_args()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    train, val = Parts(5000, rng), Parts(2500, rng)
    counts = np.bincount(train.y.astype(int))
    weights = (1.0 / counts)[train.y.astype(int)]
    sampler = WeightedRandomSampler(torch.as_tensor(weights), num_samples=len(train), replacement=True)
    train_loader = DataLoader(train, batch_size=64, sampler=sampler)
    val_loader = DataLoader(val, batch_size=500)
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        tot = 0.0
        for x, y in train_loader:
            opt.zero_grad()
            loss = bce(model(x).squeeze(1), y)
            loss.backward()
            opt.step()
            tot += loss.item()
        model.eval()
        scores, labels = [], []
        with torch.no_grad():
            for x, y in val_loader:
                scores.append(model(x).squeeze(1))
                labels.append(y)
        ap_ = average_precision_score(torch.cat(labels), torch.cat(scores))
        print(f"epoch {epoch + 1} train loss {tot / len(train_loader):.4f} val AP {ap_:.3f} (base rate {val.y.mean():.3f})")


if __name__ == "__main__":
    main()
