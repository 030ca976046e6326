import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)
class MoE(nn.Module):
    def __init__(self, d=16, e=4, k=2):
        super().__init__(); self.k = k
        self.gate = nn.Linear(d, e); self.experts = nn.ModuleList(nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, d)) for _ in range(e))
        self.head = nn.Linear(d, 3)
    def forward(self, x):
        g = self.gate(x); top, idx = g.topk(self.k, dim=1); w = top.softmax(1)
        out = torch.zeros_like(x)
        for i, ex in enumerate(self.experts):
            rows, slot = (idx == i).nonzero(as_tuple=True)
            if len(rows): out.index_add_(0, rows, w[rows, slot, None] * ex(x[rows]))
        p = g.softmax(1); load = F.one_hot(idx[:, 0], len(self.experts)).float().mean(0)
        return self.head(x + out), len(self.experts) * (p.mean(0) * load).sum()
x = torch.randn(1500, 16); y = (x[:, :3] * x[:, 3:6]).argmax(1)
m = MoE(); o = torch.optim.Adam(m.parameters(), 3e-3)
for ep in range(10):
    for b in torch.randperm(1200).split(64):
        s, aux = m(x[b]); l = F.cross_entropy(s, y[b]) + 0.01 * aux
        o.zero_grad(); l.backward(); o.step()
    with torch.no_grad(): print(ep, l.item(), (m(x[1200:])[0].argmax(1) == y[1200:]).float().mean().item())
