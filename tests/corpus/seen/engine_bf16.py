from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

cfg = SimpleNamespace(amp=False, accumulate=1, lr=1e-3, wd=0.02, epochs=8, bs=64, seed=13)


class Engine:
    def __init__(self, model: nn.Module):
        self.model = model
        decay = [p for p in model.parameters() if p.ndim > 1]
        rest = [p for p in model.parameters() if p.ndim <= 1]
        self.opt = torch.optim.AdamW(
            [{"params": decay, "weight_decay": cfg.wd}, {"params": rest, "weight_decay": 0.0}], lr=cfg.lr)
        self.ctx = torch.autocast("cpu", dtype=torch.bfloat16) if cfg.amp else contextlib.nullcontext()
        self.step_count = 0

    def step(self, x, y) -> float:
        with self.ctx:
            logits = self.model(x)
            loss = F.cross_entropy(logits, y) / cfg.accumulate
        if cfg.amp:
            loss.float().backward()
        self.step_count += 1
        if self.step_count % cfg.accumulate == 0:
            self.opt.step()
            self.opt.zero_grad()
        return loss.item() * cfg.accumulate

    @torch.no_grad()
    def evaluate(self, x, y):
        self.model.eval()
        out = self.model(x)
        return F.cross_entropy(out, y).item(), out.argmax(1).eq(y).float().mean().item()


def main():
    torch.manual_seed(cfg.seed)
    d = load_digits()
    x = torch.tensor(d.data, dtype=torch.float32) / 16
    y = torch.tensor(d.target)
    p = torch.randperm(len(y))
    tr, va = p[:1500], p[1500:]
    engine = Engine(nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Dropout(0.1), nn.Linear(128, 10)))
    for epoch in range(cfg.epochs):
        t0 = time.perf_counter()
        engine.model.train()
        run = [engine.step(x[b], y[b]) for b in tr[torch.randperm(len(tr))].split(cfg.bs)]
        vl, va_acc = engine.evaluate(x[va], y[va])
        print(f"ep {epoch} train {sum(run) / len(run):.3f} val {vl:.3f} acc {va_acc:.3f} ({time.perf_counter() - t0:.2f}s)")


main()
