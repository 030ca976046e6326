"""Diffusion model on a ring of Gaussians: epsilon prediction, EMA weights, ancestral sampling."""
import argparse
import copy
import math

import torch
import torch.nn as nn


def ring(n, generator, modes=6):
    k = torch.randint(0, modes, (n,), generator=generator)
    centre = torch.stack([torch.cos(2 * math.pi * k / modes), torch.sin(2 * math.pi * k / modes)], 1)
    return (centre + 0.08 * torch.randn(n, 2, generator=generator)) * math.sqrt(2)


class TimeMLP(nn.Module):
    def __init__(self, width=96, steps=40):
        super().__init__()
        freqs = torch.exp(torch.linspace(0, math.log(20.0), 8))
        self.register_buffer("freqs", freqs)
        self.steps = steps
        self.a = nn.Linear(2, width)
        self.t = nn.Linear(16, width)
        self.b = nn.Linear(width, width)
        self.out = nn.Linear(width, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.act = nn.SiLU()

    def forward(self, x, t):
        angle = (t / self.steps)[:, None] * self.freqs
        emb = torch.cat([angle.sin(), angle.cos()], 1)
        h = self.act(self.a(x) + self.t(emb))
        return self.out(self.act(h + self.b(h)))


class GaussianDiffusion:
    def __init__(self, steps=40):
        self.steps = steps
        self.beta = torch.linspace(2e-3, 0.2, steps)
        self.alpha = 1 - self.beta
        self.alpha_bar = self.alpha.cumprod(0)

    def training_loss(self, model, x0, generator=None):
        t = torch.randint(0, self.steps, (len(x0),), generator=generator)
        eps = torch.randn(x0.shape, generator=generator)
        ab = self.alpha_bar[t, None]
        return nn.functional.mse_loss(model(ab.sqrt() * x0 + (1 - ab).sqrt() * eps, t), eps)

    @torch.no_grad()
    def sample(self, model, n, generator):
        x = torch.randn(n, 2, generator=generator)
        for i in reversed(range(self.steps)):
            t = torch.full((n,), i)
            eps = model(x, t)
            x = (x - self.beta[i] / (1 - self.alpha_bar[i]).sqrt() * eps) / self.alpha[i].sqrt()
            if i:
                x = x + self.beta[i].sqrt() * torch.randn(x.shape, generator=generator)
        return x


class EMA:
    def __init__(self, model, decay):
        self.shadow, self.decay = copy.deepcopy(model).eval().requires_grad_(False), decay

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.mul_(self.decay).add_(p, alpha=1 - self.decay)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=25)
    ap.add_argument("--batch-size", type=int, default=128)
    ap.add_argument("--lr", type=float, default=2e-3)
    args = ap.parse_args()
    torch.manual_seed(40)
    g = torch.Generator().manual_seed(41)
    train, val = ring(4000, g), ring(1000, g)
    model, diffusion = TimeMLP(), GaussianDiffusion()
    ema = EMA(model, 0.98)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.0)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(train)).split(args.batch_size):
            loss = diffusion.training_loss(model, train[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            ema.update(model)
            total += loss.item() * len(idx)
        if epoch % 5 == 0 or epoch == 1:
            with torch.no_grad():
                v = sum(diffusion.training_loss(ema.shadow, val, torch.Generator().manual_seed(s)).item() for s in range(4)) / 4
            print(f"epoch {epoch} train {total / len(train):.4f} val {v:.4f}")
    samples = diffusion.sample(ema.shadow, 500, torch.Generator().manual_seed(0))
    print("mean radius", samples.norm(dim=1).mean().item(), "of", math.sqrt(2))


if __name__ == "__main__":
    main()
