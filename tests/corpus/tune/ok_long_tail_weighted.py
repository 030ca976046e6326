import torch, torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(0)
n = [800, 200, 50, 12]
C = torch.randn(4, 8) * 2
X = torch.cat([C[k] + torch.randn(m, 8) for k, m in enumerate(n)])
y = torch.cat([torch.full((m,), k) for k, m in enumerate(n)])
w = 1.0 / torch.bincount(y).float()
dl = DataLoader(TensorDataset(X, y), 50, sampler=WeightedRandomSampler(w[y], len(y)))
Xt = torch.cat([C[k] + torch.randn(50, 8) for k in range(4)])
yt = torch.arange(4).repeat_interleave(50)
m = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
o = torch.optim.Adam(m.parameters(), 2e-3)
for e in range(6):
    for a, b in dl:
        l = nn.functional.cross_entropy(m(a), b)
        o.zero_grad()
        l.backward()
        o.step()
    with torch.no_grad():
        p = m(Xt).argmax(1)
        print(e, [(p[yt == k] == k).float().mean().item() for k in range(4)])
