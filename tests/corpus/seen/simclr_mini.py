"""NT-Xent pretraining on two noisy views, then a linear probe."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def view(img):
    """Random one-pixel shift, contrast and noise for a whole batch."""
    n = len(img)
    padded = F.pad(img.view(n, 8, 8), (1, 1, 1, 1))
    off = torch.randint(0, 3, (n, 2))
    rows = off[:, :1] + torch.arange(8)
    cols = off[:, 1:] + torch.arange(8)
    out = padded[torch.arange(n)[:, None, None], rows[:, :, None], cols[:, None, :]]
    return (out * (0.8 + 0.4 * torch.rand(n, 1, 1)) + 0.05 * torch.randn_like(out)).view(n, 64)


def nt_xent(z1, z2, tau=0.3):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    sim = z @ z.t() / tau
    sim.fill_diagonal_(-1e9)
    n = len(z1)
    target = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return F.cross_entropy(sim, target)


torch.manual_seed(66)
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 16, torch.tensor(d.target)
p = torch.randperm(len(y))
tr, te = p[:1437], p[1437:]

encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 32), nn.ReLU())
projector = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16))
opt = torch.optim.Adam([*encoder.parameters(), *projector.parameters()], lr=2e-3)
for epoch in range(12):
    total = 0.0
    for ids in tr[torch.randperm(len(tr))].split(128)[:-1]:
        loss = nt_xent(projector(encoder(view(x[ids]))), projector(encoder(view(x[ids]))))
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    if epoch % 3 == 2:
        print(f"pretrain {epoch + 1}: {total / 11:.3f}")

encoder.requires_grad_(False)
with torch.no_grad():
    f = encoder(x)
    f = (f - f[tr].mean(0)) / (f[tr].std(0) + 1e-6)
probe = nn.Linear(32, 10)
popt = torch.optim.Adam(probe.parameters(), lr=1e-2)
for epoch in range(15):
    for ids in tr[torch.randperm(len(tr))].split(64):
        l = F.cross_entropy(probe(f[ids]), y[ids])
        popt.zero_grad()
        l.backward()
        popt.step()
with torch.no_grad():
    print("probe accuracy", (probe(f[te]).argmax(1) == y[te]).float().mean().item())
