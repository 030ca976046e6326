import math, torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)
class BayesianLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.w_mu = nn.Parameter(torch.empty(o, i).uniform_(-0.2, 0.2)); self.w_rho = nn.Parameter(torch.full((o, i), -4.0))
        self.b_mu = nn.Parameter(torch.zeros(o)); self.b_rho = nn.Parameter(torch.full((o,), -4.0))
    def forward(self, x):
        ws, bs = F.softplus(self.w_rho), F.softplus(self.b_rho)
        w = self.w_mu + ws * torch.randn_like(ws); b = self.b_mu + bs * torch.randn_like(bs)
        self.kl = sum((0.5 * (s ** 2 + m ** 2 - 1) - s.log()).sum() for m, s in ((self.w_mu, ws), (self.b_mu, bs)))
        return F.linear(x, w, b)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = BayesianLinear(1, 32), BayesianLinear(32, 1)
    def forward(self, x): return self.l2(torch.tanh(self.l1(x)))
    def kl(self): return self.l1.kl + self.l2.kl
x = torch.linspace(-3, 3, 200)[:, None]; y = torch.sin(x) + 0.1 * torch.randn_like(x)
net = Net(); opt = torch.optim.Adam(net.parameters(), 1e-2)
for step in range(600):
    opt.zero_grad()
    nll = F.gaussian_nll_loss(net(x), y, torch.full_like(y, 0.01), reduction="sum")
    loss = (nll + net.kl()) / len(x)
    loss.backward(); opt.step()
    if step % 150 == 0: print(step, loss.item())
with torch.no_grad():
    preds = torch.stack([net(x) for _ in range(50)]); print(preds.std(0).mean())
