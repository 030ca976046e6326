# MNIST-like GAN with BCE-with-logits, label smoothing, one-sided, functions for each step
import torch
from torch import nn
from sklearn.datasets import load_digits
torch.manual_seed(0)
real = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1


def get_noise(n, d):
    return torch.randn(n, d)


class Generator(nn.Module):
    def __init__(self, z=16, im=64, h=64):
        super().__init__()
        self.gen = nn.Sequential(self.block(z, h), self.block(h, h * 2), nn.Linear(h * 2, im), nn.Tanh())

    def block(self, i, o):
        return nn.Sequential(nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU(inplace=True))

    def forward(self, noise):
        return self.gen(noise)


class Discriminator(nn.Module):
    def __init__(self, im=64, h=64):
        super().__init__()
        self.disc = nn.Sequential(nn.Linear(im, h), nn.LeakyReLU(0.2), nn.Linear(h, h // 2), nn.LeakyReLU(0.2), nn.Linear(h // 2, 1), nn.Sigmoid())

    def forward(self, x):
        return self.disc(x)


def get_disc_loss(gen, disc, criterion, real, n, z):
    fake = gen(get_noise(n, z))
    fp = disc(fake.detach())
    fl = criterion(fp, torch.zeros_like(fp))
    rp = disc(real)
    rl = criterion(rp, torch.ones_like(rp) * 0.9)
    return (fl + rl) / 2


def get_gen_loss(gen, disc, criterion, n, z):
    fp = disc(gen(get_noise(n, z)))
    return criterion(fp, torch.ones_like(fp))


criterion = nn.BCEWithLogitsLoss()
gen, disc = Generator(), Discriminator()
gen_opt = torch.optim.Adam(gen.parameters(), lr=2e-4)
disc_opt = torch.optim.Adam(disc.parameters(), lr=2e-4)
loader = torch.utils.data.DataLoader(real, batch_size=128, shuffle=True)
for epoch in range(12):
    for x in loader:
        disc_opt.zero_grad()
        dl = get_disc_loss(gen, disc, criterion, x, len(x), 16)
        dl.backward(retain_graph=True)
        disc_opt.step()
        gen_opt.zero_grad()
        gl = get_gen_loss(gen, disc, criterion, len(x), 16)
        gl.backward()
        gen_opt.step()
    print(epoch, dl.item(), gl.item())
