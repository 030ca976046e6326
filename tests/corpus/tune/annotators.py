"""Severity grading of synthetic patient vitals. Two nurses graded the training records."""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset


@dataclass
class Settings:
    patients: int = 2400
    held_out: int = 600
    hidden: int = 48
    lr: float = 3e-3
    epochs: int = 10
    batch: int = 64
    seed: int = 21


def make_records(cfg, rng):
    vitals = rng.normal(size=(cfg.patients, 12)).astype(np.float32)
    risk = vitals[:, :4].sum(1) + 0.8 * vitals[:, 4] * vitals[:, 5]
    grade = np.digitize(risk, [-1.0, 1.0])
    return vitals, grade.astype(np.int64)


def grade_by(nurse, grade, rng):
    """Grades as entered by one nurse; the junior one tends to round up borderline patients."""
    entered = grade.copy()
    if nurse == "junior":
        up = rng.random(len(grade)) < 0.25
        entered[up] = np.minimum(entered[up] + 1, 2)
    return entered


def main():
    cfg = Settings()
    rng = np.random.default_rng(cfg.seed)
    torch.manual_seed(cfg.seed)
    vitals, grade = make_records(cfg, rng)
    x_tr, y_tr = vitals[cfg.held_out:], grade[cfg.held_out:]
    x_va, y_va = vitals[:cfg.held_out], grade[:cfg.held_out]

    sources = []
    for nurse in ("senior", "junior"):
        entered = grade_by(nurse, y_tr, rng)
        sources.append(TensorDataset(torch.from_numpy(x_tr), torch.from_numpy(entered)))
    train_set = ConcatDataset(sources)
    train_loader = DataLoader(train_set, batch_size=cfg.batch, shuffle=True)
    val_loader = DataLoader(TensorDataset(torch.from_numpy(x_va), torch.from_numpy(y_va)), batch_size=200)

    model = nn.Sequential(nn.Linear(12, cfg.hidden), nn.GELU(), nn.Linear(cfg.hidden, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        total = right = 0
        with torch.no_grad():
            for x, y in val_loader:
                logits = model(x)
                total += F.cross_entropy(logits, y, reduction="sum").item()
                right += (logits.argmax(-1) == y).sum().item()
        print(f"[{epoch + 1}/{cfg.epochs}] val loss {total / cfg.held_out:.3f} val acc {right / cfg.held_out:.3f}")


if __name__ == "__main__":
    main()
