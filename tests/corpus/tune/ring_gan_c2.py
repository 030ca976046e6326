"""GAN on eight Gaussians that sit on a ring."""
import math

import torch
from torch import nn

torch.manual_seed(0)
device = "cpu"
LATENT = 8


def real_points(n):
    k = torch.randint(0, 8, (n,))
    angle = k * (2 * math.pi / 8)
    return torch.stack([angle.cos(), angle.sin()], 1) * 1.5 + 0.08 * torch.randn(n, 2)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(LATENT, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2))

    def forward(self, z):
        return self.net(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


G, D = Generator().to(device), Discriminator().to(device)
opt_g = torch.optim.Adam(G.parameters(), lr=1.5e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=1.5e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
BATCH = 128
ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)

for step in range(1, 801):
    real = real_points(BATCH)
    fake = G(torch.randn(BATCH, LATENT))

    opt_d.zero_grad()
    d_loss = 0.5 * (bce(D(real), 0.9 * ones) + bce(D(fake.detach()), zeros))
    d_loss.backward()
    opt_d.step()

    opt_g.zero_grad()
    g_loss = bce(D(fake), ones)
    g_loss.backward()
    opt_g.step()

    if step % 200 == 0:
        with torch.no_grad():
            pts = G(torch.randn(1000, LATENT))
            angle = torch.atan2(pts[:, 1], pts[:, 0])
            mode = torch.round(angle / (2 * math.pi / 8)).long() % 8
            centre = torch.stack([(mode * math.pi / 4).cos(), (mode * math.pi / 4).sin()], 1) * 1.5
            good = ((pts - centre).norm(dim=1) < 0.3)
            print(f"step {step} d {d_loss.item():.3f} g {g_loss.item():.3f} modes {mode[good].unique().numel()} near a mode {good.float().mean():.2f}")
