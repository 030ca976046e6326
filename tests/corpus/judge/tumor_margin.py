"""Logistic-style classifier for the breast cancer data, with a hidden layer.

Ported from our old perceptron code.
"""
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


@dataclass
class Config:
    hidden: int = 16
    lr: float = 0.01
    epochs: int = 15
    batch: int = 32
    seed: int = 21


def load(cfg):
    raw = load_breast_cancer()
    x = raw.data.astype(np.float32)
    y = np.where(raw.target_names[raw.target] == "malignant", 1, -1).astype(np.float32)
    x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.25, stratify=y, random_state=cfg.seed)
    scaler = StandardScaler().fit(x_tr)
    pack = lambda a, b: (torch.tensor(scaler.transform(a), dtype=torch.float32), torch.tensor(b)[:, None])
    return pack(x_tr, y_tr), pack(x_te, y_te)


def accuracy(scores, y):
    return (torch.sign(scores) == y).float().mean().item()


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    (x_tr, y_tr), (x_te, y_te) = load(cfg)
    model = nn.Sequential(nn.Linear(x_tr.shape[1], cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, 1))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr)
    for epoch in range(1, cfg.epochs + 1):
        model.train()
        perm = torch.randperm(len(x_tr))
        total = 0.0
        for idx in perm.split(cfg.batch):
            optimizer.zero_grad()
            loss = criterion(model(x_tr[idx]), y_tr[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            scores = model(x_te)
            test_loss = criterion(scores, y_te).item()
        print(f"{epoch:3d}  train {total / len(x_tr):9.3f}  test {test_loss:9.3f}  acc {accuracy(scores, y_te):.3f}")


if __name__ == "__main__":
    main()
