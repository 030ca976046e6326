"""A job that may be preempted: it writes checkpoints and picks up where it stopped."""
import os
import tempfile
from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class JobConfig:
    total_epochs: int = 10
    lr: float = 0.05
    momentum: float = 0.9
    batch_size: int = 32
    width: int = 80
    seed: int = 55


class Job:
    def __init__(self, cfg, path):
        self.cfg, self.path = cfg, path
        self.model = nn.Sequential(nn.Linear(64, cfg.width), nn.ReLU(), nn.Linear(cfg.width, cfg.width), nn.ReLU(),
                                   nn.Linear(cfg.width, 10))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, cfg.total_epochs)
        self.epoch = 0
        if os.path.exists(path):
            self.restore()

    def save(self):
        torch.save({
            "config": asdict(self.cfg),
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }, self.path)

    def restore(self):
        state = torch.load(self.path)
        self.model.load_state_dict(state["model"])
        self.epoch = state["epoch"]
        print(f"resuming after epoch {self.epoch}")

    def run(self, train, val, preempt_after=None):
        loader = DataLoader(train, self.cfg.batch_size, shuffle=True)
        while self.epoch < self.cfg.total_epochs:
            self.model.train()
            total = 0.0
            for x, y in loader:
                loss = F.cross_entropy(self.model(x), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            self.scheduler.step()
            self.epoch += 1
            self.save()
            self.report(total / len(loader), val)
            if self.epoch == preempt_after:
                return

    def report(self, train_loss, val):
        self.model.eval()
        with torch.no_grad():
            x, y = val.tensors
            out = self.model(x)
            loss, acc = F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()
        print(f"epoch {self.epoch:2d} train {train_loss:.4f} val {loss:.4f} acc {acc:.4f} lr {self.optimizer.param_groups[0]['lr']:.4f}")


if __name__ == "__main__":
    cfg = JobConfig()
    torch.manual_seed(cfg.seed)
    X, y = load_digits(return_X_y=True)
    Xt, Xv, yt, yv = train_test_split(X / 16.0, y, test_size=0.2, random_state=cfg.seed, stratify=y)
    train = TensorDataset(torch.tensor(Xt).float(), torch.tensor(yt))
    val = TensorDataset(torch.tensor(Xv).float(), torch.tensor(yv))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "last.pt")
        Job(cfg, path).run(train, val, preempt_after=6)
        Job(cfg, path).run(train, val)
