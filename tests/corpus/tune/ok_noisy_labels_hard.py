import torch, torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X = torch.randn(3000, 10)
y = (X[:, 0] + 2.0 * torch.randn(3000) > 0).long()
tr, va = (
    DataLoader(TensorDataset(X[:2400], y[:2400]), 80, shuffle=True),
    DataLoader(TensorDataset(X[2400:], y[2400:]), 300),
)
m = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2))
o = torch.optim.Adam(m.parameters(), 1e-3)
for e in range(6):
    m.train()
    for a, b in tr:
        l = nn.functional.cross_entropy(m(a), b)
        o.zero_grad()
        l.backward()
        o.step()
    m.eval()
    with torch.no_grad():
        print(e, sum((m(a).argmax(1) == b).sum().item() for a, b in va) / 600)
