import torch
from torch import nn
import torch.nn.utils.prune as prune
torch.manual_seed(0)
class STE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return torch.sign(x)
    @staticmethod
    def backward(ctx, g): return g
class BinLinear(nn.Linear):
    def forward(self, x): return nn.functional.linear(x, STE.apply(self.weight) * self.weight.abs().mean(), self.bias)
x = torch.randn(1200, 20); y = (x[:, :5].sum(1) > x[:, 5:10].sum(1)).long()
net = nn.Sequential(BinLinear(20, 64), nn.Hardtanh(), nn.Linear(64, 2)); opt = torch.optim.Adam(net.parameters(), 2e-3)
for ep in range(8):
    if ep == 4: prune.l1_unstructured(net[2], "weight", amount=0.3); opt = torch.optim.Adam(net.parameters(), 1e-3)
    for b in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(net(x[b]), y[b]); opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad(): print(ep, (net(x[1000:]).argmax(1) == y[1000:]).float().mean().item())
