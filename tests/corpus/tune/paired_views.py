"""Contrastive learning of two sensor views of one event (symmetric InfoNCE), judged by retrieval."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(80)
MIX_A, MIX_B = torch.randn(6, 16) / 6 ** 0.5, torch.randn(6, 12) / 6 ** 0.5


def views(n):
    z = torch.randn(n, 6)
    a = torch.tanh(z @ MIX_A) + 0.1 * torch.randn(n, 16)
    b = z @ MIX_B + 0.1 * torch.randn(n, 12)
    return a, b


class Tower(nn.Module):
    def __init__(self, n_in, dim=12):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return F.normalize(self.net(x), dim=1)


class Matcher(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = Tower(16), Tower(12)
        self.log_scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, xa, xb):
        return self.log_scale.exp() * self.a(xa) @ self.b(xb).T


def info_nce(sim):
    target = torch.arange(len(sim))
    return (F.cross_entropy(sim, target) + F.cross_entropy(sim.T, target)) / 2


train = DataLoader(TensorDataset(*views(3000)), batch_size=100, shuffle=True, drop_last=True)
val = DataLoader(TensorDataset(*views(600)), batch_size=100)
net = Matcher()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(10):
    net.train()
    tot = 0.0
    for xa, xb in train:
        opt.zero_grad()
        loss = info_nce(net(xa, xb))
        loss.backward()
        opt.step()
        tot += loss.item()
    net.eval()
    vl = top1 = 0.0
    with torch.no_grad():
        for xa, xb in val:
            sim = net(xa, xb)
            vl += info_nce(sim).item() / len(val)
            top1 += (sim.argmax(1) == torch.arange(len(sim))).float().mean().item() / len(val)
    print(f"epoch {epoch} train {tot / len(train):.4f} val {vl:.4f} top-1 {top1:.3f}")
