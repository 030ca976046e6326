import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
torch.manual_seed(0); X = (torch.tensor(load_digits().data).float() > 7).float()
class CatVAE(nn.Module):
    def __init__(s, n=6, k=8):
        super().__init__(); s.n, s.k = n, k
        s.enc = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, n * k)); s.dec = nn.Sequential(nn.Linear(n * k, 96), nn.ReLU(), nn.Linear(96, 64))
    def forward(s, x, tau):
        l = s.enc(x).view(-1, s.n, s.k); z = F.gumbel_softmax(l, tau, hard=False, dim=-1)
        return s.dec(z.flatten(1)), l.log_softmax(-1)
m = CatVAE(); o = torch.optim.Adam(m.parameters(), 2e-3); tau = 1.0
for ep in range(8):
    m.train(); tot = 0
    for b in torch.randperm(1500).split(50):
        out, lq = m(X[b], tau); rec = F.binary_cross_entropy_with_logits(out, X[b], reduction="none").sum(1).mean()
        kl = (lq.exp() * (lq + torch.log(torch.tensor(8.0)))).sum((1, 2)).mean(); loss = rec + kl
        o.zero_grad(); loss.backward(); o.step(); tot += loss.item()
    tau = max(0.5, tau * 0.9); m.eval()
    with torch.no_grad(): out, lq = m(X[1500:], tau); print(ep, tot / 30, F.binary_cross_entropy_with_logits(out, X[1500:]).item())
