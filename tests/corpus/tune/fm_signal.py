"""Modulation type of short radio bursts."""
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Cfg:
    epochs: int = 10
    batch_size: int = 64
    lr: float = 2e-3
    min_lr: float = 1e-5
    weight_decay: float = 1e-2


def bursts(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    t = torch.arange(48) / 48
    bits = torch.randint(0, 2, (n, 6), generator=g).repeat_interleave(8, dim=1).float()
    phase0 = torch.rand(n, 1, generator=g) * 2 * math.pi
    amp = torch.where((y == 0).unsqueeze(1), 0.3 + bits, torch.ones_like(bits))
    freq = torch.where((y == 1).unsqueeze(1), 4 + 4 * bits, torch.full_like(bits, 6.0))
    jump = torch.where((y == 2).unsqueeze(1), math.pi * bits, torch.zeros_like(bits))
    phase = phase0 + 2 * math.pi * freq.cumsum(1) / 48 + jump
    s = torch.stack([amp * phase.cos(), amp * phase.sin()], 1)
    return s + 0.25 * torch.randn(s.shape, generator=g), y


class BurstNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.feat = nn.Sequential(nn.Conv1d(2, 16, 5, padding=2), nn.BatchNorm1d(16), nn.GELU(), nn.MaxPool1d(2),
                                  nn.Conv1d(16, 32, 5, padding=2), nn.BatchNorm1d(32), nn.GELU(), nn.AdaptiveMaxPool1d(2))
        self.cls = nn.Linear(64, 4)

    def forward(self, x):
        return self.cls(self.feat(x).flatten(1))


class Experiment:
    def __init__(self, cfg):
        self.cfg = cfg
        self.model = BurstNet()
        self.optimizer = AdamW(self.model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
        self.scheduler = CosineAnnealingLR(self.optimizer, T_max=cfg.epochs, eta_min=cfg.min_lr)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.05)

    def train_one_epoch(self, loader):
        self.model.train()
        tot = 0.0
        for x, y in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            tot += loss.item()
        return tot / len(loader)

    @torch.no_grad()
    def evaluate(self, loader):
        self.model.eval()
        res = [(self.model(x), y) for x, y in loader]
        out, y = torch.cat([r[0] for r in res]), torch.cat([r[1] for r in res])
        return self.criterion(out, y).item(), (out.argmax(1) == y).float().mean().item()

    def run(self, train, val):
        for epoch in range(self.cfg.epochs):
            tr = self.train_one_epoch(train)
            vl, acc = self.evaluate(val)
            print(f"epoch {epoch} train {tr:.3f} val {vl:.3f} acc {acc:.3f}")


if __name__ == "__main__":
    torch.manual_seed(31)
    cfg = Cfg()
    Experiment(cfg).run(DataLoader(TensorDataset(*bursts(1600, 1)), cfg.batch_size, shuffle=True),
                        DataLoader(TensorDataset(*bursts(500, 2)), 250))
