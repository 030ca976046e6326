import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

x = torch.randn(300, 5)
y = x @ torch.randn(5)
model = nn.Sequential(nn.Linear(5, 20), nn.ReLU(), nn.Linear(20, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for step in range(60):
    i = torch.randint(0, 300, (32,))
    error = ((y[i] - model(x[i])) ** 2).mean()
    optimizer.zero_grad()
    error.backward()
    optimizer.step()
print(error.item())
