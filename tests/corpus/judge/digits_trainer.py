"""Small CNN on the 8x8 digits, written around a Trainer class with a one-cycle schedule."""
import logging
import os
import tempfile
from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("digits")


@dataclass
class Config:
    epochs: int = 9
    batch_size: int = 48
    max_lr: float = 6e-3
    widths: list = field(default_factory=lambda: [16, 32])
    seed: int = 17
    out: str = field(default_factory=tempfile.mkdtemp)


class Digits(Dataset):
    def __init__(self, jitter=False):
        raw = load_digits()
        self.x = torch.from_numpy(raw.images).float().div(16).sub(0.3).div(0.38)[:, None]
        self.y = torch.from_numpy(raw.target).long()
        self.jitter = jitter

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = self.x[i]
        if self.jitter:
            x = x + 0.05 * torch.randn_like(x)
        return x, self.y[i]


class Net(nn.Module):
    def __init__(self, widths):
        super().__init__()
        blocks, c = [], 1
        for w in widths:
            blocks += [nn.Conv2d(c, w, 3, padding=1, bias=False), nn.BatchNorm2d(w), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
            c = w
        self.features = nn.Sequential(*blocks)
        self.classifier = nn.Linear(c * 4, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Trainer:
    def __init__(self, cfg, model, train, val):
        self.cfg, self.model, self.train_loader, self.val_loader = cfg, model, train, val
        self.opt = torch.optim.SGD(model.parameters(), lr=cfg.max_lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, max_lr=cfg.max_lr * 5, epochs=cfg.epochs, steps_per_epoch=len(train))
        self.criterion = nn.CrossEntropyLoss()
        self.best = float("inf")

    def train_epoch(self):
        self.model.train()
        losses = []
        for x, y in self.train_loader:
            self.opt.zero_grad(set_to_none=True)
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.opt.step()
            self.sched.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean().item()

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        logits = torch.cat([self.model(x) for x, _ in self.val_loader])
        y = torch.cat([y for _, y in self.val_loader])
        return self.criterion(logits, y).item(), (logits.argmax(1) == y).float().mean().item()

    def path(self):
        return os.path.join(self.cfg.out, "best.pt")

    def fit(self):
        log.info("before training: %s", self.validate())
        for epoch in range(self.cfg.epochs):
            tr = self.train_epoch()
            vl, acc = self.validate()
            log.info("epoch %d train %.4f val %.4f acc %.4f lr %.5f", epoch, tr, vl, acc, self.sched.get_last_lr()[0])
            if vl < self.best:
                self.best = vl
                torch.save(self.model.state_dict(), self.path())
        self.model.load_state_dict(torch.load(self.path()))
        log.info("restored best: %s", self.validate())


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    order = np.random.default_rng(cfg.seed).permutation(1797)
    train = Subset(Digits(jitter=True), order[:1400])
    val = Subset(Digits(), order[1400:])
    Trainer(cfg, Net(cfg.widths),
            DataLoader(train, cfg.batch_size, shuffle=True, drop_last=True),
            DataLoader(val, 200)).fit()


if __name__ == "__main__":
    main()
