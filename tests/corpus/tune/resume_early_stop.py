import argparse
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset


class Run:
    def __init__(self, args):
        torch.manual_seed(args.seed)
        self.args = args
        self.model = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 1))
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=args.lr, weight_decay=1e-2)
        self.sched = ReduceLROnPlateau(self.opt, factor=0.5, patience=4)
        self.loss = nn.MSELoss()
        self.epoch, self.best, self.bad = 0, float("inf"), 0

    def state(self):
        return {"model": self.model.state_dict(), "opt": self.opt.state_dict(), "sched": self.sched.state_dict(),
                "epoch": self.epoch, "best": self.best, "bad": self.bad, "rng": torch.get_rng_state()}

    def load(self, path):
        s = torch.load(path)
        self.model.load_state_dict(s["model"])
        self.opt.load_state_dict(s["opt"])
        self.sched.load_state_dict(s["sched"])
        self.epoch, self.best, self.bad = s["epoch"], s["best"], s["bad"]
        torch.set_rng_state(s["rng"])

    def fit(self, train_dl, val_dl, until):
        while self.epoch < until:
            self.model.train()
            tl = []
            for x, y in train_dl:
                self.opt.zero_grad()
                loss = self.loss(self.model(x), y)
                loss.backward()
                self.opt.step()
                tl.append(loss.item())
            vl = evaluate(self.model, self.loss, val_dl)
            self.sched.step(vl)
            self.epoch += 1
            if vl < self.best - 1e-4:
                self.best, self.bad = vl, 0
                torch.save(self.model.state_dict(), os.path.join(self.args.dir, "best.pt"))
            else:
                self.bad += 1
            torch.save(self.state(), os.path.join(self.args.dir, "last.pt"))
            if self.epoch % 5 == 0:
                print(f"epoch {self.epoch} train {np.mean(tl):.4f} val {vl:.4f} lr {self.opt.param_groups[0]['lr']:.1e}")
            if self.bad >= 10:
                print("early stop at epoch", self.epoch)
                break


def evaluate(model, loss, dl):
    model.eval()
    with torch.no_grad():
        return float(np.mean([loss(model(x), y).item() for x, y in dl]))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--dir", default=tempfile.mkdtemp())
    args = ap.parse_args()
    X, y = load_diabetes(return_X_y=True)
    perm = np.random.default_rng(args.seed).permutation(len(y))
    X, y = X[perm], y[perm][:, None]
    X, y = (X - X[:330].mean(0)) / X[:330].std(0), (y - y[:330].mean()) / y[:330].std()
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    train_dl = DataLoader(TensorDataset(X[:330], y[:330]), 33, shuffle=True)
    val_dl = DataLoader(TensorDataset(X[330:], y[330:]), 112)

    first = Run(args)
    first.fit(train_dl, val_dl, until=10)
    second = Run(args)
    second.load(os.path.join(args.dir, "last.pt"))
    second.fit(train_dl, val_dl, until=60)
    second.model.load_state_dict(torch.load(os.path.join(args.dir, "best.pt")))
    print("best model val mse", round(evaluate(second.model, second.loss, val_dl), 4))


if __name__ == "__main__":
    main()
