"""Denoising diffusion on two moons with EMA weights; gradient clipping for stable training."""
import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn


@dataclass
class DiffusionConfig:
    timesteps: int = 50
    hidden: int = 96
    batch_size: int = 128
    epochs: int = 20
    lr: float = 0.05
    momentum: float = 0.9
    max_grad_norm: float = 0.01
    ema: float = 0.99
    seed: int = 12


def two_moons(n, seed):
    rng = np.random.default_rng(seed)
    t, side = rng.uniform(0, np.pi, n), rng.integers(0, 2, n)
    x = np.where(side, 1 - np.cos(t), np.cos(t))
    y = np.where(side, 0.5 - np.sin(t), np.sin(t))
    pts = np.stack([x, y], 1) + 0.05 * rng.normal(size=(n, 2))
    pts = (pts - [0.5, 0.25]) / [0.87, 0.5]
    return torch.tensor(pts, dtype=torch.float32)


class Denoiser(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.time = nn.Embedding(cfg.timesteps, 16)
        self.net = nn.Sequential(
            nn.Linear(18, cfg.hidden), nn.SiLU(),
            nn.Linear(cfg.hidden, cfg.hidden), nn.SiLU(),
            nn.Linear(cfg.hidden, 2),
        )

    def forward(self, x, t):
        return self.net(torch.cat([x, self.time(t)], -1))


class Diffusion:
    def __init__(self, cfg):
        beta = torch.linspace(1e-3, 0.15, cfg.timesteps)
        self.cfg, self.alpha_bar = cfg, torch.cumprod(1 - beta, 0)

    def corrupt(self, x, t, noise):
        a = self.alpha_bar[t][:, None]
        return a.sqrt() * x + (1 - a).sqrt() * noise

    def loss(self, model, x, generator=None):
        t = torch.randint(0, self.cfg.timesteps, (len(x),), generator=generator)
        noise = torch.randn(x.shape, generator=generator)
        return ((model(self.corrupt(x, t, noise), t) - noise) ** 2).mean()


def optimise(loss, model, optimizer, cfg):
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), cfg.max_grad_norm)
    optimizer.step()
    return norm.item()


def main():
    cfg = DiffusionConfig()
    torch.manual_seed(cfg.seed)
    train, val = two_moons(3000, 1), two_moons(1000, 2)
    model, process = Denoiser(cfg), Diffusion(cfg)
    ema = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    for epoch in range(1, cfg.epochs + 1):
        total = 0.0
        for idx in torch.randperm(len(train)).split(cfg.batch_size):
            loss = process.loss(model, train[idx])
            optimise(loss, model, optimizer, cfg)
            with torch.no_grad():
                for e, p in zip(ema.parameters(), model.parameters()):
                    e.lerp_(p, 1 - cfg.ema)
            total += loss.item() * len(idx)
        if epoch % 4 == 0 or epoch == 1:
            with torch.no_grad():
                v = process.loss(ema, val, torch.Generator().manual_seed(0)).item()
            print(f"epoch {epoch:3d}  train {total / len(train):.4f}  val(ema) {v:.4f}")


if __name__ == "__main__":
    main()
