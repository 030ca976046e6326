import copy
import math
import torch
import torch.nn as nn
from sklearn.datasets import make_moons

torch.manual_seed(0)
g = torch.Generator().manual_seed(99)
data = torch.tensor(make_moons(4000, noise=0.05, random_state=1)[0], dtype=torch.float32)
data = (data - data.mean(0)) / data.std(0)
train, held = data[:3500], data[3500:]

T = 60
betas = torch.linspace(1e-4, 0.12, T)
abar = torch.cumprod(1 - betas, 0)


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.a = nn.Linear(d, 2 * d)
        self.b = nn.Linear(2 * d, d)
        nn.init.zeros_(self.b.weight)
        nn.init.zeros_(self.b.bias)

    def forward(self, h, c):
        return h + self.b(nn.functional.silu(self.a(self.norm(h + c))))


class Denoiser(nn.Module):
    def __init__(self, d=48, blocks=2):
        super().__init__()
        self.inp = nn.Linear(2, d)
        self.time = nn.Sequential(nn.Linear(32, d), nn.SiLU(), nn.Linear(d, d))
        self.blocks = nn.ModuleList(Block(d) for _ in range(blocks))
        self.out = nn.Linear(d, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.register_buffer("freq", torch.exp(torch.linspace(0, math.log(1000), 16)))

    def forward(self, x, t):
        a = (t.float() / T)[:, None] * self.freq
        c = self.time(torch.cat([a.sin(), a.cos()], 1))
        h = self.inp(x)
        for blk in self.blocks:
            h = blk(h, c)
        return self.out(h)


def q_sample(x0, t, eps):
    s = abar[t][:, None]
    return s.sqrt() * x0 + (1 - s).sqrt() * eps


net = Denoiser()
ema = copy.deepcopy(net).eval()
for p in ema.parameters():
    p.requires_grad = False
opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.0)
STEPS = 900
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda i: min(1.0, i / 100) * (1 - 0.95 * i / STEPS))

vt = torch.randint(0, T, (len(held),), generator=g)
ve = torch.randn(held.shape, generator=g)

hist = []
for i in range(STEPS):
    x0 = train[torch.randint(len(train), (256,))]
    t = torch.randint(0, T, (256,))
    eps = torch.randn_like(x0)
    loss = (net(q_sample(x0, t, eps), t) - eps).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    with torch.no_grad():
        decay = min(0.995, (1 + i) / (10 + i))
        for pe, p in zip(ema.parameters(), net.parameters()):
            pe.lerp_(p, 1 - decay)
    hist.append(loss.detach())
    if (i + 1) % 150 == 0:
        with torch.no_grad():
            v = (ema(q_sample(held, vt, ve), vt) - ve).pow(2).mean().item()
        print(f"{i + 1:5d} train {torch.stack(hist[-150:]).mean():.3f}  held-out (ema, fixed noise) {v:.3f}")


@torch.no_grad()
def sample(n):
    x = torch.randn(n, 2, generator=g)
    for s in reversed(range(T)):
        t = torch.full((n,), s)
        e = ema(x, t)
        x = (x - betas[s] / (1 - abar[s]).sqrt() * e) / (1 - betas[s]).sqrt()
        if s:
            x = x + betas[s].sqrt() * torch.randn(n, 2, generator=g)
    return x


s = sample(500)
print("mean distance of samples to data", torch.cdist(s, held).min(1).values.mean().item(),
      "vs gaussian", torch.cdist(torch.randn(500, 2, generator=g), held).min(1).values.mean().item())
