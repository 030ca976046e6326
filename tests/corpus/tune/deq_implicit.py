"""Deep-equilibrium classifier: fixed point under no_grad, gradient by the implicit function theorem in a hook."""
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold


class Cell(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.W = nn.utils.parametrizations.spectral_norm(nn.Linear(d, d, bias=False))
        self.U = nn.Linear(13, d)

    def forward(self, z, x):
        return torch.tanh(0.8 * self.W(z) + self.U(x))


class DEQ(nn.Module):
    def __init__(self, d=24, tol=1e-4, iters=30):
        super().__init__()
        self.cell, self.head, self.d, self.tol, self.iters = Cell(d), nn.Linear(d, 3), d, tol, iters
        self.used = 0

    def solve(self, f, z):
        for k in range(self.iters):
            nz = f(z)
            if (nz - z).abs().max() < self.tol:
                break
            z = nz
        self.used = k + 1
        return nz

    def forward(self, x):
        with torch.no_grad():
            mode = self.cell.training
            z = self.solve(lambda z: self.cell.eval()(z, x), torch.zeros(len(x), self.d))
            self.cell.train(mode)
        z = self.cell(z, x)
        if torch.is_grad_enabled():
            z0 = z.detach().requires_grad_()
            f0 = self.cell(z0, x)

            def hook(g):
                return self.solve(lambda v: torch.autograd.grad(f0, z0, v, retain_graph=True)[0] + g, g)
            z.register_hook(hook)
        return self.head(z)


def run_fold(X, y, a, b):
    mu, sd = X[a].mean(0), X[a].std(0)
    Xa, Xb, ya, yb = (X[a] - mu) / sd, (X[b] - mu) / sd, y[a], y[b]
    net = DEQ()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for ep in range(12):
        net.train()
        tot = 0
        for i in torch.randperm(len(Xa)).split(24):
            l = F.cross_entropy(net(Xa[i]), ya[i], label_smoothing=0.1)
            opt.zero_grad()
            l.backward()
            opt.step()
            tot += l.item() * len(i)
        net.eval()
        with torch.no_grad():
            o = net(Xb)
        if ep % 4 == 3:
            print(f"   epoch {ep} train {tot / len(Xa):.3f} val {F.cross_entropy(o, yb, label_smoothing=0.1).item():.3f} acc {(o.argmax(1) == yb).float().mean().item():.3f} solver {net.used}")
    return (o.argmax(1) == yb).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(2)
    X, y = load_wine(return_X_y=True)
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
    res = []
    for k, (a, b) in enumerate(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y)):
        print("fold", k)
        res.append(run_fold(X, y, a, b))
    print("accuracy per fold", res)
