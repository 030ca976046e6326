import torch
from torch import nn, optim
from sklearn.datasets import load_digits
torch.manual_seed(5)
d = load_digits()
x = torch.tensor(d.data / 16.0).float()
digit = torch.tensor(d.target)
ink = x.sum(1, keepdim=True) / 64
perm = torch.randperm(len(x))
tr, te = perm[:1400], perm[1400:]


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU())
        self.cls = nn.Linear(64, 10)
        self.reg = nn.Linear(64, 1)
        self.log_vars = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        h = self.trunk(x)
        return self.cls(h), self.reg(h)

    def loss(self, x, y, r):
        a, b = self(x)
        l1, l2 = nn.functional.cross_entropy(a, y), nn.functional.mse_loss(b, r)
        return torch.exp(-self.log_vars[0]) * l1 + self.log_vars[0] + torch.exp(-self.log_vars[1]) * l2 + self.log_vars[1]


m = Shared()
o = optim.AdamW(m.parameters(), lr=3e-3)
for ep in range(10):
    m.train()
    for b in tr[torch.randperm(len(tr))].split(64):
        o.zero_grad()
        l = m.loss(x[b], digit[b], ink[b])
        l.backward()
        o.step()
    m.eval()
    with torch.no_grad():
        a, b_ = m(x[te])
    print(ep, l.item(), (a.argmax(1) == digit[te]).float().mean().item(), (b_ - ink[te]).abs().mean().item())
