"""State of a rotating machine from a vibration window: running, unbalanced or cracked bearing."""
import logging
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("vibration")
STATES = ["running", "unbalanced", "bearing"]


@dataclass
class Config:
    windows: int = 2600
    samples: int = 64
    epochs: int = 8
    batch_size: int = 64
    lr: float = 1e-3
    channels: list = field(default_factory=lambda: [16, 32])
    seed: int = 5


def record(cfg):
    rng = np.random.default_rng(cfg.seed)
    state = rng.choice(3, size=cfg.windows, p=[0.55, 0.435, 0.015])
    t = np.arange(cfg.samples) / cfg.samples
    phase = rng.uniform(0, 2 * np.pi, (cfg.windows, 1))
    x = np.sin(2 * np.pi * 3 * t + phase)
    x = x + (state == 1)[:, None] * 0.6 * np.sin(2 * np.pi * 6 * t + 2 * phase)
    ticks = (rng.random((cfg.windows, cfg.samples)) < 0.06) * rng.normal(0, 1.6, (cfg.windows, cfg.samples))
    x = x + (state == 2)[:, None] * ticks + 0.5 * rng.standard_normal(x.shape)
    x = (x - x.mean()) / x.std()
    return TensorDataset(torch.tensor(x[:, None], dtype=torch.float32), torch.tensor(state))


class Net(nn.Module):
    def __init__(self, channels):
        super().__init__()
        a, b = channels
        self.body = nn.Sequential(
            nn.Conv1d(1, a, 7, padding=3), nn.BatchNorm1d(a), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(a, b, 5, padding=2), nn.BatchNorm1d(b), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
        self.head = nn.Linear(b, len(STATES))

    def forward(self, x):
        return self.head(self.body(x))


class Runner:
    def __init__(self, cfg):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        data = record(cfg)
        n = int(0.75 * len(data))
        train, valid = random_split(data, [n, len(data) - n])
        self.train_loader = DataLoader(train, cfg.batch_size, shuffle=True)
        self.valid_loader = DataLoader(valid, 256)
        self.model = Net(cfg.channels)
        self.loss_fn = nn.CrossEntropyLoss()
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=cfg.lr, weight_decay=1e-2)

    def fit(self):
        for epoch in range(self.cfg.epochs):
            self.model.train()
            losses = []
            for x, y in self.train_loader:
                loss = self.loss_fn(self.model(x), y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                losses.append(loss.item())
            valid_loss, accuracy = self.evaluate()
            log.info("epoch %d | train %.3f | valid %.3f | accuracy %.1f %%", epoch, np.mean(losses), valid_loss, 100 * accuracy)

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        loss, right, n = 0.0, 0, 0
        for x, y in self.valid_loader:
            out = self.model(x)
            loss += self.loss_fn(out, y).item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, right / n


Runner(Config()).fit()
