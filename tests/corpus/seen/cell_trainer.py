from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedShuffleSplit
from torch import Tensor, nn


@dataclass
class History:
    train: list = field(default_factory=list)
    valid: list = field(default_factory=list)


class CellNet(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(d, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(32, 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Trainer:
    def __init__(self, model, lr=1e-3, bs=32):
        self.model, self.bs = model, bs
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-2)
        self.crit = nn.CrossEntropyLoss()
        self.hist = History()

    def evaluate(self, x, y):
        self.model.eval()
        with torch.no_grad():
            out = self.model(x)
        return self.crit(out, y).item(), (out.argmax(1) == y).float().mean().item()

    def run_epoch(self, x, y):
        losses = []
        for ids in torch.randperm(len(x)).split(self.bs):
            loss = self.crit(self.model(x[ids]), y[ids])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def fit(self, train, valid, epochs):
        start = self.evaluate(*valid)
        print("before training: loss %.3f acc %.3f" % start)
        for e in range(epochs):
            self.hist.train.append(self.run_epoch(*train))
            self.hist.valid.append(self.evaluate(*valid))
            print(e, round(self.hist.train[-1], 4), [round(v, 4) for v in self.hist.valid[-1]])


if __name__ == "__main__":
    torch.manual_seed(17)
    X, y = load_breast_cancer(return_X_y=True)
    tr, te = next(StratifiedShuffleSplit(1, test_size=0.25, random_state=17).split(X, y))
    mu, sd = X[tr].mean(0), X[tr].std(0)
    X = torch.tensor((X - mu) / sd, dtype=torch.float32)
    y = torch.tensor(y)
    Trainer(CellNet(30)).fit((X[tr], y[tr]), (X[te], y[te]), epochs=10)
