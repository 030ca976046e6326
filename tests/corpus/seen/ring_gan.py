"""GAN on eight Gaussians placed on a ring."""
import math
import torch
from torch import nn, optim

torch.manual_seed(101)
BATCH, NOISE = 128, 8


def real_samples(n):
    k = torch.randint(8, (n,)).float() * (2 * math.pi / 8)
    return torch.stack([k.cos(), k.sin()], 1) + 0.08 * torch.randn(n, 2)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(NOISE, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def forward(self, x):
        return self.main(x)


netG, netD = Generator(), Discriminator()
optimizerD = optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for step in range(1, 1201):
    # discriminator: two backward passes, one step
    netD.zero_grad()
    errD_real = criterion(netD(real_samples(BATCH)), ones)
    errD_real.backward()
    fake = netG(torch.randn(BATCH, NOISE))
    errD_fake = criterion(netD(fake.detach()), zeros)
    errD_fake.backward()
    optimizerD.step()
    # generator
    netG.zero_grad()
    errG = criterion(netD(fake), ones)
    errG.backward()
    optimizerG.step()
    if step % 300 == 0:
        with torch.no_grad():
            s = netG(torch.randn(1000, NOISE))
        print(f"[{step}] D {errD_real.item() + errD_fake.item():.3f} G {errG.item():.3f} "
              f"radius {s.norm(dim=1).mean():.2f} +- {s.norm(dim=1).std():.2f}")
