"""Matrix factorisation with biases; last ratings of every user are held out; half-star ratings."""
import argparse
import numpy as np, torch
from torch import nn

def simulate(rng, users=400, items=150, k=3, per=60):
    U, V = rng.normal(0, .55, (users, k)), rng.normal(0, .75, (items, k))
    bu, bi = rng.normal(0, .35, users), rng.normal(0, .5, items)
    pop = rng.dirichlet(np.full(items, 2.))
    rows = []
    for u in range(users):
        for t, i in enumerate(rng.choice(items, per, replace=False, p=pop)):
            r = 3.4 + bu[u] + bi[i] + U[u] @ V[i] + rng.normal(0, .35)
            rows.append((u, i, t, np.clip(np.round(2 * r) / 2, .5, 5)))
    return np.array(rows)

class MF(nn.Module):
    def __init__(self, users, items, k, mean):
        super().__init__()
        self.u, self.i = nn.Embedding(users, k), nn.Embedding(items, k)
        self.bu, self.bi = nn.Embedding(users, 1), nn.Embedding(items, 1)
        for e in (self.u, self.i): nn.init.normal_(e.weight, std=.1)
        for e in (self.bu, self.bi): nn.init.zeros_(e.weight)
        self.register_buffer("mean", torch.tensor(mean))
    def forward(self, u, i):
        p, q = self.u(u), self.i(i)
        return self.mean + (self.bu(u) + self.bi(i)).squeeze(1) + (p * q).sum(1), (p ** 2).sum(1) + (q ** 2).sum(1)

def main():
    ap = argparse.ArgumentParser(); ap.add_argument("--k", type=int, default=6); ap.add_argument("--reg", type=float, default=.03)
    a = ap.parse_args(); torch.manual_seed(0)
    R = simulate(np.random.default_rng(0)); late = R[:, 2] >= 50
    u, i, r = torch.tensor(R[:, 0]).long(), torch.tensor(R[:, 1]).long(), torch.tensor(R[:, 3]).float()
    tr, te = torch.where(torch.tensor(~late))[0], torch.where(torch.tensor(late))[0]
    net = MF(400, 150, a.k, r[tr].mean().item())
    opt = torch.optim.Adam(net.parameters(), lr=.02)
    sch = torch.optim.lr_scheduler.ExponentialLR(opt, .8)
    best, state = 9, None
    for ep in range(16):
        net.train(); s = 0
        for b in tr[torch.randperm(len(tr))].split(256):
            p, norm = net(u[b], i[b])
            fit = (p - r[b]).square().mean()
            (fit + a.reg * norm.mean()).backward(); opt.step(); opt.zero_grad(); s += fit.item() * len(b) / len(tr)
        sch.step(); net.eval()
        with torch.no_grad(): v = (net(u[te], i[te])[0].clamp(.5, 5) - r[te]).square().mean().item()
        if v < best: best, state = v, {k: t.clone() for k, t in net.state_dict().items()}
        if ep % 2: print(f"{ep:2d} train mse {s:.3f} held-out {v:.3f} rmse {v ** .5:.3f}")
    net.load_state_dict(state); print("best", best, "variance", r[te].var().item())
main()
