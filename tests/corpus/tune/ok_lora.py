import torch
from torch import nn
torch.manual_seed(0)
class LoRALinear(nn.Module):
    def __init__(self, base, r=4):
        super().__init__(); self.base = base
        for p in base.parameters(): p.requires_grad_(False)
        self.A = nn.Parameter(torch.randn(r, base.in_features) * 0.01); self.B = nn.Parameter(torch.zeros(base.out_features, r))
    def forward(self, x): return self.base(x) + x @ self.A.T @ self.B.T
X = torch.randn(1500, 16); W = torch.randn(16, 4)
ya = (X @ W).argmax(1); yb = (X @ (W + 0.7 * torch.randn(16, 4))).argmax(1)
net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
def fit(params, y, lr, epochs):
    opt = torch.optim.AdamW(params, lr=lr)
    for e in range(epochs):
        for b in torch.randperm(1200).split(50):
            loss = nn.functional.cross_entropy(net(X[b]), y[b]); opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad(): print(loss.item(), (net(X[1200:]).argmax(1) == y[1200:]).float().mean().item())
fit(net.parameters(), ya, 3e-3, 6)
for i in (0, 2): net[i] = LoRALinear(net[i])
fit([p for p in net.parameters() if p.requires_grad], yb, 5e-3, 6)
