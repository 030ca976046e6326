import torch, torch.nn as nn, torch.nn.functional as F

torch.manual_seed(0)


class Tower(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n, 32), nn.ReLU(), nn.Linear(32, 16))

    def forward(self, x):
        return F.normalize(self.net(x), dim=-1)


a, b = Tower(12), Tower(20)
scale = nn.Parameter(torch.tensor(2.0))
opt = torch.optim.AdamW(
    [{"params": a.parameters()}, {"params": b.parameters()}, {"params": [scale], "weight_decay": 0.0}], 2e-3
)
A, B = torch.randn(6, 12), torch.randn(6, 20)
for s in range(200):
    z = torch.randn(48, 6)
    logits = scale.exp() * a(z @ A) @ b(z @ B).T
    t = torch.arange(48)
    l = (F.cross_entropy(logits, t) + F.cross_entropy(logits.T, t)) / 2
    opt.zero_grad()
    l.backward()
    opt.step()
with torch.no_grad():
    z = torch.randn(48, 6)
    print(((a(z @ A) @ b(z @ B).T).argmax(1) == torch.arange(48)).float().mean())
