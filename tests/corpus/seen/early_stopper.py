"""Diabetes progression with early stopping; the best weights are written to disk and read back at the end."""
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class EarlyStopping:
    def __init__(self, path, patience=4, min_delta=1e-3):
        self.path, self.patience, self.min_delta = path, patience, min_delta
        self.best, self.bad_epochs = float("inf"), 0

    def __call__(self, value, model):
        if value < self.best - self.min_delta:
            self.best, self.bad_epochs = value, 0
            torch.save(model.state_dict(), self.path)
        else:
            self.bad_epochs += 1
        return self.bad_epochs >= self.patience


def dataset(x, y):
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1))


def mean_loss(model, loader, loss_fn):
    model.eval()
    with torch.no_grad():
        return float(np.mean([loss_fn(model(x), y).item() for x, y in loader]))


def main():
    torch.manual_seed(41)
    x, y = load_diabetes(return_X_y=True)
    x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=90, random_state=0)
    x_tr, x_va, y_tr, y_va = train_test_split(x_tr, y_tr, test_size=100, random_state=0)
    mx, sx, my, sy = x_tr.mean(0), x_tr.std(0), y_tr.mean(), y_tr.std()
    train, valid, test = (
        dataset((a - mx) / sx, (b - my) / sy) for a, b in ((x_tr, y_tr), (x_va, y_va), (x_te, y_te))
    )
    train_loader = DataLoader(train, batch_size=21, shuffle=True)
    valid_loader, test_loader = DataLoader(valid, batch_size=100), DataLoader(test, batch_size=90)
    model = nn.Sequential(nn.Linear(10, 12), nn.Tanh(), nn.Dropout(0.2), nn.Linear(12, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    loss_fn = nn.MSELoss()
    with tempfile.TemporaryDirectory() as folder:
        stopper = EarlyStopping(os.path.join(folder, "best.pt"))
        for epoch in range(1, 61):
            model.train()
            for xb, yb in train_loader:
                optimizer.zero_grad()
                loss = loss_fn(model(xb), yb)
                loss.backward()
                optimizer.step()
            value = mean_loss(model, valid_loader, loss_fn)
            print(f"epoch {epoch:2d}  validation {value:.4f}")
            if stopper(value, model):
                print("no improvement, stop")
                break
        model.load_state_dict(torch.load(stopper.path))
    print(f"test MSE {mean_loss(model, test_loader, loss_fn):.4f} (standardised; 1.0 = predicting the mean)")


if __name__ == "__main__":
    main()
