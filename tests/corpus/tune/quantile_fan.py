"""Five quantiles at once; they cannot cross because the gaps are softplus outputs summed up."""
import torch, torch.nn as nn
torch.manual_seed(55)
Q = torch.tensor([.05, .25, .5, .75, .95])
def sample(n):
    x = torch.rand(n, 1) * 6 - 3
    return x / 1.73, (torch.sin(1.5 * x) + (.1 + .25 * (x > 0).float() * x.abs()) * torch.randn(n, 1))
class Fan(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.mid, self.gap = nn.Linear(48, 1), nn.Linear(48, 4)
    def forward(self, x):
        h = self.body(x); m = self.mid(h); g = nn.functional.softplus(self.gap(h) - 1)
        return torch.cat([m - g[:, 0:1] - g[:, 1:2], m - g[:, 1:2], m, m + g[:, 2:3], m + g[:, 2:3] + g[:, 3:4]], 1)
def pinball(pred, y):
    e = y - pred                       # (N,1) against (N,5)
    return torch.maximum(Q * e, (Q - 1) * e).mean()
X, y = sample(2000); Xv, yv = sample(1000)
net = Fan(); opt = torch.optim.Adam(net.parameters(), lr=5e-3)
sch = torch.optim.lr_scheduler.StepLR(opt, 12, .3)
for ep in range(30):
    net.train(); s = 0
    for b in torch.randperm(2000).split(100):
        loss = pinball(net(X[b]), y[b]); opt.zero_grad(); loss.backward(); opt.step(); s += loss.item() / 20
    sch.step(); net.eval()
    with torch.no_grad(): pv = net(Xv); l = pinball(pv, yv).item()
    if ep % 4 == 1: print(ep, f'{s:.4f} {l:.4f}', 'coverage', [round(c, 2) for c in (yv <= pv).float().mean(0).tolist()])
blind = torch.quantile(y, Q); print('constant quantiles', pinball(blind, yv).item())
