import torch, torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
W = torch.randn(15, 6)
X = torch.randn(1500, 15)
Y = (X @ W > 1.5).float()
tr, va = (
    DataLoader(TensorDataset(X[:1200], Y[:1200]), 60, shuffle=True),
    DataLoader(TensorDataset(X[1200:], Y[1200:]), 150),
)
m = nn.Sequential(nn.Linear(15, 48), nn.ReLU(), nn.Linear(48, 6))
o = torch.optim.Adam(m.parameters(), 3e-3)
f = nn.BCEWithLogitsLoss()
for e in range(8):
    for a, b in tr:
        l = f(m(a), b)
        o.zero_grad()
        l.backward()
        o.step()
    with torch.no_grad():
        print(e, sum(((m(a) > 0) == b.bool()).float().mean().item() for a, b in va) / 2)
