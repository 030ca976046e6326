"""Research-style trainer with a config, callbacks, hooks and a registry."""
from __future__ import annotations
import tempfile; import logging, math, sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Callable, Iterable
import torch
from torch import nn, Tensor
from torch.utils.data import DataLoader, Dataset
log = logging.getLogger(__name__); logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
@dataclass
class Config:
    lr: float = 3e-3
    epochs: int = 5
    batch: int = 50
    hidden: tuple = (64, 64)
    loss: str = "mse"
    device: str = "cuda" if torch.cuda.is_available() else "cpu"
LOSSES: dict[str, Callable] = {"mse": nn.MSELoss, "mae": nn.L1Loss}
class Friedman(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed); self.x = torch.rand(n, 10, generator=g)
        self.y = 10 * torch.sin(math.pi * self.x[:, 0] * self.x[:, 1]) + 20 * (self.x[:, 2] - 0.5) ** 2 + 10 * self.x[:, 3] + 5 * self.x[:, 4] + torch.randn(n, generator=g)
    def __len__(self): return len(self.x)
    def __getitem__(self, i): return dict(x=self.x[i], y=self.y[i])
class Callback:
    def on_epoch_end(self, trainer): ...
class EarlyStop(Callback):
    def __init__(self, patience=3): self.best, self.bad, self.patience = math.inf, 0, patience
    def on_epoch_end(self, trainer):
        v = trainer.history["val"][-1]
        if v < self.best: self.best, self.bad = v, 0; torch.save(trainer.model.state_dict(), tempfile.gettempdir() + "/ct.pt")
        else: self.bad += 1
        trainer.stop = self.bad > self.patience
class Trainer:
    def __init__(self, cfg, model, callbacks=()):
        self.cfg, self.model, self.callbacks, self.stop = cfg, model.to(cfg.device), callbacks, False
        self.optim = torch.optim.AdamW(model.parameters(), lr=cfg.lr); self.criterion = LOSSES[cfg.loss](); self.history = defaultdict(list)
    def step(self, batch):
        batch = {k: v.to(self.cfg.device) for k, v in batch.items()}
        return self.criterion(self.model(batch["x"]).squeeze(-1), batch["y"])
    def run_epoch(self, loader, train):
        self.model.train(train); total = 0.0
        with torch.set_grad_enabled(train):
            for batch in loader:
                loss = self.step(batch)
                if train: self.optim.zero_grad(); loss.backward(); self.optim.step()
                total += loss.item() * len(batch["y"])
        return total / len(loader.dataset)
    def fit(self, tr, va):
        for e in range(self.cfg.epochs):
            self.history["train"].append(self.run_epoch(tr, True)); self.history["val"].append(self.run_epoch(va, False))
            log.info("%d %.3f %.3f", e, self.history["train"][-1], self.history["val"][-1])
            for c in self.callbacks: c.on_epoch_end(self)
            if self.stop: break
def mlp(sizes: Iterable[int]):
    sizes = list(sizes); layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.Linear(a, b)] + ([nn.ReLU()] if i < len(sizes) - 2 else [])
    return nn.Sequential(*layers)
def main():
    cfg = Config(); torch.manual_seed(0)
    tr, va = DataLoader(Friedman(2000, 0), cfg.batch, shuffle=True), DataLoader(Friedman(500, 1), 250)
    Trainer(cfg, mlp([10, *cfg.hidden, 1]), [EarlyStop()]).fit(tr, va)
if __name__ == "__main__":
    main()
