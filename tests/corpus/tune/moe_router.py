import torch
from torch import nn
import torch.nn.functional as F


class Expert(nn.Sequential):
    def __init__(self, d, h):
        super().__init__(nn.Linear(d, h), nn.SiLU(), nn.Linear(h, d))


class MoE(nn.Module):
    def __init__(self, d, h, n, k):
        super().__init__()
        self.gate = nn.Linear(d, n, bias=False)
        self.experts = nn.ModuleList(Expert(d, h) for _ in range(n))
        self.k, self.aux = k, None

    def forward(self, x):
        probs = self.gate(x).softmax(-1)
        w, idx = probs.topk(self.k, -1)
        w = w / w.sum(-1, keepdim=True)
        out = torch.zeros_like(x)
        for e, exp in enumerate(self.experts):
            tok, slot = (idx == e).nonzero(as_tuple=True)
            if len(tok) == 0:
                continue
            out = out.index_add(0, tok, exp(x[tok]) * w[tok, slot, None])
        load = F.one_hot(idx[:, 0], len(self.experts)).float().mean(0)
        self.aux = len(self.experts) * (load * probs.mean(0)).sum()
        self.load = load.detach()
        return out


class Net(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.embed = nn.Linear(4, d)
        self.n1, self.m1 = nn.LayerNorm(d), MoE(d, 48, 6, 2)
        self.n2, self.m2 = nn.LayerNorm(d), MoE(d, 48, 6, 2)
        self.head = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 1))

    def forward(self, x):
        h = self.embed(x)
        h = h + self.m1(self.n1(h))
        h = h + self.m2(self.n2(h))
        return self.head(h)


def piecewise(n, g):
    x = torch.rand(n, 4, generator=g) * 4 - 2
    k = (x[:, 0] > 0).long() + 2 * (x[:, 1] > 0).long()
    branches = torch.stack([torch.sin(2 * x[:, 2]), x[:, 2] * x[:, 3] / 2, x[:, 3].abs() - 1, torch.cos(x[:, 2] + x[:, 3])], 1)
    y = branches.gather(1, k[:, None])
    return x, y + 0.05 * torch.randn(n, 1, generator=g)


torch.manual_seed(10)
g = torch.Generator().manual_seed(1)
xa, ya = piecewise(6000, g)
xb, yb = piecewise(1000, g)
net = Net()
opt = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=1e-3)
EP = 12
sched = torch.optim.lr_scheduler.OneCycleLR(opt, 5e-3, epochs=EP, steps_per_epoch=47)
for ep in range(EP):
    net.train()
    s = 0
    for i in torch.randperm(6000).split(128):
        p = net(xa[i])
        mse = F.mse_loss(p, ya[i])
        loss = mse + 0.01 * (net.m1.aux + net.m2.aux)
        opt.zero_grad(); loss.backward(); opt.step(); sched.step()
        s += mse.item() * len(i)
    net.eval()
    with torch.no_grad():
        v = F.mse_loss(net(xb), yb).item()
    print(f"{ep} train {s / 6000:.4f} val {v:.4f} (variance {yb.var().item():.3f}) load {[round(t, 2) for t in net.m1.load.tolist()]}")
