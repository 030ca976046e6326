"""Training that survives pre-emption: the job writes checkpoints and picks up where it left off."""
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Job:
    folder: Path
    epochs: int = 12
    preempted_after: int | None = None
    lr: float = 0.05
    step_size: int = 3
    gamma: float = 0.2
    seed: int = 33


def problem(n, seed):
    rule = torch.Generator().manual_seed(1)
    w1, w2 = torch.randn(16, 32, generator=rule) / 4, torch.randn(32, 6, generator=rule)
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 16, generator=g)
    logits = torch.tanh(0.6 * x @ w1) @ w2
    return TensorDataset(x, logits.argmax(1))


class Session:
    def __init__(self, job):
        torch.manual_seed(job.seed)
        self.job = job
        self.model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 6))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=job.lr, momentum=0.9)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, job.step_size, job.gamma)
        self.train_loader = DataLoader(problem(3000, 2), batch_size=30, shuffle=True)
        self.valid_loader = DataLoader(problem(800, 3), batch_size=400)
        self.epoch = 0

    @property
    def path(self):
        return self.job.folder / "last.pt"

    def save(self):
        torch.save({
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }, self.path)

    def restore(self):
        if self.path.exists():
            state = torch.load(self.path, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.epoch = state["epoch"]
            print("resuming after epoch", self.epoch)

    def run(self):
        self.restore()
        while self.epoch < self.job.epochs:
            self.model.train()
            total = 0.0
            for x, y in self.train_loader:
                self.optimizer.zero_grad()
                loss = F.cross_entropy(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(y)
            self.scheduler.step()
            self.epoch += 1
            val, acc = self.validate()
            print(f"epoch {self.epoch:2d} lr {self.scheduler.get_last_lr()[0]:.4f} train {total / 3000:.3f} valid {val:.3f} acc {acc:.3f}")
            self.save()
            if self.epoch == self.job.preempted_after:
                print("pre-empted")
                return

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        loss = right = n = 0
        for x, y in self.valid_loader:
            out = self.model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, right / n


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as tmp:
        Session(Job(Path(tmp), preempted_after=7)).run()
        Session(Job(Path(tmp))).run()
