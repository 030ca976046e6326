"""Configurable digits trainer with bfloat16 autocast and an exponential moving average of the weights."""
import argparse
import copy
from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Options:
    epochs: int = 8
    batch: int = 48
    lr: float = 2e-3
    ema: float = 0.97
    seed: int = 0


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = copy.deepcopy(model).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.lerp_(p, 1 - self.decay)


class Trainer:
    def __init__(self, opt):
        self.opt = opt
        torch.manual_seed(opt.seed)
        d = load_digits()
        full = TensorDataset(torch.tensor(d.data / 16.0, dtype=torch.float32), torch.tensor(d.target))
        tr, va = random_split(full, [1350, 447])
        self.train_dl = DataLoader(tr, batch_size=opt.batch, shuffle=True)
        self.val_dl = DataLoader(va, batch_size=149)
        self.model = nn.Sequential(nn.Linear(64, 80), nn.LayerNorm(80), nn.GELU(), nn.Linear(80, 10))
        self.ema = EMA(self.model, opt.ema)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=opt.lr)
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.05)

    def train_step(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.ema.update(self.model)
        return loss.item()

    @torch.no_grad()
    def validate(self, net):
        net.eval()
        loss = hits = n = 0
        for x, y in self.val_dl:
            z = net(x)
            loss += self.loss(z, y).item() * len(y)
            hits += (z.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, hits / n

    def run(self):
        for epoch in range(self.opt.epochs):
            self.model.train()
            tr = sum(self.train_step(x, y) for x, y in self.train_dl) / len(self.train_dl)
            print(f"{epoch} train {tr:.3f} val %.3f/%.3f ema %.3f/%.3f" % (self.validate(self.model) + self.validate(self.ema.shadow)))


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--lr", type=float, default=2e-3)
    a = ap.parse_args()
    Trainer(Options(epochs=a.epochs, lr=a.lr)).run()
