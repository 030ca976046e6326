"""Digit classifier whose encoder also has to redraw the image (auxiliary task)."""
from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Config:
    code: int = 24
    batch: int = 50
    epochs: int = 10
    lr: float = 2e-3
    seed: int = 13


class TwoHeaded(nn.Module):
    def __init__(self, code):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Linear(80, code), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(code, 80), nn.ReLU(), nn.Linear(80, 64))
        self.classifier = nn.Linear(code, 10)

    def forward(self, x):
        z = self.encoder(x)
        return self.classifier(z), self.decoder(z)


class Learner:
    def __init__(self, cfg):
        self.cfg = cfg
        self.net = TwoHeaded(cfg.code)
        self.opt = torch.optim.Adam(self.net.parameters(), lr=cfg.lr)
        self.ce = nn.CrossEntropyLoss()
        self.mse = nn.MSELoss()

    def apply(self, loss, last):
        self.opt.zero_grad()
        loss.backward(retain_graph=not last)
        if last:
            self.opt.step()

    def step(self, x, y):
        logits, redraw = self.net(x)
        cls, rec = self.ce(logits, y), self.mse(redraw, x)
        self.apply(cls, last=False)
        self.apply(rec, last=True)
        return cls.item(), rec.item()

    @torch.no_grad()
    def evaluate(self, dl):
        self.net.eval()
        good = n = 0
        rec = 0.0
        for x, y in dl:
            logits, redraw = self.net(x)
            good += (logits.argmax(1) == y).sum().item()
            rec += self.mse(redraw, x).item() * len(y)
            n += len(y)
        return good / n, rec / n


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    d = load_digits()
    ds = TensorDataset(torch.tensor(d.data / 16.0).float(), torch.tensor(d.target))
    tr, va = random_split(ds, [1397, 400])
    tr, va = DataLoader(tr, cfg.batch, shuffle=True), DataLoader(va, 200)
    learner = Learner(cfg)
    for epoch in range(cfg.epochs):
        learner.net.train()
        logs = [learner.step(x, y) for x, y in tr]
        cls, rec = (sum(v) / len(v) for v in zip(*logs))
        acc, vrec = learner.evaluate(va)
        print(f"epoch {epoch}: cls {cls:.3f} rec {rec:.4f} | val acc {acc:.3f} rec {vrec:.4f}")


main()
