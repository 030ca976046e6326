"""Orthogonalised momentum for matrices, AdamW for the rest: two optimizers on one model, on digits."""
import torch
from torch import nn
from torch.optim import Optimizer
import torch.nn.functional as F
from sklearn.datasets import load_digits


@torch.no_grad()
def orthogonalise(G, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = G / (G.norm() + 1e-7)
    tall = X.shape[0] > X.shape[1]
    if tall:
        X = X.T
    for _ in range(steps):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X.T if tall else X


class Muon(Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95, nesterov=True):
        super().__init__(params, dict(lr=lr, momentum=momentum, nesterov=nesterov))

    @torch.no_grad()
    def step(self, closure=None):
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is None:
                    continue
                buf = self.state[p].setdefault("buf", torch.zeros_like(p))
                buf.lerp_(p.grad, 1 - g["momentum"])
                u = p.grad.lerp(buf, g["momentum"]) if g["nesterov"] else buf
                p.add_(orthogonalise(u), alpha=-g["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


class Net(nn.Module):
    def __init__(self, d=64, depth=3):
        super().__init__()
        self.inp = nn.Linear(64, d)
        self.hidden = nn.ModuleList(nn.Linear(d, d, bias=False) for _ in range(depth))
        self.norms = nn.ModuleList(nn.RMSNorm(d) for _ in range(depth))
        self.out = nn.Linear(d, 10)
        nn.init.zeros_(self.out.weight)

    def forward(self, x):
        x = self.inp(x)
        for n, l in zip(self.norms, self.hidden):
            x = x + F.relu(l(n(x))).square()
        return self.out(x)


torch.manual_seed(31)
X, y = load_digits(return_X_y=True)
p = torch.randperm(len(y))
X = ((torch.tensor(X, dtype=torch.float32) - 4.9) / 6.0)[p]
y = torch.tensor(y)[p]
Xa, ya, Xb, yb = X[:1250], y[:1250], X[1250:], y[1250:]
net = Net()
matrices = [l.weight for l in net.hidden]
ids = {id(m) for m in matrices}
rest = [q for q in net.parameters() if id(q) not in ids]
opts = [Muon(matrices, lr=0.01), torch.optim.AdamW(rest, lr=2e-3, betas=(0.9, 0.95), weight_decay=0.)]
total = 8 * 20
scheds = [torch.optim.lr_scheduler.LambdaLR(o, lambda s: min(1.0, (total - s) / (0.6 * total))) for o in opts]
best, state = 9., None
for ep in range(8):
    net.train()
    s = 0.
    for i in torch.randperm(1250).split(64):
        loss = F.cross_entropy(net(Xa[i] + 0.25 * torch.randn(len(i), 64)), ya[i], label_smoothing=0.05)
        for o in opts:
            o.zero_grad(set_to_none=True)
        loss.backward()
        for o, sc in zip(opts, scheds):
            o.step(); sc.step()
        s += loss.item() * len(i)
    net.eval()
    with torch.no_grad():
        o = net(Xb)
        v = F.cross_entropy(o, yb).item()
    if v < best:
        best, state = v, {k: t.clone() for k, t in net.state_dict().items()}
    print(f"{ep} train (smoothed) {s / 1250:.3f} val {v:.3f} acc {(o.argmax(1) == yb).float().mean():.3f}")
net.load_state_dict(state)
print("best val", best)
