"""GAN for points on a ring of six blobs; checks how many blobs the samples cover."""
import math

import torch
from torch import nn

torch.manual_seed(1)
K, Z = 6, 4
centres = torch.tensor([[math.cos(2 * math.pi * k / K), math.sin(2 * math.pi * k / K)] for k in range(K)])


def real(n):
    return centres[torch.randint(0, K, (n,))] + 0.08 * torch.randn(n, 2)


G = nn.Sequential(nn.Linear(Z, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.99))
bce = nn.BCEWithLogitsLoss()


@torch.no_grad()
def coverage(n=600):
    dist, near = torch.cdist(G(torch.randn(n, Z)), centres).min(1)
    good = dist < 0.3
    return near[good].unique().numel(), good.float().mean().item()


for it in range(1, 1001):
    x = real(128)
    fake = G(torch.randn(128, Z))
    d_loss = bce(D(x), torch.full((128, 1), 0.9)) + bce(D(fake.detach()), torch.zeros(128, 1))
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    g_loss = bce(D(fake), torch.ones(128, 1))
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if it % 200 == 0:
        modes, share = coverage()
        print(f"{it}: D {d_loss.item():.3f} G {g_loss.item():.3f} modes {modes}/{K} on a blob {share:.2f}")
