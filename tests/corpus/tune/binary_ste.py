"""BinaryConnect-style net: sign() weights through a custom autograd Function, latent weights clipped after each step."""
import math
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class SignSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w):
        ctx.save_for_backward(w)
        return w.sign()

    @staticmethod
    def backward(ctx, g):
        (w,) = ctx.saved_tensors
        return g * (w.abs() <= 1).to(g.dtype)


class BinaryLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.latent = nn.Parameter(torch.empty(o, i).uniform_(-1, 1) * 0.3)
        self.scale = 1 / math.sqrt(i)

    def forward(self, x):
        return F.linear(x, SignSTE.apply(self.latent)) * self.scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.n1 = BinaryLinear(64, 192), nn.LayerNorm(192)
        self.l2, self.n2 = BinaryLinear(192, 96), nn.LayerNorm(96)
        self.out = BinaryLinear(96, 10)

    def forward(self, x):
        x = F.hardtanh(self.n1(self.l1(x)), -2, 2)
        x = F.relu(self.n2(self.l2(x)))
        return self.out(x)


torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X = torch.tensor(X, dtype=torch.float32) / 8 - 1
y = torch.tensor(y)
perm = torch.randperm(len(y))
X, y = X[perm], y[perm]
Xtr, ytr, Xva, yva = X[:1300], y[:1300], X[1300:], y[1300:]

net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=4e-3, total_steps=15 * 21)
best = -1
for ep in range(15):
    net.train()
    order, run = torch.randperm(1300), 0.
    flips_before = [m.latent.sign().clone() for m in net.modules() if isinstance(m, BinaryLinear)]
    for idx in order.split(64):
        loss = F.cross_entropy(net(X[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        with torch.no_grad():
            for m in net.modules():
                if isinstance(m, BinaryLinear):
                    m.latent.clamp_(-1, 1)
        run += loss.item() * len(idx)
    flips = sum((a != m.latent.sign()).sum().item() for a, m in zip(flips_before, [m for m in net.modules() if isinstance(m, BinaryLinear)]))
    net.eval()
    with torch.no_grad():
        o = net(Xva)
        vl, acc = F.cross_entropy(o, yva).item(), (o.argmax(1) == yva).float().mean().item()
    if acc > best:
        best, keep = acc, {k: v.clone() for k, v in net.state_dict().items()}
    print(f"{ep:2d} train {run / 1300:.3f} val {vl:.3f} acc {acc:.3f} flips {flips}")
net.load_state_dict(keep)
print("best", best)
