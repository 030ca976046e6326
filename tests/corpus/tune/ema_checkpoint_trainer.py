"""Trainer with EMA (batch norm included), checkpoint of the best average and early stopping."""
import copy
import io
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainerConfig:
    max_epochs: int = 9
    batch_size: int = 64
    lr: float = 0.02
    decay: float = 0.95
    patience: int = 3
    seed: int = 71


def network():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(96, 10),
    )


class Trainer:
    def __init__(self, cfg, train, val):
        self.cfg = cfg
        self.train_loader = DataLoader(train, cfg.batch_size, shuffle=True, drop_last=True)
        self.val_loader = DataLoader(val, 180)
        self.model = network()
        self.ema = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(cfg.decay), use_buffers=True)
        self.opt = torch.optim.SGD(self.model.parameters(), lr=cfg.lr, momentum=0.9, weight_decay=5e-4)
        self.best, self.best_state, self.waited = float("inf"), None, 0

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.train_loader:
            self.opt.zero_grad()
            loss = F.cross_entropy(self.model(x), y)
            loss.backward()
            self.opt.step()
            self.ema.update_parameters(self.model)
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def evaluate(self, model):
        model.eval()
        loss = right = n = 0
        for x, y in self.val_loader:
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
        return loss / n, right / n

    def fit(self):
        for epoch in range(self.cfg.max_epochs):
            train = self.train_epoch()
            raw, _ = self.evaluate(self.model)
            val, acc = self.evaluate(self.ema)
            print(f"epoch {epoch} train {train:.4f} val raw {raw:.4f} val ema {val:.4f} acc {acc:.4f}")
            if val < self.best:
                self.best, self.waited = val, 0
                buffer = io.BytesIO()
                torch.save(self.ema.module.state_dict(), buffer)
                self.best_state = buffer.getvalue()
            else:
                self.waited += 1
                if self.waited >= self.cfg.patience:
                    break
        final = copy.deepcopy(self.model)
        final.load_state_dict(torch.load(io.BytesIO(self.best_state)))
        print("best", self.evaluate(final))


if __name__ == "__main__":
    cfg = TrainerConfig()
    torch.manual_seed(cfg.seed)
    X, y = load_digits(return_X_y=True)
    X = torch.tensor((X - 4.9) / 6.0).float().view(-1, 1, 8, 8)
    y = torch.tensor(y)
    tr, va = train_test_split(range(len(X)), test_size=0.2, stratify=y, random_state=cfg.seed)
    Trainer(cfg, TensorDataset(X[tr], y[tr]), TensorDataset(X[va], y[va])).fit()
