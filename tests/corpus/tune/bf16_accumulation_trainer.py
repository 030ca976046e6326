"""Trainer with bfloat16 autocast and gradient accumulation; the last, shorter group is weighted correctly."""
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


@dataclass
class TrainingConfig:
    micro_batch: int = 16
    accumulate: int = 4
    epochs: int = 5
    lr: float = 1e-3
    bf16: bool = True
    max_norm: float = 5.0
    seed: int = 27


class GatedPatterns(Dataset):
    """Class = which of three patterns was mixed into a noisy vector, with the sign of a gate flipping its meaning."""

    def __init__(self, n, seed, dim=24):
        g = torch.Generator().manual_seed(seed)
        patterns = torch.randn(3, dim, generator=torch.Generator().manual_seed(99))
        which = torch.randint(0, 3, (n,), generator=g)
        gate = torch.randint(0, 2, (n,), generator=g)
        x = patterns[which] * 0.7 + torch.randn(n, dim, generator=g)
        self.x = torch.cat([x, 2.0 * gate[:, None] - 1], 1)
        self.y = (which + gate) % 3

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class GatedMLP(nn.Module):
    def __init__(self, d_in=25, width=32, classes=3):
        super().__init__()
        self.up, self.gate = nn.Linear(d_in, width), nn.Linear(d_in, width)
        self.down = nn.Linear(width, width)
        self.out = nn.Linear(width, classes)

    def forward(self, x):
        h = self.up(x) * F.silu(self.gate(x))
        return self.out(F.silu(self.down(h)))


class Trainer:
    def __init__(self, cfg):
        torch.manual_seed(cfg.seed)
        self.cfg = cfg
        self.model = GatedMLP()
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=cfg.lr, weight_decay=0.01)
        self.train_loader = DataLoader(GatedPatterns(3000, 1), cfg.micro_batch, shuffle=True)
        self.val_loader = DataLoader(GatedPatterns(600, 2), 200)

    def precision(self):
        return torch.autocast("cpu", dtype=torch.bfloat16) if self.cfg.bf16 else nullcontext()

    def groups(self):
        group = []
        for batch in self.train_loader:
            group.append(batch)
            if len(group) == self.cfg.accumulate:
                yield group
                group = []
        if group:
            yield group

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for group in self.groups():
            n = sum(len(y) for _, y in group)
            for x, y in group:
                with self.precision():
                    logits = self.model(x)
                loss = F.cross_entropy(logits.float(), y)
                (loss * len(y) / n).backward()
                total += loss.item() * len(y)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.max_norm)
            self.opt.step()
            self.opt.zero_grad(set_to_none=True)
        return total / len(self.train_loader.dataset)

    @torch.inference_mode()
    def evaluate(self):
        self.model.eval()
        loss, hit = 0.0, 0
        for x, y in self.val_loader:
            with self.precision():
                logits = self.model(x).float()
            loss += F.cross_entropy(logits, y, reduction="sum").item()
            hit += (logits.argmax(1) == y).sum().item()
        n = len(self.val_loader.dataset)
        return loss / n, hit / n

    def fit(self):
        for epoch in range(self.cfg.epochs):
            train = self.train_epoch()
            val, acc = self.evaluate()
            print(f"epoch {epoch} train {train:.4f} val {val:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    Trainer(TrainingConfig()).fit()
