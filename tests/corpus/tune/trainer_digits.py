"""A tiny trainer around the digits data, organised class by class."""
from dataclasses import dataclass, field

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class LoaderConfig:
    batch_size: int = 32
    num_workers: int = 0
    drop_last: bool = False
    shuffle: bool = False


@dataclass
class Config:
    hidden: int = 64
    lr: float = 1e-3
    epochs: int = 8
    train: LoaderConfig = field(default_factory=LoaderConfig)
    val: LoaderConfig = field(default_factory=lambda: LoaderConfig(batch_size=180))


def gather(keep):
    """Collect the images one digit at a time, so that every digit gives the same share."""
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16.0, dtype=torch.float32)
    y = torch.tensor(y)
    xs, ys = [], []
    for digit in range(10):
        mine = x[y == digit]
        cut = int(0.8 * len(mine))
        part = mine[:cut] if keep == "train" else mine[cut:]
        xs.append(part)
        ys.append(torch.full((len(part),), digit))
    return TensorDataset(torch.cat(xs), torch.cat(ys))


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        self.model = nn.Sequential(nn.Linear(64, cfg.hidden), nn.Tanh(), nn.Linear(cfg.hidden, 10))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=cfg.lr)
        self.criterion = nn.CrossEntropyLoss()
        self.train_loader = self.loader("train", cfg.train)
        self.val_loader = self.loader("val", cfg.val)

    def loader(self, part, lc):
        return DataLoader(gather(part), batch_size=lc.batch_size, shuffle=lc.shuffle,
                          num_workers=lc.num_workers, drop_last=lc.drop_last)

    def run(self):
        for epoch in range(self.cfg.epochs):
            self.model.train()
            for x, y in self.train_loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(x), y)
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch + 1}: {self.evaluate()}")

    def evaluate(self):
        self.model.eval()
        losses, hits, n = 0.0, 0, 0
        with torch.no_grad():
            for x, y in self.val_loader:
                z = self.model(x)
                losses += self.criterion(z, y).item() * len(y)
                hits += (z.argmax(1) == y).sum().item()
                n += len(y)
        return {"loss": round(losses / n, 4), "accuracy": round(hits / n, 4)}


if __name__ == "__main__":
    torch.manual_seed(0)
    Trainer(Config()).run()
