import torch
from torch import nn
torch.manual_seed(0)
n = 800; x = torch.randn(n, 8); risk = x[:, 0] - 0.5 * x[:, 1] ** 2
t = torch.distributions.Exponential(risk.exp()).sample(); c = torch.distributions.Exponential(0.5).sample((n,))
time, event = torch.minimum(t, c), (t <= c).float()
net = nn.Sequential(nn.Linear(8, 32), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(32, 1, bias=False))
opt = torch.optim.Adam(net.parameters(), 2e-3, weight_decay=1e-4)
def cox(score, time, event):
    order = time.argsort(descending=True); s, e = score[order], event[order]
    return -((s - s.logcumsumexp(0)) * e).sum() / e.sum()
tr, te = slice(0, 600), slice(600, None)
for ep in range(100):
    net.train(); opt.zero_grad()
    loss = cox(net(x[tr]).squeeze(-1), time[tr], event[tr]); loss.backward(); opt.step()
    if ep % 25 == 0:
        net.eval()
        with torch.no_grad(): print(ep, loss.item(), cox(net(x[te]).squeeze(-1), time[te], event[te]).item())
