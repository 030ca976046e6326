import torch, math
from torch import nn

torch.manual_seed(6)


def real(n):
    k = torch.randint(0, 8, (n,))
    a = k * (2 * math.pi / 8)
    return torch.stack([a.cos(), a.sin()], 1) + 0.08 * torch.randn(n, 2)


G = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
og = torch.optim.Adam(G.parameters(), lr=1.5e-3, betas=(0.5, 0.9))
od = torch.optim.Adam(D.parameters(), lr=1.5e-3, betas=(0.5, 0.9))
LAMBDA, CRITIC = 1.0, 3


def gradient_penalty(a, b):
    e = torch.rand(len(a), 1)
    x = (e * a + (1 - e) * b).requires_grad_(True)
    (g,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return ((g.norm(2, dim=1) - 1) ** 2).mean()


zfix = torch.randn(800, 4)
reff = real(800)


@torch.no_grad()
def sliced_w(a, b, n=64):
    th = torch.linspace(0, math.pi, n)
    d = torch.stack([th.cos(), th.sin()])
    return ((a @ d).sort(0).values - (b @ d).sort(0).values).abs().mean().item()


print("before", sliced_w(G(zfix), reff))
for it in range(1, 401):
    for p in D.parameters():
        p.requires_grad_(True)
    for _ in range(CRITIC):
        x = real(128)
        with torch.no_grad():
            f = G(torch.randn(128, 4))
        od.zero_grad()
        w = D(f).mean() - D(x).mean()
        (w + LAMBDA * gradient_penalty(x, f)).backward()
        od.step()
    for p in D.parameters():
        p.requires_grad_(False)
    og.zero_grad()
    lg = -D(G(torch.randn(128, 4))).mean()
    lg.backward()
    og.step()
    if it % 100 == 0:
        G.eval()
        print(f"{it} critic {w.item():.3f} gen {lg.item():.3f} sliced-W {sliced_w(G(zfix), reff):.4f}")
        G.train()
print("noise floor", sliced_w(real(800), reff))
