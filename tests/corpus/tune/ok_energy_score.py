# denoising score matching with Langevin sampling
import torch
from torch import nn
torch.manual_seed(0)
def data(n): t = torch.rand(n) * 6.28; return torch.stack([2 * t.cos(), 2 * t.sin()], 1) + 0.05 * torch.randn(n, 2)
score = nn.Sequential(nn.Linear(2, 64), nn.Softplus(), nn.Linear(64, 64), nn.Softplus(), nn.Linear(64, 2)); opt = torch.optim.Adam(score.parameters(), 1e-3); s = 0.3
for it in range(400):
    x = data(128); n = torch.randn_like(x) * s; loss = ((score(x + n) + n / s ** 2) ** 2).sum(1).mean() * s ** 2 / 2
    opt.zero_grad(); loss.backward(); opt.step()
    if it % 100 == 0: print(it, loss.item())
x = torch.randn(100, 2)
with torch.no_grad():
    for _ in range(100): x = x + 0.01 * score(x) + (0.02 ** 0.5) * torch.randn_like(x)
print(x.norm(dim=1).mean())
