"""Claim counts with exposure: a rate model with an offset."""
from dataclasses import dataclass
import numpy as np, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

@dataclass(frozen=True)
class Config:
    n: int = 9000; hidden: int = 32; lr: float = 3e-3; epochs: int = 10; batch: int = 200; seed: int = 3

class Rate(nn.Module):
    def __init__(self, d, hidden, base):
        super().__init__()
        self.linear, self.deep = nn.Linear(d, 1), nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, 1, bias=False))
        nn.init.constant_(self.linear.bias, base); nn.init.zeros_(self.deep[2].weight)
    def forward(self, x, log_exposure): return (self.linear(x) + self.deep(x)).squeeze(1) + log_exposure

def deviance(z, k):
    mu = z.exp(); return 2 * (torch.xlogy(k, k / mu) - (k - mu)).mean()

def main(c=Config()):
    r = np.random.default_rng(c.seed); torch.manual_seed(c.seed)
    age, power, dens, bonus = r.uniform(18, 80, c.n), r.normal(size=c.n), r.normal(size=c.n), r.uniform(-1, 1, c.n)
    expo = r.uniform(.1, 1., c.n)
    lam = np.exp(-.3 + 1.3 * np.exp(-(age - 18) / 8) + .3 * power + .35 * dens * (bonus > 0) - .7 * bonus + .5 * np.maximum(0, (age - 65) / 10))
    k = r.poisson(lam * expo)
    X = np.column_stack([(age - 49) / 18, power, dens, bonus * 1.7])
    ds = TensorDataset(*(torch.tensor(v, dtype=torch.float32) for v in (X, np.log(expo), k)))
    tr, va = random_split(ds, [6500, c.n - 6500])
    kt, et = k[tr.indices].sum(), expo[tr.indices].sum(); base = float(np.log(kt / et))
    dl, vx = DataLoader(tr, c.batch, shuffle=True), [t[va.indices] for t in ds.tensors]
    tx = [t[tr.indices] for t in ds.tensors]
    net = Rate(4, c.hidden, base); opt = torch.optim.Adam(net.parameters(), lr=c.lr); nll = nn.PoissonNLLLoss(log_input=True)
    null = deviance(vx[1] + base, vx[2]).item()
    for ep in range(c.epochs):
        net.train(); s = 0
        for x, e, y in dl: loss = nll(net(x, e), y); opt.zero_grad(); loss.backward(); opt.step(); s += loss.item() / len(dl)
        net.eval()
        with torch.no_grad(): zt, zv = net(*tx[:2]), net(*vx[:2]); dv = deviance(zv, vx[2]).item()
        print(ep, f"nll {s:.4f}/{nll(zv, vx[2]):.4f} deviance train {deviance(zt, tx[2]):.4f} valid {dv:.4f} D2 {1 - dv / null:.3f}")
main()
