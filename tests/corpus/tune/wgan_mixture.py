import math

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(0)
Z, N_CRITIC, CLIP, BATCH = 4, 5, 0.1, 128


def real_batch(n):
    k = torch.randint(0, 4, (n,))
    ang = k * math.pi / 2
    centre = torch.stack([ang.cos(), ang.sin()], 1)
    return centre + 0.1 * torch.randn(n, 2)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(Z, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, z):
        return self.net(z)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def forward(self, x):
        return self.net(x)


gen, critic = Generator(), Critic()
opt_g = optim.RMSprop(gen.parameters(), lr=5e-4)
opt_c = optim.RMSprop(critic.parameters(), lr=1e-3)

for it in range(401):
    for _ in range(N_CRITIC):
        real = real_batch(BATCH)
        fake = gen(torch.randn(BATCH, Z)).detach()
        loss_c = critic(fake).mean() - critic(real).mean()
        opt_c.zero_grad()
        loss_c.backward()
        opt_c.step()
        with torch.no_grad():
            for p in critic.parameters():
                p.clamp_(-CLIP, CLIP)

    loss_g = -critic(gen(torch.randn(BATCH, Z))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()

    if it % 80 == 0:
        with torch.no_grad():
            s = gen(torch.randn(1000, Z))
            r = s.norm(dim=1)
        print(f"iter {it:4d} W-dist {-loss_c.item():.4f} gen {loss_g.item():+.4f} radius {r.mean():.3f} +- {r.std():.3f}")
