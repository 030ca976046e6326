"""Self-supervised features for 1-D signals (BYOL), then a linear probe."""
import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def signals(n, g, length=64):
    t = torch.linspace(0, 1, length)
    y = torch.randint(0, 4, (n,), generator=g)
    f = torch.tensor([2.0, 4.0, 6.0, 9.0])[y].unsqueeze(1)
    ph = 2 * math.pi * torch.rand(n, 1, generator=g)
    return torch.sin(2 * math.pi * f * t + ph) + 0.2 * torch.randn(n, length, generator=g), y


def view(x):
    shift = int(torch.randint(0, x.shape[1], (1,)))
    x = torch.roll(x, shift, dims=1) * (0.7 + 0.6 * torch.rand(len(x), 1))
    return x + 0.2 * torch.randn_like(x)


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 16, 7, padding=3), nn.BatchNorm1d(16), nn.ReLU(),
                                  nn.Conv1d(16, dim, 5, stride=2, padding=2), nn.BatchNorm1d(dim), nn.ReLU())
        self.proj = nn.Sequential(nn.Linear(dim, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))

    def features(self, x):
        return self.conv(x.unsqueeze(1)).mean(-1)

    def forward(self, x):
        return self.proj(self.features(x))


class BYOL(nn.Module):
    def __init__(self, tau=0.98):
        super().__init__()
        self.online = Encoder()
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.predictor = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
        self.tau = tau

    def loss(self, a, b):
        with torch.no_grad():
            ta, tb = self.target(a), self.target(b)
        pa, pb = self.predictor(self.online(a)), self.predictor(self.online(b))
        return -0.5 * (F.cosine_similarity(pa, tb).mean() + F.cosine_similarity(pb, ta).mean())

    @torch.no_grad()
    def move_target(self):
        for t, o in zip(self.target.parameters(), self.online.parameters()):
            t.mul_(self.tau).add_(o, alpha=1 - self.tau)


def main():
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(0)
    x, _ = signals(2000, g)
    byol = BYOL()
    opt = torch.optim.Adam(list(byol.online.parameters()) + list(byol.predictor.parameters()), lr=2e-3)
    byol.train()
    for step in range(250):
        xb = x[torch.randint(0, len(x), (64,), generator=g)]
        loss = byol.loss(view(xb), view(xb))
        opt.zero_grad()
        loss.backward()
        opt.step()
        byol.move_target()
        if step % 50 == 49:
            print(f"pretrain {step + 1}: loss {loss.item():.4f}")

    xl, yl = signals(600, g)
    xt, yt = signals(500, g)
    enc = byol.online.eval()
    with torch.no_grad():
        fl, ft = enc.features(xl), enc.features(xt)
    mu, sd = fl.mean(0), fl.std(0) + 1e-6
    fl, ft = (fl - mu) / sd, (ft - mu) / sd
    probe = nn.Linear(32, 4)
    opt = torch.optim.Adam(probe.parameters(), lr=1e-2)
    for epoch in range(10):
        for idx in torch.randperm(len(fl)).split(50):
            opt.zero_grad()
            F.cross_entropy(probe(fl[idx]), yl[idx]).backward()
            opt.step()
    with torch.no_grad():
        print("linear probe accuracy", round((probe(ft).argmax(1) == yt).float().mean().item(), 3))


if __name__ == "__main__":
    main()
