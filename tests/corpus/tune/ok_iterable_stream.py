import torch, torch.nn as nn
from torch.utils.data import DataLoader, IterableDataset


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        for _ in range(self.n):
            x = torch.randn(6)
            yield x, (x[0] > x[1]).float()


torch.manual_seed(0)
m = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
o = torch.optim.Adam(m.parameters(), 5e-3)
f = nn.BCEWithLogitsLoss()
for x, y in DataLoader(Stream(6000), 50):
    l = f(m(x), y)
    o.zero_grad()
    l.backward()
    o.step()
with torch.no_grad():
    x, y = next(iter(DataLoader(Stream(500), 500)))
    print(((m(x) > 0) == y.bool()).float().mean().item())
