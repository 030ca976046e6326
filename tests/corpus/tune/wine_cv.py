import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from torch.utils.data import DataLoader, Dataset, Subset


class WineData(Dataset):
    def __init__(self):
        self.X, self.y = load_wine(return_X_y=True)
        self.mean, self.std = self.X.mean(0) * 0, self.X.std(0) * 0 + 1

    def fit_scaler(self, rows):
        self.mean, self.std = self.X[rows].mean(0), self.X[rows].std(0)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.tensor((self.X[i] - self.mean) / self.std, dtype=torch.float32), int(self.y[i])


def train_fold(ds, train_idx, val_idx, epochs=20):
    ds.fit_scaler(train_idx)
    train_dl = DataLoader(Subset(ds, train_idx), batch_size=16, shuffle=True)
    val_dl = DataLoader(Subset(ds, val_idx), batch_size=64)
    model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        model.train()
        for xb, yb in train_dl:
            optimizer.zero_grad()
            criterion(model(xb), yb).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in val_dl)
    return hits / len(val_idx)


torch.manual_seed(0)
dataset = WineData()
scores = []
for fold, (tr, va) in enumerate(StratifiedKFold(5, shuffle=True, random_state=0).split(dataset.X, dataset.y)):
    acc = train_fold(dataset, tr.tolist(), va.tolist())
    scores.append(acc)
    print(f"fold {fold}: {acc:.3f}")
print(f"mean {np.mean(scores):.3f} +- {np.std(scores):.3f}")
