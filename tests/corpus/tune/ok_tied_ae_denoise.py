import torch
import torch.nn.functional as F
from torch import nn
from sklearn.datasets import load_digits
X = torch.tensor(load_digits().data / 16).float(); torch.manual_seed(3)
class DAE(nn.Module):
    def __init__(self, h=40): super().__init__(); self.W = nn.Parameter(torch.randn(h, 64) * 0.1); self.b, self.c = nn.Parameter(torch.zeros(h)), nn.Parameter(torch.zeros(64))
    def forward(self, x): return torch.sigmoid(F.linear(torch.relu(F.linear(x, self.W, self.b)), self.W.T, self.c))
m = DAE(); o = torch.optim.Adagrad(m.parameters(), 0.05)
for ep in range(12):
    for b in torch.randperm(1500).split(50):
        x = X[b]; loss = F.binary_cross_entropy(m(x * (torch.rand_like(x) > 0.3)), x); o.zero_grad(); loss.backward(); o.step()
    with torch.no_grad(): print(ep, loss.item(), F.binary_cross_entropy(m(X[1500:]), X[1500:]).item())
