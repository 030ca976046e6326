import torch, torch.nn as nn, torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
X = torch.tensor(load_digits().data, dtype=torch.float32) / 16
enc = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
proj = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16))
opt = torch.optim.Adam([*enc.parameters(), *proj.parameters()], 1e-3)


def aug(x):
    return x + 0.1 * torch.randn_like(x)


def nt(z1, z2, t=0.2):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    s = z @ z.T / t
    s.fill_diagonal_(-1e9)
    n = len(z1)
    return F.cross_entropy(s, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


for e in range(5):
    for b in torch.randperm(len(X)).split(128):
        l = nt(proj(enc(aug(X[b]))), proj(enc(aug(X[b]))))
        opt.zero_grad()
        l.backward()
        opt.step()
    print(e, l.item())
