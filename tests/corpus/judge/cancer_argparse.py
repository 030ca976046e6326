#!/usr/bin/env python
import argparse
import copy
import json
import random
import sys

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def parse(argv):
    p = argparse.ArgumentParser(description="benign or malignant")
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--hidden", type=int, nargs="+", default=[32, 16])
    p.add_argument("--epochs", type=int, default=60)
    p.add_argument("--patience", type=int, default=6)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--dropout", type=float, default=0.25)
    p.add_argument("--seed", type=int, default=4)
    return p.parse_args(argv)


def seed_all(s):
    random.seed(s)
    np.random.seed(s)
    torch.manual_seed(s)


def build(n_in, hidden, dropout):
    layers = []
    for h in hidden:
        layers.append(nn.Linear(n_in, h))
        layers.append(nn.ReLU())
        layers.append(nn.Dropout(dropout))
        n_in = h
    layers.append(nn.Linear(n_in, 1))
    return nn.Sequential(*layers)


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.bad, self.state = patience, None, 0, None

    def update(self, value, model):
        if self.best is None or value < self.best - 1e-4:
            self.best, self.bad = value, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


def predict(model, x):
    was = model.training
    model.eval()
    with torch.no_grad():
        z = model(x).squeeze(1)
    model.train(was)
    return z


def main(argv=None):
    args = parse(argv)
    print(json.dumps(vars(args)))
    seed_all(args.seed)
    ds = load_breast_cancer()
    X, y = ds.data, 1 - ds.target            # 1 = malignant
    X1, Xte, y1, yte = train_test_split(X, y, test_size=0.2, stratify=y, random_state=args.seed)
    Xtr, Xva, ytr, yva = train_test_split(X1, y1, test_size=0.25, stratify=y1, random_state=args.seed)
    sc = StandardScaler().fit(Xtr)
    t = lambda a: torch.as_tensor(sc.transform(a), dtype=torch.float32)
    Xtr, Xva, Xte = t(Xtr), t(Xva), t(Xte)
    ytr_t, yva_t = torch.as_tensor(ytr).float(), torch.as_tensor(yva).float()

    model = build(30, args.hidden, args.dropout)
    pos_weight = torch.tensor((ytr == 0).sum() / (ytr == 1).sum(), dtype=torch.float32)
    criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
    stopper = EarlyStopping(args.patience)

    for epoch in range(1, args.epochs + 1):
        model.train()
        run = 0.0
        perm = np.random.permutation(len(Xtr))
        for k in range(0, len(perm) - args.batch_size + 1, args.batch_size):
            b = perm[k:k + args.batch_size]
            optimizer.zero_grad()
            loss = criterion(model(Xtr[b]).squeeze(1), ytr_t[b])
            loss.backward()
            optimizer.step()
            run += loss.item()
        tr_clean = criterion(predict(model, Xtr), ytr_t).item()
        va = criterion(predict(model, Xva), yva_t).item()
        sched.step(va)
        if epoch % 4 == 1:
            print(f"epoch {epoch:3d} loss {run / (len(perm) // args.batch_size):.4f} clean {tr_clean:.4f} val {va:.4f}")
        if stopper.update(va, model):
            print("stopping at", epoch, "best", stopper.best)
            break
    model.load_state_dict(stopper.state)
    z = predict(model, Xte).numpy()
    print("test auc", roc_auc_score(yte, z), "f1", f1_score(yte, z > 0))


if __name__ == "__main__":
    main(sys.argv[1:])
