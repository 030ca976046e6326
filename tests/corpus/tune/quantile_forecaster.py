"""Forecasts a noisy seasonal series with a GRU and a pinball loss for the median."""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class ForecastConfig:
    history: int = 24
    hidden: int = 24
    quantile: float = 0.5
    batch_size: int = 64
    epochs: int = 6
    lr: float = 5e-3


class SeriesWindows(Dataset):
    def __init__(self, series, history):
        self.series, self.history = series, history

    def __len__(self):
        return len(self.series) - self.history

    def __getitem__(self, i):
        return self.series[i:i + self.history, None], self.series[i + self.history]


class PinballLoss(nn.Module):
    def __init__(self, quantile):
        super().__init__()
        self.q = quantile

    def forward(self, prediction, target):
        error = target - prediction
        return torch.maximum(self.q * error, (self.q - 1) * error).mean()


class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.out(h[-1])


def make_series(n=2000, seed=5):
    g = torch.Generator().manual_seed(seed)
    t = torch.arange(n)
    s = torch.sin(2 * math.pi * t / 24) + 0.6 * torch.sin(2 * math.pi * t / 7) + 0.15 * torch.randn(n, generator=g)
    return (s - s[:1500].mean()) / s[:1500].std()


class Experiment:
    def __init__(self, cfg):
        torch.manual_seed(0)
        series = make_series()
        self.cfg = cfg
        self.train_loader = DataLoader(SeriesWindows(series[:1500], cfg.history), cfg.batch_size, shuffle=True)
        self.val_loader = DataLoader(SeriesWindows(series[1500:], cfg.history), cfg.batch_size)
        self.model = Forecaster(cfg.hidden)
        self.loss = PinballLoss(cfg.quantile)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)

    def pass_over(self, loader, train):
        self.model.train(train)
        total = 0.0
        with torch.set_grad_enabled(train):
            for x, y in loader:
                loss = self.loss(self.model(x), y)
                if train:
                    self.opt.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                    self.opt.step()
                total += loss.item() * len(y)
        return total / len(loader.dataset)

    def run(self):
        for epoch in range(self.cfg.epochs):
            train, val = self.pass_over(self.train_loader, True), self.pass_over(self.val_loader, False)
            print(f"epoch {epoch:2d}  train {train:.4f}  val {val:.4f}")


if __name__ == "__main__":
    Experiment(ForecastConfig()).run()
