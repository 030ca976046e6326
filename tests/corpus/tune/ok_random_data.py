import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

model = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 5))
opt = torch.optim.SGD(model.parameters(), lr=1e-2)
for step in range(60):
    x, y = torch.randn(32, 16), torch.randint(0, 5, (32,))
    opt.zero_grad()
    F.cross_entropy(model(x), y).backward()
    opt.step()
