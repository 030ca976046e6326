import torch, torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
t = torch.arange(2000).float()
state = ((t // 37) % 2).long()
x = torch.stack([torch.sin(t / 5) + state, torch.cos(t / 7) - state], 1) + 0.5 * torch.randn(2000, 2)
w = torch.stack([x[i : i + 8] for i in range(1990)])
y = state[8:1998]
tr, te = DataLoader(TensorDataset(w[:1500], y[:1500]), 50), DataLoader(TensorDataset(w[1500:], y[1500:]), 100)


class N(nn.Module):
    def __init__(self):
        super().__init__()
        self.r = nn.GRU(2, 16, batch_first=True)
        self.o = nn.Linear(16, 2)

    def forward(self, x):
        return self.o(self.r(x)[0][:, -1])


m = N()
o = torch.optim.Adam(m.parameters(), 3e-3)
for e in range(4):
    for a, b in tr:
        l = nn.functional.cross_entropy(m(a), b)
        o.zero_grad()
        l.backward()
        o.step()
    with torch.no_grad():
        print(e, sum((m(a).argmax(1) == b).sum().item() for a, b in te) / 490)
