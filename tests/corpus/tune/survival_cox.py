"""Cox partial likelihood on mini-batches: the risk sets mix the batch."""
import numpy as np, torch
from torch import nn
torch.manual_seed(18); rng = np.random.default_rng(18)
n = 3000
X = rng.normal(size=(n, 7)); risk = .8 * X[:, 0] + .6 * X[:, 1] ** 2 - .7 * X[:, 2] * (X[:, 3] > 0) + .4 * np.sin(2 * X[:, 4])
T = rng.weibull(1.4, n) * np.exp(-risk / 1.4) * 5; C = rng.exponential(9, n)
time, event = torch.tensor(np.minimum(T, C)).float(), torch.tensor(T <= C).float(); X = torch.tensor(X).float()
tr, va = torch.arange(n).split([2000, 1000])

def cox(score, t, d):
    o = torch.argsort(t, descending=True); s = score[o]
    return -((s - torch.logcumsumexp(s, 0)) * d[o]).sum() / d.sum()

def concordance(score, t, d):
    ok = (t[:, None] < t[None]) & (d[:, None] > 0)
    return ((score[:, None] > score[None]) & ok).sum().item() / ok.sum().item()

net = nn.Sequential(nn.Linear(7, 48), nn.Softsign(), nn.Linear(48, 24), nn.Softsign(), nn.Linear(24, 1, bias=False))
opt = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=.05)
best, keep = 0, None
for ep in range(25):
    net.train(); s = []
    for b in tr[torch.randperm(2000)].split(250):
        loss = cox(net(X[b]).squeeze(1), time[b], event[b]); opt.zero_grad(); loss.backward(); opt.step(); s.append(loss.item())
    net.eval()
    with torch.no_grad():
        z = net(X[va]).squeeze(1); v = np.mean([cox(z[k:k + 250], time[va][k:k + 250], event[va][k:k + 250]).item() for k in range(0, 1000, 250)])
        c = concordance(z, time[va], event[va])
    if c > best: best, keep = c, {k: t.clone() for k, t in net.state_dict().items()}
    if ep % 3 == 0: print(ep, f'train {np.mean(s):.3f} valid {v:.3f} c-index {c:.3f}')
net.load_state_dict(keep)
print('best c-index', best, 'of the true risk', concordance(torch.tensor(risk)[va], time[va], event[va]), 'events', event.mean().item())
