"""A small GAN that learns a ring of eight Gaussians."""
import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
CENTERS = torch.tensor([[math.cos(a), math.sin(a)] for a in torch.arange(8) * math.pi / 4]) * 1.4


def real_points(n):
    return CENTERS[torch.randint(0, 8, (n,))] + 0.08 * torch.randn(n, 2)


def mlp(sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


gen, disc = mlp([8, 64, 64, 2]), mlp([2, 64, 64, 1])
opt_g = torch.optim.Adam(gen.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_d = torch.optim.Adam(disc.parameters(), lr=1e-3, betas=(0.5, 0.9))
for step in range(1, 601):
    real = real_points(128)
    fake = gen(torch.randn(128, 8))

    opt_d.zero_grad()
    d_real, d_fake = disc(real), disc(fake.detach())
    loss_d = F.softplus(-d_real).mean() + F.softplus(d_fake).mean()
    loss_d.backward()
    opt_d.step()

    opt_g.zero_grad()
    loss_g = F.softplus(-disc(fake)).mean()
    loss_g.backward()
    opt_g.step()
    if step % 100 == 0:
        with torch.no_grad():
            pts = gen(torch.randn(1000, 8))
            dist, which = torch.cdist(pts, CENTERS).min(1)
        print(f"step {step} D {loss_d.item():.3f} G {loss_g.item():.3f} "
              f"mean distance {dist.mean():.3f} modes {which[dist < 0.3].unique().numel()}")
