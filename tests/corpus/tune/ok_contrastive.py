import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

a = torch.randn(256, 8)
b = a @ torch.randn(8, 8) + 0.1 * torch.randn(256, 8)
f, g = nn.Linear(8, 16), nn.Linear(8, 16)
opt = torch.optim.Adam([*f.parameters(), *g.parameters()], lr=1e-2)
for step in range(60):
    i = torch.randperm(256)[:32]
    u, v = F.normalize(f(a[i]), dim=1), F.normalize(g(b[i]), dim=1)
    scores = u @ v.t() / 0.1
    target = torch.arange(32)
    loss = (F.cross_entropy(scores, target) + F.cross_entropy(scores.t(), target)) / 2
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
