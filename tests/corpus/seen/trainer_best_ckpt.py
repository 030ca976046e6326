from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class TrainConfig:
    epochs: int = 10
    batch_size: int = 48
    lr: float = 2e-3
    weight_decay: float = 1e-2
    seed: int = 77
    out: Path = Path(tempfile.gettempdir()) / "judge_trainer_best.pt"


class ResidualMLP(nn.Module):
    def __init__(self, d_in: int, d: int, d_out: int, depth: int = 2):
        super().__init__()
        self.stem = nn.Linear(d_in, d)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(d), nn.Linear(d, d), nn.GELU(), nn.Dropout(0.1), nn.Linear(d, d))
            for _ in range(depth))
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, d_out)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(self.norm(x))


class Trainer:
    def __init__(self, model: nn.Module, cfg: TrainConfig):
        self.model, self.cfg = model, cfg
        self.opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
        self.loss = nn.CrossEntropyLoss()
        self.best = -1.0

    def train_one(self, loader) -> float:
        self.model.train()
        total = 0.0
        for x, y in loader:
            self.opt.zero_grad()
            loss = self.loss(self.model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.opt.step()
            total += loss.item() * len(y)
        return total / len(loader.dataset)

    @torch.no_grad()
    def validate(self, loader) -> float:
        self.model.eval()
        return sum((self.model(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)

    def fit(self, train, valid):
        for epoch in range(1, self.cfg.epochs + 1):
            loss, acc = self.train_one(train), self.validate(valid)
            if acc > self.best:
                self.best = acc
                torch.save(self.model.state_dict(), self.cfg.out)
            print(f"epoch {epoch:02d} loss {loss:.4f} acc {acc:.4f} best {self.best:.4f}")
        self.model.load_state_dict(torch.load(self.cfg.out))


def main():
    cfg = TrainConfig()
    torch.manual_seed(cfg.seed)
    d = load_digits()
    full = TensorDataset((torch.tensor(d.data, dtype=torch.float32) - 4.88) / 6.02, torch.tensor(d.target))
    train, valid, test = random_split(full, [1200, 297, 300])
    make = lambda ds, sh: DataLoader(ds, cfg.batch_size, shuffle=sh)
    trainer = Trainer(ResidualMLP(64, 64, 10), cfg)
    trainer.fit(make(train, True), make(valid, False))
    print("test", trainer.validate(make(test, False)))
    cfg.out.unlink()


if __name__ == "__main__":
    main()
