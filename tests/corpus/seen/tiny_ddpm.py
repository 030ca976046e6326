"""Denoising diffusion on a two-dimensional pinwheel."""
import math
import torch
from torch import nn

torch.manual_seed(79)
STEPS = 40
beta = torch.linspace(1e-3, 0.15, STEPS)
abar = torch.cumprod(1 - beta, 0)


def pinwheel(n):
    arm = torch.randint(5, (n,)).float()
    r = 0.4 + 1.2 * torch.rand(n)
    a = arm * 2 * math.pi / 5 + 0.6 * r + 0.1 * torch.randn(n)
    return torch.stack([r * a.cos(), r * a.sin()], 1)


class Denoiser(nn.Module):
    def __init__(self, h=96):
        super().__init__()
        self.time = nn.Embedding(STEPS, 32)
        self.net = nn.Sequential(nn.Linear(34, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, 2))

    def forward(self, x, t):
        return self.net(torch.cat([x, self.time(t)], 1))


@torch.no_grad()
def generate(model, n):
    x = torch.randn(n, 2)
    for k in reversed(range(STEPS)):
        t = torch.full((n,), k)
        eps = model(x, t)
        x = (x - beta[k] / (1 - abar[k]).sqrt() * eps) / (1 - beta[k]).sqrt()
        if k:
            x = x + beta[k].sqrt() * torch.randn_like(x)
    return x


model = Denoiser()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
data, ema = pinwheel(6000), None
for it in range(1, 901):
    x0 = data[torch.randint(len(data), (128,))]
    t = torch.randint(STEPS, (128,))
    noise = torch.randn_like(x0)
    xt = abar[t].sqrt()[:, None] * x0 + (1 - abar[t]).sqrt()[:, None] * noise
    loss = (model(xt, t) - noise).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    ema = loss.item() if ema is None else 0.98 * ema + 0.02 * loss.item()
    if it % 150 == 0:
        s = generate(model, 500)
        near = torch.cdist(s, data).min(1).values.mean().item()
        print(f"iteration {it}: noise loss {ema:.4f}, mean distance of samples to the data {near:.3f}")
