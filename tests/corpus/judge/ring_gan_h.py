"""GAN on eight Gaussians in a ring (the usual toy)."""
import math
import torch
from torch import nn

torch.manual_seed(2)
Z = 8


def real_batch(n):
    k = torch.randint(0, 8, (n,)).float()
    centre = torch.stack([torch.cos(k * math.pi / 4), torch.sin(k * math.pi / 4)], 1)
    return 1.4 * centre + 0.08 * torch.randn(n, 2)


def mlp(i, o, h=96):
    return nn.Sequential(nn.Linear(i, h), nn.LeakyReLU(0.2), nn.Linear(h, h), nn.LeakyReLU(0.2), nn.Linear(h, o))


G, D = mlp(Z, 2), mlp(2, 1)
opt_g = torch.optim.Adam(G.parameters(), lr=6e-4, betas=(0.5, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=6e-4, betas=(0.5, 0.9))
bce = nn.BCEWithLogitsLoss()


def coverage(n=1000):
    """share of samples close to a mode, and the number of modes hit"""
    G.eval()
    with torch.no_grad():
        s = G(torch.randn(n, Z))
    k = torch.arange(8).float()
    centres = 1.4 * torch.stack([torch.cos(k * math.pi / 4), torch.sin(k * math.pi / 4)], 1)
    d = torch.cdist(s, centres)
    near = d.min(1).values < 0.35
    hit = torch.bincount(d.argmin(1)[near], minlength=8) > 20
    G.train()
    return near.float().mean().item(), int(hit.sum())


print("real batch", real_batch(4))
print("untrained", coverage())
for step in range(1, 1201):
    x = real_batch(128)
    # discriminator
    fake = G(torch.randn(128, Z)).detach()
    d_loss = bce(D(x), torch.full((128, 1), 0.9)) + bce(D(fake), torch.zeros(128, 1))
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()
    # generator
    g_loss = bce(D(G(torch.randn(128, Z))), torch.ones(128, 1))
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if step % 200 == 0:
        share, modes = coverage()
        print(f"{step:5d} d {d_loss.item():.3f} g {g_loss.item():.3f} near modes {share:.2f} modes {modes}")
