"""Poisson regression of event counts with a softplus rate, and a tanh-bounded steering angle beside it."""
import torch
import torch.nn.functional as F
from torch import nn


class CountAndSteer(nn.Module):
    def __init__(self, d=8, h=32):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU())
        self.rate = nn.Linear(h, 1)
        self.steer = nn.Linear(h, 1)

    def forward(self, x):
        h = self.shared(x)
        return F.softplus(self.rate(h)).squeeze(1), torch.tanh(self.steer(h)).squeeze(1)


def make(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, generator=g)
    lam = torch.exp(0.5 + 0.5 * x[:, 0] - 0.4 * x[:, 1] * x[:, 2].sign())
    return x, torch.poisson(lam, generator=g), torch.sin(x[:, 3] + 0.5 * x[:, 4])


torch.manual_seed(39)
x, c, a = make(3000, 1)
xv, cv, av = make(700, 2)
net = CountAndSteer()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
pnll = nn.PoissonNLLLoss(log_input=False)
for epoch in range(12):
    net.train()
    for ids in torch.randperm(3000).split(60):
        lam, ang = net(x[ids])
        loss = pnll(lam, c[ids]) + F.mse_loss(ang, a[ids])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        lam, ang = net(xv)
        print(f"epoch {epoch:2d} poisson {pnll(lam, cv).item():.4f} steering mse {F.mse_loss(ang, av).item():.4f}")
